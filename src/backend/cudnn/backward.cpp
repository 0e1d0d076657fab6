// Backward. The order is cuDNN's: data, then weights, with one reserve; gradients of weights add up in the weight space
// over all chunks and are written to the caller's parameters once.
#include "backend/cudnn/backward.h"

#include <algorithm>

#include "backend/cuda/error.h"
#include "core/parameters.h"

namespace rondo::cudnn {

BackwardRun::BackwardRun(const Setup &setup, cudnnHandle_t library, const kernels::cuda::Target &target,
                         const cuda::CallRows &rows, const BackwardCall &call, const BackwardSpace &space,
                         const Reserve &reserve)
    : Run(setup, library, target, rows), args_(call.args), space_(space), reserve_(reserve) {
  if (args_.dparams != nullptr) {
    wants_weights_ =
        std::any_of(args_.dparams, args_.dparams + param_count(setup.spec), [](const void *d) { return d != nullptr; });
  }
}

Status BackwardRun::run() const {
  if (wants_weights_) {
    RONDO_CUDA(cudaMemsetAsync(space_.d_weights, 0, static_cast<size_t>(setup_.weights.bytes()), target_.stream));
  }
  RONDO_TRY(chunks_.empty() ? run_idle() : run_stages());
  return wants_weights_ ? setup_.weights.unpack(target_, space_.d_weights, args_.dparams, args_.accumulate != 0)
                        : Status();
}

// No row runs: gradients of states pass through, all others are zeros.
Status BackwardRun::run_idle() const {
  RONDO_TRY(keep_all_states(args_.dhn, setup_.spec.output(), args_.dh0));
  RONDO_TRY(keep_all_states(args_.dcn, setup_.spec.hidden_size, args_.dc0));
  return args_.dx == nullptr || setup_.problem.sequence == RONDO_SEQUENCE_PACKED
             ? Status()
             : copy(nullptr, args_.dx, rows_.T() * rows_.N() * setup_.spec.input_size);
}

// The last stage's y and dy.
Status BackwardRun::prepare(Flow *last) const {
  const int64_t width = setup_.output();
  const kernels::Storage type = setup_.storage();
  last->y = static_cast<const char *>(args_.y);
  last->dy = static_cast<const char *>(args_.dy);
  if (setup_.gathers()) {
    RONDO_CUDA(launch_gather_rows(target_, map(), type, args_.y, width, type, space_.y, width));
    last->y = space_.y;
  } else if (setup_.keeps_last()) {
    last->y = reserve_.history(setup_.spec.num_layers - 1);
  }
  if (args_.dy == nullptr) {
    RONDO_CUDA(cudaMemsetAsync(space_.dy, 0, static_cast<size_t>(S() * width * element()), target_.stream));
    last->dy = space_.dy;
  } else if (setup_.gathers()) {
    RONDO_CUDA(launch_gather_rows(target_, map(), type, args_.dy, width, type, space_.dy, width));
    last->dy = space_.dy;
  }
  if (setup_.splits_directions()) {
    RONDO_TRY(upload_reversal(space_.direction.reversal));
  }
  return setup_.weights.pack(target_, args_.params, space_.weights);
}

// What a stage read in forward.
Status BackwardRun::load_source(size_t stage, const char **x) const {
  const kernels::Storage type = setup_.storage();
  if (stage == 0) {
    *x = static_cast<const char *>(args_.x);
    if (setup_.gathers()) {
      const int64_t I = setup_.spec.input_size;
      RONDO_CUDA(launch_gather_rows(target_, map(), type, args_.x, I, type, space_.x, I));
      *x = space_.x;
    }
    return {};
  }
  const char *below = reserve_.history(static_cast<int64_t>(stage) - 1);
  *x = below;
  if (setup_.drops()) {
    const int64_t width = setup_.output();
    RONDO_CUDA(launch_dropout(target_, map(), reserve_.seed, static_cast<int64_t>(stage) - 1, setup_.spec.dropout, type,
                              below, width, width, space_.masked, width));
    *x = space_.masked;
  }
  return {};
}

Status BackwardRun::run_stages() const {
  Flow flow{};
  RONDO_TRY(prepare(&flow));
  const int64_t width = setup_.output();
  for (size_t s = setup_.stages.size(); s-- > 0;) {
    RONDO_TRY(load_source(s, &flow.x));
    const bool to_caller = s == 0 && args_.dx != nullptr && !setup_.gathers();
    flow.dx = to_caller ? static_cast<char *>(args_.dx) : space_.gradient[s % 2];
    RONDO_TRY(run_stage(setup_.stages[s], flow));
    if (s > 0) {
      if (setup_.drops()) {
        RONDO_CUDA(launch_dropout(target_, map(), reserve_.seed, static_cast<int64_t>(s) - 1, setup_.spec.dropout,
                                  setup_.storage(), flow.dx, width, width, flow.dx, width));
      }
      flow.dy = flow.dx;
      flow.y = reserve_.history(static_cast<int64_t>(s) - 1);
    }
  }
  if (args_.dx != nullptr && setup_.gathers()) {
    const int64_t I = setup_.spec.input_size;
    RONDO_CUDA(launch_scatter_rows(target_, map(), setup_.storage(), flow.dx, I, I, 0.0, setup_.storage(), args_.dx));
  }
  return {};
}

Status BackwardRun::run_stage(const Stage &stage, const Flow &flow) const {
  return stage.parts.size() == 1 ? run_part(stage.parts.front(), flow) : run_directions(stage, flow);
}

// Each direction has its own columns of y and dy; what both add to dx is added here.
Status BackwardRun::run_directions(const Stage &stage, const Flow &flow) const {
  const kernels::Storage type = setup_.storage();
  const int64_t O = setup_.spec.output();
  const DirectionSpace &own = space_.direction;
  for (const Part &part : stage.parts) {
    const bool reverse = part.direction != 0;
    const kernels::cuda::RowMap rows = flat_rows(reverse ? own.reversal : nullptr);
    if (reverse) {
      RONDO_CUDA(launch_gather_rows(target_, rows, type, flow.x, stage.input, type, own.x, stage.input));
    }
    const int64_t column = part.direction * O * element();
    RONDO_CUDA(launch_scatter_rows(target_, rows, type, flow.y + column, setup_.output(), O, 0.0, type, own.y));
    RONDO_CUDA(
        launch_scatter_rows(target_, rows, type, flow.dy + column, setup_.output(), O, 0.0, type, space_.direction_dy));
    RONDO_TRY(run_part(
        part, {reverse ? own.x : flow.x, own.y, space_.direction_dy, reverse ? space_.direction_dx : flow.dx}));
    if (reverse) {
      // x's place is free by now.
      RONDO_CUDA(launch_gather_rows(target_, rows, type, space_.direction_dx, stage.input, type, own.x, stage.input));
      RONDO_TRY(copy(own.x, flow.dx, S() * stage.input, true));
    }
  }
  return {};
}

Status BackwardRun::run_part(const Part &part, const Flow &flow) const {
  const Network &network = *part.network;
  States states{};
  RONDO_TRY(read_states(args_.h0, part, network.O(), space_.first.h, &states.h));
  RONDO_TRY(read_states(args_.c0, part, network.H(), space_.first.c, &states.c));
  if (chunks_.size() > 1) {
    return run_carried(part, flow, states);
  }
  RONDO_TRY(read_states(args_.dhn, part, network.O(), space_.d_last.h, &states.dhn));
  RONDO_TRY(read_states(args_.dcn, part, network.H(), space_.d_last.c, &states.dcn));
  char *dh0 = written_states(args_.dh0, part, network.O(), space_.d_first.h);
  char *dc0 = written_states(args_.dc0, part, network.H(), space_.d_first.c);
  states.dh = dh0;
  states.dc = dc0;
  RONDO_TRY(run_chunk(part, chunks_.front(), flow, states));
  if (states_in_place()) {
    return {};
  }
  RONDO_TRY(store_states(dh0, part, network.O(), args_.dhn, args_.dh0));
  return store_states(dc0, part, network.H(), args_.dcn, args_.dc0);
}

// d_last holds, row by row, the gradient of the state that the chunk at hand left: of the row's last one until the
// row's own chunks begin.
Status BackwardRun::run_carried(const Part &part, const Flow &flow, States states) const {
  const Network &network = *part.network;
  const StateSpace &carry = space_.d_last;
  const bool has_c = network.has_cell_state();
  const void *h0 = states.h;
  const void *c0 = states.c;
  RONDO_TRY(load_states(args_.dhn, part, network.O(), carry.h));
  states.dhn = carry.h;
  states.dh = space_.d_first.h;
  if (has_c) {
    RONDO_TRY(load_states(args_.dcn, part, network.H(), carry.c));
    states.dcn = carry.c;
    states.dc = space_.d_first.c;
  }
  for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk) {
    const bool is_first = chunk->index == 0;
    states.h = is_first ? h0 : reserve_.carried.h(part_index(part), chunk->index - 1);
    states.c = is_first ? c0 : reserve_.carried.c(part_index(part), chunk->index - 1);
    RONDO_TRY(run_chunk(part, *chunk, flow, states));
    RONDO_TRY(copy(space_.d_first.h, carry.h, chunk->sequences.N * network.O()));
    if (has_c) {
      RONDO_TRY(copy(space_.d_first.c, carry.c, chunk->sequences.N * network.H()));
    }
  }
  RONDO_TRY(store_states(carry.h, part, network.O(), args_.dhn, args_.dh0));
  return store_states(carry.c, part, network.H(), args_.dcn, args_.dc0);
}

