// Backward through the steps of every layer; the large products after them are in gradients.cpp. dh and dc change in
// place: rows that a direction reaches later still hold the gradient of the caller's final state.
#include "backend/fused/backward.h"

#include "backend/cuda/error.h"

namespace rondo::fused {

using namespace kernels::cuda;

Status BackwardRun::run() const {
  const void *dy = nullptr;
  RONDO_TRY(output_gradient(&dy));
  for (int64_t index = facts_.L - 1; index >= 0; --index) {
    Layer layer{index, dy, input_gradient(index), {}, {}};
    RONDO_TRY(frame_.weights(ParamKind::weight_hh, index, space_.hh, layer.hh));
    RONDO_TRY(frame_.weights(ParamKind::weight_hr, index, space_.hr, layer.hr));
    RONDO_TRY(run_layer(layer));
    dy = layer.dx;
  }
  return {};
}

// dy in step order and the type of arithmetic.
Status BackwardRun::output_gradient(const void **dy) const {
  if (call_.args.dy != nullptr && frame_.direct() && facts_.storage == facts_.arithmetic) {
    *dy = call_.args.dy;
    return {};
  }
  *dy = space_.gradient[0].at(0);
  RONDO_CUDA(launch_gather_rows(frame_.target, rows_.map(), facts_.storage, call_.args.dy, facts_.output,
                                facts_.arithmetic, space_.gradient[0].at(0), facts_.output));
  return {};
}

void *BackwardRun::input_gradient(int64_t layer) const {
  if (layer == 0 && call_.args.dx == nullptr) {
    return nullptr;
  }
  if (layer == 0 && frame_.direct() && facts_.storage == facts_.arithmetic) {
    return call_.args.dx;
  }
  return space_.gradient[(facts_.L - layer) % 2].at(0);
}

Status BackwardRun::run_layer(const Layer &layer) const {
  RONDO_TRY(load_states(layer));
  RONDO_TRY(facts_.tier == nullptr ? run_steps(layer) : run_sequence(layer));
  RONDO_TRY(store_states(layer));
  RONDO_TRY(input_gradients(layer));
  RONDO_TRY(parameter_gradients(layer));
  return store_input_gradient(layer);
}

Status BackwardRun::load_states(const Layer &layer) const {
  const auto &args = call_.args;
  RONDO_TRY(frame_.load_states(layer.index, args.dhn, facts_.storage, facts_.O, facts_.arithmetic, space_.dh));
  RONDO_TRY(frame_.load_states(layer.index, args.h0, facts_.storage, facts_.O, facts_.storage, space_.h_initial));
  if (!facts_.cell.has_cell_state) {
    return {};
  }
  RONDO_TRY(frame_.load_states(layer.index, args.dcn, facts_.cell_state, facts_.H, facts_.arithmetic, space_.dc));
  return frame_.load_states(layer.index, args.c0, facts_.cell_state, facts_.H, facts_.arithmetic, space_.c_initial);
}

Status BackwardRun::store_states(const Layer &layer) const {
  const auto &args = call_.args;
  RONDO_TRY(frame_.store_states(layer.index, space_.dh, facts_.arithmetic, facts_.O, facts_.storage, args.dh0));
  if (!facts_.cell.has_cell_state) {
    return {};
  }
  return frame_.store_states(layer.index, space_.dc, facts_.arithmetic, facts_.H, facts_.cell_state, args.dc0);
}

// On its way to the layer below through dropout, or to the caller.
Status BackwardRun::store_input_gradient(const Layer &layer) const {
  if (layer.index > 0 && facts_.drops_out()) {
    RONDO_CUDA(launch_dropout(frame_.target, rows_.map(), reserve_.dropout_record, layer.index - 1, facts_.spec.dropout,
                              facts_.arithmetic, layer.dx, facts_.output, facts_.output, layer.dx, facts_.output));
  }
  if (layer.index == 0 && layer.dx != call_.args.dx) {
    RONDO_CUDA(launch_scatter_rows(frame_.target, rows_.map(), facts_.arithmetic, layer.dx, facts_.I, facts_.I, 0.0,
                                   facts_.storage, call_.args.dx));
  }
  return {};
}

auto BackwardRun::place(int64_t direction, int64_t position) const -> Place {
  const int64_t t = frame_.step_at(direction, position);
  const int64_t before = direction == 0 ? t - 1 : t + 1;
  const int64_t from_steps = before < 0 || before >= rows_.T() ? 0 : std::min(rows_.active(t), rows_.active(before));
  return {direction, t, rows_.active(t), rows_.offset(t), before, from_steps};
}

Status BackwardRun::run_steps(const Layer &layer) const {
  for (int64_t position = rows_.T() - 1; position >= 0; --position) {
    if (!frame_.runs_rows(position)) {
      continue;
    }
    if (facts_.projects()) {
      RONDO_TRY(projection_gradients(layer, position));
    }
    RONDO_TRY(cell_step(layer, position));
    // After the last step there is only the initial state to tell.
    if (position > 0 || call_.args.dh0 != nullptr) {
      RONDO_TRY(hidden_products(layer, position));
    }
  }
  return {};
}

Status BackwardRun::run_sequence(const Layer &layer) const {
  if (rows_.S() == 0) {
    return {};
  }
  SequenceLayout layout{};
  RONDO_TRY(frame_.sequence_layout(true, &layout));
  BackwardSequence sequence{};
  sequence.cell = facts_.spec.cell;
  sequence.storage = facts_.storage;
  sequence.tf32 = facts_.tf32;
  sequence.H = facts_.H;
  sequence.P = facts_.P;
  sequence.rows = rows_.map();
  sequence.memory = space_.meeting.memory();
  sequence.directions = static_cast<int>(facts_.D);
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    sequence.direction[direction] = sequence_direction(layer, direction);
  }
  RONDO_CUDA(launch_backward_sequence(frame_.target, layout, sequence));
  return {};
}

