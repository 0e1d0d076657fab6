// Sorts a call's rows on the host and sends the device what kernels need of it, as one block. A call whose rows all run
// to the end, in the caller's order, sends nothing.
#include "backend/cuda/call_rows.h"

#include <limits>

#include "backend/cuda/error.h"

namespace rondo::cuda {
namespace {

constexpr int64_t largest_index = std::numeric_limits<int32_t>::max();

bool is_reordered(const SequenceMap &sorted) {
  for (int64_t r = 0; r < sorted.N(); ++r) {
    if (sorted.state_row(r) != r) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string too_large(const Problem &problem) {
  if (problem.max_T > largest_index) {
    return "max_T is " + std::to_string(problem.max_T) + ", expected at most " + std::to_string(largest_index);
  }
  if (problem.max_N > largest_index) {
    return "max_N is " + std::to_string(problem.max_N) + ", expected at most " + std::to_string(largest_index);
  }
  return "";
}

CallRows::Memory::Memory(Arena &arena, const Problem &problem, Checked T, Checked N)
    : block(arena.take<int64_t>(problem.sequence == RONDO_SEQUENCE_FULL ? Checked(0) : T + 1 + N)) {}

Status CallRows::build(const Batch &batch, int64_t layout) {
  map_ = {batch.T,
          batch.N,
          nullptr,
          nullptr,
          nullptr,
          batch.sequence == RONDO_SEQUENCE_PACKED,
          layout == RONDO_BATCH_MAJOR};
  masked_ = batch.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS;
  reordered_ = false;
  sorted_ = nullptr;
  const bool full = batch.S == batch.T * batch.N;
  if (masked_ || (full && batch.sorted_indices == nullptr)) {
    return {};
  }
  Arena count(nullptr);
  const SequenceMap counted(count, batch.T, batch.N);
  host_.resize(static_cast<size_t>(count.used().value()));
  Arena arena(host_.data());
  sorted_ = std::make_unique<SequenceMap>(arena, batch.T, batch.N);
  RONDO_TRY(sorted_->build(batch, layout));
  reordered_ = is_reordered(*sorted_);
  if (full && !reordered_) {
    sorted_ = nullptr;
  }
  return {};
}

Status CallRows::upload(const kernels::cuda::Target &target, const Memory &memory, const Batch &batch, bool forward,
                        int32_t *kept_lengths) {
  if (!masked_) {
    return compact() ? upload_sorted(target, memory) : Status();
  }
  int32_t *lengths = kept_lengths != nullptr ? kept_lengths : reinterpret_cast<int32_t *>(memory.block);
  map_.lengths = lengths;
  if (forward && map_.N > 0) {
    RONDO_CUDA(kernels::cuda::launch_clamp_lengths(target, batch.device_lengths, batch.device_lengths32, map_.N, map_.T,
                                                   lengths, batch.device_faults));
  }
  return {};
}

Status CallRows::upload_sorted(const kernels::cuda::Target &target, const Memory &memory) {
  const int64_t T = map_.T;
  const int64_t N = map_.N;
  std::vector<int64_t> words(static_cast<size_t>(T + 1 + N));
  for (int64_t t = 0; t < T; ++t) {
    words[static_cast<size_t>(t)] = sorted_->offset(t);
  }
  words[static_cast<size_t>(T)] = sorted_->S();
  // The device's block is laid out as the host's.
  auto *lengths = reinterpret_cast<int32_t *>(words.data() + T + 1);
  int32_t *rows = lengths + N;
  for (int64_t r = 0; r < N; ++r) {
    lengths[r] = static_cast<int32_t>(sorted_->length(r));
    rows[r] = static_cast<int32_t>(sorted_->state_row(r));
  }
  const int64_t bytes = (T + 1) * static_cast<int64_t>(sizeof(int64_t)) +
                        (reordered_ ? 2 : 1) * N * static_cast<int64_t>(sizeof(int32_t));
  RONDO_CUDA(kernels::cuda::launch_upload(target, words.data(), bytes, memory.block));
  map_.offsets = memory.block;
  const auto *device_lengths = reinterpret_cast<const int32_t *>(memory.block + T + 1);
  map_.lengths = device_lengths;
  map_.rows = reordered_ ? device_lengths + N : nullptr;
  return {};
}

bool CallRows::direct() const {
  const bool time_major = !map_.batch_major || map_.T <= 1 || map_.N <= 1;
  return map_.packed || (!compact() && !masked_ && time_major);
}

}  // namespace rondo::cuda
