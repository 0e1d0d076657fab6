// Packed sequences on host memory, torch.nn.utils.rnn's semantics: batch sizes from lengths, padded to packed and back.
#pragma once

#include "core/status.h"

namespace rondo {

struct BatchSizes {
  int64_t *batch_sizes;
  int64_t room;
  int64_t *sorted_indices, *unsorted_indices;  // [N] each, or NULL
  int64_t T, S;                                // out
};

Status batch_sizes_from_lengths(const int64_t *lengths, int64_t N, int32_t enforce_sorted, BatchSizes *out);

Status check_packing(const rondo_packing_t &packing);
void pack_padded(const rondo_packing_t &packing, const void *padded, void *packed);
void pad_packed(const rondo_packing_t &packing, const void *packed, void *padded, int64_t *lengths);

}  // namespace rondo