BackwardSequenceDirection BackwardRun::sequence_direction(const Layer &layer, int64_t direction) const {
  const int64_t states = direction * rows_.N() * facts_.H;
  const int64_t outputs = direction * rows_.N() * facts_.O;
  const int64_t gates_row = direction * rows_.S();
  BackwardSequenceDirection to{};
  to.dy = element(layer.dy, direction * facts_.O, facts_.arithmetic);
  to.dy_row = facts_.output;
  to.weight_hh = layer.hh[direction];
  to.dh = space_.dh.at(outputs);
  to.gates = reserve_.gates(layer.index, direction).at(0);
  if (facts_.cell.has_extra) {
    to.extra = reserve_.extra(layer.index, direction).at(0);
  }
  if (facts_.cell.has_cell_state) {
    to.dc = space_.dc.at(states);
    to.c_initial = space_.c_initial.at(states);
  }
  to.history = reserve_.history(layer.index).at(direction * facts_.O);
  to.history_row = facts_.output;
  to.h_initial = space_.h_initial.at(outputs);
  if (facts_.projects()) {
    to.weight_hr = layer.hr[direction];
    to.d_output = space_.d_output.at(gates_row * facts_.P);
  }
  to.dx = space_.dx_gates.at(gates_row * facts_.gates);
  to.dh_gates = facts_.cell.splits_gradient ? space_.dh_gates.at(gates_row * facts_.gates) : nullptr;
  return to;
}

