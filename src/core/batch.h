// Batch: the sequences of one call, checked against the plan's problem. Reads the caller's host arrays, owns nothing.
#pragma once

#include "core/problem.h"

namespace rondo {

struct Batch {
  rondo_sequence_t sequence;
  int64_t T, N, S;         // S is the true sum of lengths in every kind
  const int64_t *lengths;  // one of these two for RONDO_SEQUENCE_LENGTHS
  const int32_t *lengths32;
  const int64_t *batch_sizes;     // RONDO_SEQUENCE_PACKED
  const int64_t *sorted_indices;  // RONDO_SEQUENCE_PACKED, or NULL; checked by check_permutation
  // RONDO_SEQUENCE_DEVICE_LENGTHS: device memory, so S is T*N here.
  const int64_t *device_lengths;
  const int32_t *device_lengths32;
  uint32_t *device_faults;

  int64_t length(int64_t n) const { return lengths != nullptr ? lengths[n] : lengths32[n]; }
};

Status make_batch(const Problem &problem, const rondo_batch_t &given, Batch *batch);

// batch_sizes [T] must not increase, from N at most to 1 at least; *sum is their sum.
Status check_batch_sizes(const int64_t *batch_sizes, int64_t T, int64_t N, int64_t *sum);
// sorted_indices [N] must name every row once; NULL is the order as it is. seen: N bytes of scratch.
Status check_permutation(const int64_t *sorted_indices, int64_t N, unsigned char *seen);

// Order-sensitive hashes of what must not change between forward and backward.
uint64_t hash_lengths(const Batch &batch);
uint64_t hash_order(const Batch &batch);

}  // namespace rondo
