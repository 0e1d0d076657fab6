// The rules for a call's T, N, lengths and batch sizes; nothing is written before all of them hold.
#include "core/batch.h"

#include <algorithm>
#include <cinttypes>

#include "core/hash.h"
#include "core/pointers.h"

namespace rondo {
namespace {

Status check_size(const char *name, int64_t value, int64_t maximum) {
  if (value < 0 || value > maximum) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %" PRId64 ", expected 0 to %" PRId64 ", the plan's max_%s", name,
                value, maximum, name);
  }
  return {};
}

Status only_for(const char *kind, const Problem &problem, const char *name, const void *pointer) {
  if (pointer != nullptr) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %p, expected NULL: the plan's sequence is %s, not %s", name,
                pointer, sequence_name(problem.sequence), kind);
  }
  return {};
}

Status check_lengths(const Problem &problem, Batch &batch) {
  if (batch.lengths == nullptr && batch.lengths32 == nullptr && batch.N > 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "lengths is NULL, expected %" PRId64 " lengths (or lengths32)", batch.N);
  }
  if (batch.lengths != nullptr && batch.lengths32 != nullptr) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "lengths and lengths32 are both given, expected one of them");
  }
  const char *name = batch.lengths != nullptr ? "lengths" : "lengths32";
  batch.S = 0;
  for (int64_t n = 0; n < batch.N; ++n) {
    const int64_t length = batch.length(n);
    if (length < 0) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s[%" PRId64 "] is %" PRId64 ", expected 0 to T, which is %" PRId64,
                  name, n, length, batch.T);
    }
    if (length > batch.T) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s[%" PRId64 "] is %" PRId64 ", but T is %" PRId64, name, n, length,
                  batch.T);
    }
    batch.S += length;
  }
  if (batch.S > problem.max_S) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s sum to %" PRId64 ", expected at most %" PRId64 ", the plan's max_S",
                name, batch.S, problem.max_S);
  }
  return {};
}

Status check_device_lengths(const Batch &batch) {
  if (batch.device_lengths == nullptr && batch.device_lengths32 == nullptr && batch.N > 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "device_lengths is NULL, expected %" PRId64 " lengths in device memory (or device_lengths32)", batch.N);
  }
  if (batch.device_lengths != nullptr && batch.device_lengths32 != nullptr) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "device_lengths and device_lengths32 are both given, expected one");
  }
  RONDO_TRY(check_aligned("device_lengths", batch.device_lengths, sizeof(int64_t), "an int64_t"));
  RONDO_TRY(check_aligned("device_lengths32", batch.device_lengths32, sizeof(int32_t), "an int32_t"));
  return check_aligned("device_faults", batch.device_faults, sizeof(uint32_t), "a uint32_t");
}

Status check_packed(const Problem &problem, const Batch &batch) {
  if (batch.batch_sizes == nullptr && batch.T > 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "batch_sizes is NULL, expected %" PRId64 " sizes", batch.T);
  }
  int64_t sum = 0;
  RONDO_TRY(check_batch_sizes(batch.batch_sizes, batch.T, batch.N, &sum));
  if (batch.S != sum) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "S is %" PRId64 ", but the batch_sizes sum to %" PRId64, batch.S, sum);
  }
  if (batch.S > problem.max_S) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "S is %" PRId64 ", expected at most %" PRId64 ", the plan's max_S",
                batch.S, problem.max_S);
  }
  return {};
}

}  // namespace

