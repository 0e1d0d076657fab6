// A counting sort by length, stable, in the caller's workspace: nothing is allocated and equal lengths keep their
// order.
#include "core/sequence_map.h"

#include <algorithm>

namespace rondo {

SequenceMap::SequenceMap(Arena &arena, Checked T, Checked N)
    : T_(T.value()),
      N_(N.value()),
      offsets_(arena.take<int64_t>(T + 1)),
      rows_(arena.take<int64_t>(N)),
      lengths_(arena.take<int64_t>(N)),
      scratch_(arena.take<int64_t>(larger(T + 2, N_ / 8 + 1))) {}

void SequenceMap::sort_by_length(const Batch &batch) {
  // scratch[l] counts the rows longer than l, which is where rows of length l begin.
  std::fill_n(scratch_, T_ + 2, 0);
  for (int64_t n = 0; n < N_; ++n) {
    ++scratch_[batch.length(n)];
  }
  int64_t longer = 0;
  for (int64_t length = T_; length >= 0; --length) {
    const int64_t here = scratch_[length];
    scratch_[length] = longer;
    longer += here;
  }
  offsets_[0] = 0;
  for (int64_t t = 0; t < T_; ++t) {
    offsets_[t + 1] = offsets_[t] + scratch_[t];  // rows longer than t
  }
  for (int64_t n = 0; n < N_; ++n) {
    const int64_t r = scratch_[batch.length(n)]++;
    rows_[r] = n;
    lengths_[r] = batch.length(n);
  }
}

Status SequenceMap::build(const Batch &batch, int64_t layout) {
  RONDO_TRY(check_permutation(batch.sorted_indices, N_, reinterpret_cast<unsigned char *>(scratch_)));
  packed_ = batch.sequence == RONDO_SEQUENCE_PACKED;
  batch_major_ = layout == RONDO_BATCH_MAJOR;
  // Batch-major data of one step, or of one row, lies as time-major does.
  direct_ = packed_ || (batch.sequence == RONDO_SEQUENCE_FULL && (!batch_major_ || T_ <= 1 || N_ <= 1));
  plain_ = batch.sequence == RONDO_SEQUENCE_FULL && batch.sorted_indices == nullptr && T_ > 0;
  if (batch.sequence == RONDO_SEQUENCE_LENGTHS) {
    sort_by_length(batch);
    return {};
  }
  offsets_[0] = 0;
  for (int64_t t = 0; t < T_; ++t) {
    offsets_[t + 1] = offsets_[t] + (packed_ ? batch.batch_sizes[t] : N_);
  }
  int64_t length = T_;
  for (int64_t r = 0; r < N_; ++r) {
    rows_[r] = batch.sorted_indices != nullptr ? batch.sorted_indices[r] : r;
    while (packed_ && length > 0 && batch.batch_sizes[length - 1] <= r) {
      --length;
    }
    lengths_[r] = length;
  }
  return {};
}

int64_t SequenceMap::step_of(int64_t p) const {
  return std::upper_bound(offsets_, offsets_ + T_ + 1, p) - offsets_ - 1;
}

}  // namespace rondo
