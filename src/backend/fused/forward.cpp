// States change in place, step by step: rows that have ended keep their last, rows that join later find the initial
// one.
#include "backend/fused/forward.h"

#include "backend/cuda/error.h"

namespace rondo::fused {

using namespace kernels::cuda;

Status ForwardRun::run() const {
  for (int64_t layer = 0; layer < facts_.L; ++layer) {
    RONDO_TRY(run_layer(layer));
  }
  return store_output();
}

Status ForwardRun::run_layer(int64_t index) const {
  Layer layer{index, nullptr, history_of(index), {}, {}};
  const Array below = index > 0 ? history_of(index - 1) : Array{};
  RONDO_TRY(frame_.layer_input(index, call_.args.x, below, reserve_.dropout_record, space_.input, &layer.input));
  RONDO_TRY(frame_.weights(ParamKind::weight_hh, index, space_.hh, layer.hh));
  RONDO_TRY(frame_.weights(ParamKind::weight_hr, index, space_.hr, layer.hr));
  RONDO_TRY(load_states(layer));
  RONDO_TRY(run_chunks(layer));
  return store_states(layer);
}

Array ForwardRun::history_of(int64_t layer) const {
  if (facts_.training()) {
    return reserve_.history(layer);
  }
  if (layer == facts_.L - 1 && call_.args.y != nullptr && frame_.direct()) {
    return {static_cast<char *>(call_.args.y), storage_bytes(facts_.storage)};
  }
  return space_.history[facts_.L == 1 ? 0 : layer % 2];
}

Status ForwardRun::load_states(const Layer &layer) const {
  RONDO_TRY(frame_.load_states(layer.index, call_.args.h0, facts_.storage, facts_.O, facts_.storage, space_.state));
  if (!facts_.cell.has_cell_state) {
    return {};
  }
  return frame_.load_states(layer.index, call_.args.c0, facts_.cell_state, facts_.H, facts_.arithmetic, space_.c);
}

Status ForwardRun::store_states(const Layer &layer) const {
  RONDO_TRY(frame_.store_states(layer.index, space_.state, facts_.storage, facts_.O, facts_.storage, call_.args.hn));
  if (!facts_.cell.has_cell_state) {
    return {};
  }
  return frame_.store_states(layer.index, space_.c, facts_.arithmetic, facts_.H, facts_.cell_state, call_.args.cn);
}

Status ForwardRun::run_chunks(const Layer &layer) const {
  const int64_t steps = facts_.products_in_reserve() ? rows_.T() : facts_.chunk_steps(rows_.N());
  for (Chunk chunk{0, 0}; chunk.begin < rows_.T(); chunk.begin = chunk.end) {
    chunk.end = std::min(rows_.T(), chunk.begin + steps);
    RONDO_TRY(input_products(layer, chunk));
    RONDO_TRY(facts_.tier == nullptr ? run_steps(layer, chunk) : run_sequence(layer, chunk));
  }
  return {};
}

Status ForwardRun::run_steps(const Layer &layer, const Chunk &chunk) const {
  for (int64_t position = chunk.begin; position < chunk.end; ++position) {
    if (!frame_.runs_rows(position)) {
      continue;
    }
    if (!starts_from_zero(position)) {
      RONDO_TRY(recurrent_products(layer, position));
    }
    RONDO_TRY(cell_step(layer, chunk, position));
    if (facts_.projects()) {
      RONDO_TRY(project(layer, position));
    }
  }
  return {};
}

Status ForwardRun::run_sequence(const Layer &layer, const Chunk &chunk) const {
  if (rows_.S() == 0) {
    return {};
  }
  SequenceLayout layout{};
  RONDO_TRY(frame_.sequence_layout(false, &layout));
  ForwardSequence sequence{};
  sequence.cell = facts_.spec.cell;
  sequence.storage = facts_.storage;
  sequence.tf32 = facts_.tf32;
  sequence.H = facts_.H;
  sequence.P = facts_.P;
  sequence.rows = rows_.map();
  sequence.memory = space_.meeting.memory();
  sequence.first = chunk.begin;
  sequence.last = chunk.end;
  sequence.directions = static_cast<int>(facts_.D);
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    sequence.direction[direction] = sequence_direction(layer, direction);
  }
  RONDO_CUDA(launch_forward_sequence(frame_.target, layout, sequence));
  return {};
}

ForwardSequenceDirection ForwardRun::sequence_direction(const Layer &layer, int64_t direction) const {
  const int64_t N = rows_.N();
  ForwardSequenceDirection to{};
  to.pre = products_of(layer, direction).at(0);
  to.weight_hh = layer.hh[direction];
  to.bias_ih = frame_.params.at(ParamKind::bias_ih, layer.index, direction);
  to.bias_hh = frame_.params.at(ParamKind::bias_hh, layer.index, direction);
  to.state = space_.state.at(direction * N * facts_.O);
  if (facts_.cell.has_cell_state) {
    to.c = space_.c.at(direction * N * facts_.H);
  }
  to.history = layer.history.at(direction * facts_.O);
  to.history_row = facts_.output;
  if (facts_.training()) {
    to.gates = reserve_.gates(layer.index, direction).at(0);
    to.extra = facts_.cell.has_extra ? reserve_.extra(layer.index, direction).at(0) : nullptr;
  }
  if (facts_.projects()) {
    to.weight_hr = layer.hr[direction];
    to.projected = facts_.training() ? reserve_.projected(layer.index, direction).at(0) : nullptr;
  }
  return to;
}

