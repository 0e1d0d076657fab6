// CallRows: one call's sequences on host and device: sorted longest first, step by step, as core/sequence_map.h has it;
// the device's copy travels as kernel arguments.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/arena.h"
#include "core/sequence_map.h"
#include "kernels/cuda/rows.h"

namespace rondo::cuda {

// Why a problem's calls cannot be described to kernels, which count rows and steps in 32 bits; empty where they can.
std::string too_large(const Problem &problem);

class CallRows {
 public:
  // Device memory for a call of T and N, or a smaller one: taken from the arena, in forward and in backward alike.
  struct Memory {
    int64_t *block;  // offsets [T+1] int64, lengths [N] int32, rows [N] int32, one behind the other
    Memory(Arena &arena, const Problem &problem, Checked T, Checked N);
  };

  // Host side only; refuses a permutation that is none.
  Status build(const Batch &batch, int64_t layout);
  // Device side; kept_lengths: [N] int32 in the reserve, with RONDO_SEQUENCE_DEVICE_LENGTHS only: forward writes the
  // clamped lengths there, backward reads them. NULL in inference: they go to memory.
  Status upload(const kernels::cuda::Target &target, const Memory &memory, const Batch &batch, bool forward,
                int32_t *kept_lengths);

  const kernels::cuda::RowMap &map() const { return map_; }
  int64_t T() const { return map_.T; }
  int64_t N() const { return map_.N; }
  // Rows of step-order arrays: S where compact, else T*N.
  int64_t S() const { return compact() ? sorted_->S() : map_.T * map_.N; }
  int64_t active(int64_t t) const { return compact() ? sorted_->active(t) : map_.N; }
  int64_t offset(int64_t t) const { return compact() ? sorted_->offset(t) : t * map_.N; }
  // Step order is the caller's own: x and y need no rearranging.
  bool direct() const;
  // States lie in sorted order as they do in the caller's.
  bool states_direct() const { return !reordered_; }
  // Rows that ended have places, as only the device knows the lengths.
  bool masked() const { return masked_; }
  const int32_t *mask() const { return masked_ ? map_.lengths : nullptr; }

 private:
  // Calls whose rows all run to the end, in the caller's order, need nothing sorted.
  bool compact() const { return sorted_ != nullptr; }
  Status upload_sorted(const kernels::cuda::Target &target, const Memory &memory);

  kernels::cuda::RowMap map_{};
  bool masked_ = false, reordered_ = false;
  std::vector<char> host_;  // what sorted_ lies in
  std::unique_ptr<SequenceMap> sorted_;
};

}  // namespace rondo::cuda