Status make_batch(const Problem &problem, const rondo_batch_t &given, Batch *batch) {
  for (const void *later : given.reserved) {
    RONDO_TRY(check_absent("batch.reserved", later, "this version knows no such member"));
  }
  RONDO_TRY(check_size("T", given.T, problem.max_T));
  RONDO_TRY(check_size("N", given.N, problem.max_N));
  if (problem.fixed_batch && given.N != problem.max_N) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "N is %" PRId64 ", expected max_N, which is %" PRId64 ": fixed_batch is 1", given.N, problem.max_N);
  }
  *batch = {problem.sequence,
            given.T,
            given.N,
            given.S,
            given.lengths,
            given.lengths32,
            given.batch_sizes,
            given.sorted_indices,
            given.device_lengths,
            given.device_lengths32,
            given.device_faults};
  if (problem.sequence != RONDO_SEQUENCE_LENGTHS) {
    RONDO_TRY(only_for("lengths", problem, "lengths", given.lengths));
    RONDO_TRY(only_for("lengths", problem, "lengths32", given.lengths32));
  }
  if (problem.sequence != RONDO_SEQUENCE_DEVICE_LENGTHS) {
    RONDO_TRY(only_for("device lengths", problem, "device_lengths", given.device_lengths));
    RONDO_TRY(only_for("device lengths", problem, "device_lengths32", given.device_lengths32));
    RONDO_TRY(only_for("device lengths", problem, "device_faults", given.device_faults));
  } else {
    RONDO_TRY(check_device_lengths(*batch));
  }
  if (problem.sequence == RONDO_SEQUENCE_PACKED) {
    return check_packed(problem, *batch);
  }
  RONDO_TRY(only_for("packed", problem, "batch_sizes", given.batch_sizes));
  RONDO_TRY(only_for("packed", problem, "sorted_indices", given.sorted_indices));
  if (given.S != 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "S is %" PRId64 ", expected 0: the plan's sequence is %s, not packed",
                given.S, sequence_name(problem.sequence));
  }
  if (problem.sequence == RONDO_SEQUENCE_LENGTHS) {
    return check_lengths(problem, *batch);
  }
  batch->S = given.T * given.N;
  if (batch->S > problem.max_S) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "T*N is %" PRId64 ", expected at most %" PRId64 ", the plan's max_S",
                batch->S, problem.max_S);
  }
  return {};
}

Status check_batch_sizes(const int64_t *batch_sizes, int64_t T, int64_t N, int64_t *sum) {
  if (N == 0 && T > 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "T is %" PRId64 ", expected 0 entries of batch_sizes where N is 0", T);
  }
  *sum = 0;
  for (int64_t t = 0; t < T; ++t) {
    const int64_t before = t == 0 ? N : batch_sizes[t - 1];
    if (batch_sizes[t] < 1 || batch_sizes[t] > before) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT,
                  "batch_sizes[%" PRId64 "] is %" PRId64 ", expected 1 to %" PRId64 ", %s", t, batch_sizes[t], before,
                  t == 0 ? "the batch N" : "the one before");
    }
    *sum += batch_sizes[t];
  }
  return {};
}

Status check_permutation(const int64_t *sorted_indices, int64_t N, unsigned char *seen) {
  if (sorted_indices == nullptr) {
    return {};
  }
  std::fill_n(seen, N, static_cast<unsigned char>(0));
  for (int64_t r = 0; r < N; ++r) {
    const int64_t row = sorted_indices[r];
    if (row < 0 || row >= N || seen[row] != 0) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT,
                  "sorted_indices[%" PRId64 "] is %" PRId64 ", expected each of 0 to %" PRId64 " once", r, row, N - 1);
    }
    seen[row] = 1;
  }
  return {};
}

uint64_t hash_lengths(const Batch &batch) {
  uint64_t hash = mixed(mixed(1, batch.T), batch.N);
  if (batch.sequence == RONDO_SEQUENCE_LENGTHS) {
    for (int64_t n = 0; n < batch.N; ++n) {
      hash = mixed(hash, batch.length(n));
    }
  } else if (batch.sequence == RONDO_SEQUENCE_PACKED) {
    for (int64_t t = 0; t < batch.T; ++t) {
      hash = mixed(hash, batch.batch_sizes[t]);
    }
  }
  return hash;
}

uint64_t hash_order(const Batch &batch) {
  uint64_t hash = 1;
  for (int64_t r = 0; r < batch.N && batch.sequence == RONDO_SEQUENCE_PACKED; ++r) {
    hash = mixed(hash, batch.sorted_indices == nullptr ? r : batch.sorted_indices[r]);
  }
  return hash;
}

}  // namespace rondo