Status BackwardRun::run_chunk(const Part &part, const Chunk &chunk, const Flow &flow, const States &states) const {
  const Network &network = *part.network;
  Described described;
  RONDO_TRY(describe(network, chunk, &described));
  const auto workspace_bytes = static_cast<size_t>(described.sizes.workspace);
  const auto reserve_bytes = static_cast<size_t>(described.sizes.reserve);
  const auto weight_bytes = static_cast<size_t>(network.weight_bytes());
  const char *x = flow.x + chunk.row * network.shape().input * element();
  const char *y = flow.y + chunk.row * network.output() * element();
  char *reserve = reserve_.space(part_index(part), chunk.index);
  if (setup_.spec.consume_reserve == 0) {
    RONDO_CUDA(cudaMemcpyAsync(space_.reserve, reserve, reserve_bytes, cudaMemcpyDeviceToDevice, target_.stream));
    reserve = space_.reserve;
  }
  RONDO_CUDNN(cudnnRNNBackwardData_v8(
      library_, network.get(), nullptr, described.y.get(), y, flow.dy + chunk.row * network.output() * element(),
      described.x.get(), flow.dx + chunk.row * network.shape().input * element(), described.h.get(), states.h,
      states.dhn, states.dh, described.c.get(), states.c, states.dcn, states.dc, weight_bytes,
      space_.weights + part.weight_offset, workspace_bytes, space_.temp, reserve_bytes, reserve));
  if (!wants_weights_) {
    return {};
  }
  RONDO_CUDNN(cudnnRNNBackwardWeights_v8(library_, network.get(), CUDNN_WGRAD_MODE_ADD, nullptr, described.x.get(), x,
                                         described.h.get(), states.h, described.y.get(), y, weight_bytes,
                                         space_.d_weights + part.weight_offset, workspace_bytes, space_.temp,
                                         reserve_bytes, reserve));
  return {};
}

}  // namespace rondo::cudnn