// The whole gradient of h, rounded as an operand, then of what was projected.
Status BackwardRun::projection_gradients(const Layer &layer, int64_t position) const {
  Product products[2]{};
  ProjectionStep step{};
  step.storage = facts_.storage;
  step.P = facts_.P;
  step.lengths = rows_.mask();
  step.directions = static_cast<int>(facts_.D);
  const int64_t directions = facts_.D == 2 ? 2 : 1;  // GCC 12 would see a third one, beyond the arrays
  for (int64_t direction = 0; direction < directions; ++direction) {
    const Place at = place(direction, position);
    void *d_output = space_.d_output.at((direction * rows_.S() + at.row) * facts_.P);
    ProjectionDirection &to = step.direction[direction];
    to.rows = at.rows;
    to.t = at.t;
    to.dy = element(layer.dy, at.row * facts_.output + direction * facts_.P, facts_.arithmetic);
    to.dy_row = facts_.output;
    to.dh = space_.dh.at(direction * rows_.N() * facts_.P);
    to.d_output = d_output;
    products[direction] = {at.rows,
                           facts_.H,
                           facts_.P,
                           {d_output, facts_.P},
                           {layer.hr[direction], facts_.H},
                           space_.d_projected.at(direction * rows_.N() * facts_.H),
                           facts_.H,
                           false};
  }
  RONDO_CUDA(launch_projection_gradient(frame_.target, step));
  return frame_.products.run_step(products, facts_.D);
}

Status BackwardRun::cell_step(const Layer &layer, int64_t position) const {
  BackwardStep step{};
  step.cell = facts_.spec.cell;
  step.storage = facts_.storage;
  step.H = facts_.H;
  step.projects = facts_.projects();
  step.lengths = rows_.mask();
  step.directions = static_cast<int>(facts_.D);
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    step.direction[direction] = cell_direction(layer, place(direction, position));
  }
  RONDO_CUDA(launch_backward_step(frame_.target, step));
  return {};
}

BackwardDirection BackwardRun::cell_direction(const Layer &layer, const Place &at) const {
  const int64_t N = rows_.N();
  const int64_t direction = at.direction;
  const int64_t row_before = at.from_steps > 0 ? rows_.offset(at.previous_t) : 0;
  BackwardDirection to{};
  to.rows = at.rows;
  to.t = at.t;
  to.previous_t = at.previous_t;
  to.from_steps = at.from_steps;
  to.dh = space_.dh.at(direction * N * facts_.O);
  if (facts_.projects()) {
    to.d_projected = space_.d_projected.at(direction * N * facts_.H);
  } else {
    to.dy = element(layer.dy, at.row * facts_.output + direction * facts_.O, facts_.arithmetic);
    to.dy_row = facts_.output;
    to.h_before = reserve_.history(layer.index).at(row_before * facts_.output + direction * facts_.O);
    to.h_before_row = facts_.output;
    to.h_initial = space_.h_initial.at(direction * N * facts_.O);
  }
  to.gates = reserve_.gates(layer.index, direction).at(at.row * facts_.gates);
  if (facts_.cell.has_extra) {
    to.extra = reserve_.extra(layer.index, direction).at(at.row * facts_.H);
  }
  if (facts_.cell.has_cell_state) {
    to.c_before = reserve_.extra(layer.index, direction).at(row_before * facts_.H);
    to.c_initial = space_.c_initial.at(direction * N * facts_.H);
    to.dc = space_.dc.at(direction * N * facts_.H);
  }
  to.dx = space_.dx_gates.at(gates_row(at) * facts_.gates);
  to.dh_gates = facts_.cell.splits_gradient ? space_.dh_gates.at(gates_row(at) * facts_.gates) : nullptr;
  return to;
}

// Onto what the step left in dh. A step's rows of direction 1 lie after direction 0's, which run_step needs: rows of
// direction 0 end within its S.
Status BackwardRun::hidden_products(const Layer &layer, int64_t position) const {
  Product products[2]{};
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    const Place at = place(direction, position);
    products[direction] = {at.rows,
                           facts_.O,
                           facts_.gates,
                           {dh_gates().at(gates_row(at) * facts_.gates), facts_.gates},
                           {layer.hh[direction], facts_.O},
                           space_.dh.at(direction * rows_.N() * facts_.O),
                           facts_.O,
                           true};
  }
  return frame_.products.run_step(products, facts_.D);
}

}  // namespace rondo::fused
