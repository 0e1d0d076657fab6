// Forward. A direction that runs alone reads its sequences reversed where it is the reverse one, so that cuDNN only
// ever carries states forward in time.
#include "backend/cudnn/forward.h"

#include "backend/cuda/error.h"

namespace rondo::cudnn {

ForwardRun::ForwardRun(const Setup &setup, cudnnHandle_t library, const kernels::cuda::Target &target,
                       const cuda::CallRows &rows, const ForwardCall &call, const ForwardSpace &space,
                       const Reserve *reserve)
    : Run(setup, library, target, rows),
      args_(call.args),
      space_(space),
      reserve_(reserve),
      weights_(call.args.packed_params != nullptr ? static_cast<const char *>(call.args.packed_params)
                                                  : space.weights) {}

Status ForwardRun::run() const {
  const Setup &setup = setup_;
  if (chunks_.empty()) {
    RONDO_TRY(keep_all_states(args_.h0, setup.spec.output(), args_.hn));
    RONDO_TRY(keep_all_states(args_.c0, setup.spec.hidden_size, args_.cn));
  } else if (args_.packed_params == nullptr) {
    RONDO_TRY(setup.weights.pack(target_, args_.params, space_.weights));
  }
  const bool to_caller = !setup.gathers() && !setup.keeps_last() && args_.y != nullptr;
  char *y = to_caller ? static_cast<char *>(args_.y)
                      : (setup.keeps_last() ? reserve_->history(setup.spec.num_layers - 1) : space_.y);
  if (!chunks_.empty()) {
    RONDO_TRY(run_stages(y));
  }
  if (args_.y == nullptr || to_caller || rows_.T() * rows_.N() == 0) {
    return {};
  }
  if (!setup.gathers()) {
    return copy(y, args_.y, S() * setup.output());
  }
  RONDO_CUDA(launch_scatter_rows(target_, map(), setup.storage(), y, setup.output(), setup.output(),
                                 setup.spec.padding_value, setup.storage(), args_.y));
  return {};
}

// A stage's output: the call's, or what the next stage and backward read.
char *ForwardRun::output_of(size_t stage, char *y) const {
  if (stage + 1 == setup_.stages.size()) {
    return y;
  }
  return reserve_ != nullptr ? reserve_->history(static_cast<int64_t>(stage)) : space_.history[stage % 2];
}

Status ForwardRun::run_stages(char *y) const {
  const auto *x = static_cast<const char *>(args_.x);
  if (setup_.gathers()) {
    RONDO_CUDA(launch_gather_rows(target_, map(), setup_.storage(), args_.x, setup_.spec.input_size, setup_.storage(),
                                  space_.x, setup_.spec.input_size));
    x = space_.x;
  }
  if (setup_.drops()) {
    RONDO_CUDA(launch_record_seed(target_, args_.seed, args_.offset, args_.seed_ptr, args_.offset_ptr, reserve_->seed));
  }
  if (setup_.splits_directions()) {
    RONDO_TRY(upload_reversal(space_.direction.reversal));
  }
  for (size_t s = 0; s < setup_.stages.size(); ++s) {
    char *output = output_of(s, y);
    RONDO_TRY(run_stage(setup_.stages[s], x, output));
    x = output;
    if (setup_.drops() && s + 1 < setup_.stages.size()) {
      const int64_t width = setup_.output();
      RONDO_CUDA(launch_dropout(target_, map(), reserve_->seed, setup_.stages[s].layer, setup_.spec.dropout,
                                setup_.storage(), output, width, width, space_.masked, width));
      x = space_.masked;
    }
  }
  return {};
}

Status ForwardRun::run_stage(const Stage &stage, const char *x, char *y) const {
  return stage.parts.size() == 1 ? run_part(stage.parts.front(), x, y) : run_directions(stage, x, y);
}

Status ForwardRun::run_directions(const Stage &stage, const char *x, char *y) const {
  const kernels::Storage type = setup_.storage();
  const int64_t O = setup_.spec.output();
  for (const Part &part : stage.parts) {
    const kernels::cuda::RowMap rows = flat_rows(part.direction == 0 ? nullptr : space_.direction.reversal);
    if (part.direction != 0) {
      RONDO_CUDA(launch_gather_rows(target_, rows, type, x, stage.input, type, space_.direction.x, stage.input));
    }
    RONDO_TRY(run_part(part, part.direction == 0 ? x : space_.direction.x, space_.direction.y));
    RONDO_CUDA(launch_gather_rows(target_, rows, type, space_.direction.y, O, type, y + part.direction * O * element(),
                                  setup_.output()));
  }
  return {};
}

Status ForwardRun::run_part(const Part &part, const char *x, char *y) const {
  const Network &network = *part.network;
  const void *h = nullptr;
  const void *c = nullptr;
  RONDO_TRY(read_states(args_.h0, part, network.O(), space_.first.h, &h));
  RONDO_TRY(read_states(args_.c0, part, network.H(), space_.first.c, &c));
  char *hn = written_states(args_.hn, part, network.O(), space_.last.h);
  char *cn = written_states(args_.cn, part, network.H(), space_.last.c);
  const bool carries = chunks_.size() > 1;
  for (const Chunk &chunk : chunks_) {
    Described described;
    RONDO_TRY(describe(network, chunk, &described));
    char *h_out = carries ? carried().h(carried_index(part), chunk.index) : hn;
    char *c_out = carries ? carried().c(carried_index(part), chunk.index) : cn;
    RONDO_CUDNN(cudnnRNNForward(
        library_, network.get(), reserve_ != nullptr ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, nullptr,
        described.x.get(), x + chunk.row * network.shape().input * element(), described.y.get(),
        y + chunk.row * network.output() * element(), described.h.get(), h, h_out, described.c.get(), c, c_out,
        static_cast<size_t>(network.weight_bytes()), weights_ + part.weight_offset,
        static_cast<size_t>(described.sizes.workspace), space_.temp, static_cast<size_t>(described.sizes.reserve),
        reserve_ != nullptr ? reserve_->space(part_index(part), chunk.index) : nullptr));
    if (carries) {
      RONDO_TRY(keep_ended(part, chunk, hn, cn));
      h = h_out;
      c = c_out;
    }
  }
  if (states_in_place()) {
    return {};
  }
  RONDO_TRY(store_states(hn, part, network.O(), args_.h0, args_.hn));
  return store_states(cn, part, network.H(), args_.c0, args_.cn);
}

// Rows that do not go on after a chunk end with the states it left.
Status ForwardRun::keep_ended(const Part &part, const Chunk &chunk, char *hn, char *cn) const {
  const auto next = static_cast<size_t>(chunk.index) + 1;
  const int64_t first = next < chunks_.size() ? chunks_[next].sequences.N : 0;
  const int64_t ended = chunk.sequences.N - first;
  const auto keep = [&](const char *from, char *to, int64_t width) {
    const int64_t start = first * width * element();
    return to == nullptr ? Status() : copy(from + start, to + start, ended * width);
  };
  RONDO_TRY(keep(carried().h(carried_index(part), chunk.index), hn, part.network->O()));
  return keep(carried().c(carried_index(part), chunk.index), cn, part.network->H());
}

}  // namespace rondo::cudnn