Array ForwardRun::products_of(const Layer &layer, int64_t direction) const {
  if (facts_.products_in_reserve()) {
    return reserve_.gates(layer.index, direction);
  }
  return {space_.pre.data + direction * space_.pre_rows * facts_.gates * space_.pre.bytes, space_.pre.bytes};
}

Status ForwardRun::input_products(const Layer &layer, const Chunk &chunk) const {
  const int64_t width = facts_.input(layer.index);
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    const int64_t t = first_step(direction, chunk);
    const int64_t first = rows_.offset(t);
    const void *weight = frame_.params.at(ParamKind::weight_ih, layer.index, direction);
    RONDO_TRY(frame_.products.run({rows_.offset(t + chunk.end - chunk.begin) - first,
                                   facts_.gates,
                                   width,
                                   {element(layer.input, first * width, facts_.storage), width},
                                   {weight, width, true},
                                   products_of(layer, direction).at(0),
                                   facts_.gates,
                                   false}));
  }
  return {};
}

Status ForwardRun::recurrent_products(const Layer &layer, int64_t position) const {
  Product products[2]{};
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    products[direction] = {rows_.active(frame_.step_at(direction, position)),
                           facts_.gates,
                           facts_.O,
                           {space_.state.at(direction * rows_.N() * facts_.O), facts_.O},
                           {layer.hh[direction], facts_.O, true},
                           space_.recurrent.at(direction * rows_.N() * facts_.gates),
                           facts_.gates,
                           false};
  }
  return frame_.products.run_step(products, facts_.D);
}

Status ForwardRun::cell_step(const Layer &layer, const Chunk &chunk, int64_t position) const {
  ForwardStep step{};
  step.cell = facts_.spec.cell;
  step.storage = facts_.storage;
  step.H = facts_.H;
  step.projects = facts_.projects();
  step.lengths = rows_.mask();
  step.directions = static_cast<int>(facts_.D);
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    step.direction[direction] = cell_direction(layer, chunk, direction, position);
  }
  RONDO_CUDA(launch_forward_step(frame_.target, step));
  return {};
}

ForwardDirection ForwardRun::cell_direction(const Layer &layer, const Chunk &chunk, int64_t direction,
                                            int64_t position) const {
  const int64_t N = rows_.N();
  const int64_t t = frame_.step_at(direction, position);
  const int64_t row = rows_.offset(t);
  const int64_t pre_row = row - rows_.offset(first_step(direction, chunk));
  ForwardDirection to{};
  to.rows = rows_.active(t);
  to.t = t;
  to.pre = products_of(layer, direction).at(pre_row * facts_.gates);
  to.recurrent = starts_from_zero(position) ? nullptr : space_.recurrent.at(direction * N * facts_.gates);
  to.bias_ih = frame_.params.at(ParamKind::bias_ih, layer.index, direction);
  to.bias_hh = frame_.params.at(ParamKind::bias_hh, layer.index, direction);
  if (facts_.cell.has_cell_state) {
    to.c = space_.c.at(direction * N * facts_.H);
  }
  if (facts_.projects()) {
    to.projected = projected_at(layer, direction, t);
  } else {
    to.state = space_.state.at(direction * N * facts_.O);
    to.history = layer.history.at(row * facts_.output + direction * facts_.O);
    to.history_row = facts_.output;
  }
  if (facts_.training()) {
    to.gates = reserve_.gates(layer.index, direction).at(row * facts_.gates);
    to.extra = facts_.cell.has_extra ? reserve_.extra(layer.index, direction).at(row * facts_.H) : nullptr;
  }
  return to;
}

void *ForwardRun::projected_at(const Layer &layer, int64_t direction, int64_t t) const {
  return facts_.training() ? reserve_.projected(layer.index, direction).at(rows_.offset(t) * facts_.H)
                           : space_.projected.at(direction * rows_.N() * facts_.H);
}

Status ForwardRun::project(const Layer &layer, int64_t position) const {
  Product products[2]{};
  ProjectionStep step{};
  step.storage = facts_.storage;
  step.P = facts_.P;
  step.lengths = rows_.mask();
  step.directions = static_cast<int>(facts_.D);
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    const int64_t t = frame_.step_at(direction, position);
    void *product = space_.output.at(direction * rows_.N() * facts_.P);
    products[direction] = {rows_.active(t),
                           facts_.P,
                           facts_.H,
                           {projected_at(layer, direction, t), facts_.H},
                           {layer.hr[direction], facts_.H, true},
                           product,
                           facts_.P,
                           false};
    ProjectionDirection &to = step.direction[direction];
    to.rows = rows_.active(t);
    to.t = t;
    to.product = product;
    to.state = space_.state.at(direction * rows_.N() * facts_.P);
    to.history = layer.history.at(rows_.offset(t) * facts_.output + direction * facts_.P);
    to.history_row = facts_.output;
  }
  RONDO_TRY(frame_.products.run_step(products, facts_.D));
  RONDO_CUDA(launch_projected_state(frame_.target, step));
  return {};
}

Status ForwardRun::store_output() const {
  const void *history = history_of(facts_.L - 1).at(0);
  if (call_.args.y == nullptr || history == call_.args.y) {
    return {};
  }
  RONDO_CUDA(launch_scatter_rows(frame_.target, rows_.map(), facts_.storage, history, facts_.output, facts_.output,
                                 facts_.spec.padding_value, facts_.storage, call_.args.y));
  return {};
}

}  // namespace rondo::fused
