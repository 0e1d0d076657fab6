// Rearranging between padded and packed data. Elements are only copied, whatever their type.
#include "core/sequences.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <numeric>
#include <vector>

#include "core/batch.h"
#include "core/checked.h"
#include "core/element.h"
#include "core/pointers.h"
#include "core/spec.h"

namespace rondo {
namespace {

int64_t padded_row(const rondo_packing_t &p, int64_t t, int64_t r) {
  const int64_t n = p.sorted_indices == nullptr ? r : p.sorted_indices[r];
  return p.layout == RONDO_TIME_MAJOR ? t * p.N + n : n * p.padded_T + t;
}

Status check_not_negative(const char *name, int64_t value) {
  if (value < 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %" PRId64 ", expected 0 or more", name, value);
  }
  return {};
}

}  // namespace

Status batch_sizes_from_lengths(const int64_t *lengths, int64_t N, int32_t enforce_sorted, BatchSizes *out) {
  RONDO_TRY(check_not_negative("N", N));
  if (enforce_sorted != 0 && enforce_sorted != 1) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "enforce_sorted is %" PRId32 ", expected 0 or 1", enforce_sorted);
  }
  if (N > 0) {
    RONDO_TRY(check_present("lengths", lengths));
  }
  int64_t longest = 0;
  Checked sum = 0;
  for (int64_t n = 0; n < N; ++n) {
    if (lengths[n] < 0) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT, "lengths[%" PRId64 "] is %" PRId64 ", expected 0 or more", n,
                  lengths[n]);
    }
    if (enforce_sorted != 0 && n > 0 && lengths[n] > lengths[n - 1]) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT,
                  "lengths[%" PRId64 "] is %" PRId64 ", more than the %" PRId64
                  " before it; expected non-increasing lengths with enforce_sorted = 1",
                  n, lengths[n], lengths[n - 1]);
    }
    longest = std::max(longest, lengths[n]);
    sum = sum + lengths[n];
  }
  if (sum.overflowed()) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "lengths: the sum of %" PRId64 " lengths overflows int64, expected less than 2^63", N);
  }
  if (longest > out->room) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "batch_sizes_room is %" PRId64 ", expected %" PRId64 ", the longest length, or more", out->room,
                longest);
  }
  if (longest > 0) {
    RONDO_TRY(check_present("batch_sizes", out->batch_sizes));
  }
  std::vector<int64_t> order(static_cast<size_t>(N));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return lengths[a] > lengths[b]; });
  int64_t active = N;
  for (int64_t t = 0; t < longest; ++t) {
    while (lengths[order[static_cast<size_t>(active - 1)]] <= t) {
      --active;
    }
    out->batch_sizes[t] = active;
  }
  for (int64_t r = 0; r < N; ++r) {
    const int64_t n = order[static_cast<size_t>(r)];
    if (out->sorted_indices != nullptr) {
      out->sorted_indices[r] = n;
    }
    if (out->unsorted_indices != nullptr) {
      out->unsorted_indices[n] = r;
    }
  }
  out->T = longest;
  out->S = sum.value();
  return {};
}

Status check_packing(const rondo_packing_t &p) {
  if (p.dtype < RONDO_F64 || p.dtype > RONDO_BF16) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "dtype is %" PRId32 ", expected 0 (f64) to 3 (bf16)", p.dtype);
  }
  if (p.layout != RONDO_TIME_MAJOR && p.layout != RONDO_BATCH_MAJOR) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "layout is %" PRId32 ", expected 0 (time-major) or 1 (batch-major)",
                p.layout);
  }
  RONDO_TRY(check_not_negative("T", p.T));
  RONDO_TRY(check_not_negative("N", p.N));
  RONDO_TRY(check_not_negative("F", p.F));
  if (p.padded_T < p.T) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "padded_T is %" PRId64 ", expected T, which is %" PRId64 ", or more",
                p.padded_T, p.T);
  }
  if ((Checked(p.padded_T) * p.N * p.F * dtype_size(p.dtype)).overflowed()) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "padded_T %" PRId64 ", N %" PRId64 ", F %" PRId64 ": the array's size overflows int64", p.padded_T, p.N,
                p.F);
  }
  if (p.T > 0) {
    RONDO_TRY(check_present("batch_sizes", p.batch_sizes));
  }
  int64_t sum = 0;
  RONDO_TRY(check_batch_sizes(p.batch_sizes, p.T, p.N, &sum));
  std::vector<unsigned char> seen(static_cast<size_t>(p.sorted_indices == nullptr ? 0 : p.N));
  return check_permutation(p.sorted_indices, p.N, seen.data());
}

void pack_padded(const rondo_packing_t &p, const void *padded, void *packed) {
  const int64_t bytes = p.F * dtype_size(p.dtype);
  auto *to = static_cast<char *>(packed);
  for (int64_t t = 0; t < p.T && bytes > 0; ++t) {
    for (int64_t r = 0; r < p.batch_sizes[t]; ++r, to += bytes) {
      std::memcpy(to, static_cast<const char *>(padded) + padded_row(p, t, r) * bytes, static_cast<size_t>(bytes));
    }
  }
}

void pad_packed(const rondo_packing_t &p, const void *packed, void *padded, int64_t *lengths) {
  const int64_t size = dtype_size(p.dtype);
  const int64_t bytes = p.F * size;
  alignas(8) char padding[8] = {};
  store_element(p.dtype, p.padding_value, padding, 0);
  const auto *from = static_cast<const char *>(packed);
  auto *to = static_cast<char *>(padded);
  for (int64_t t = 0; t < p.padded_T; ++t) {
    const int64_t active = t < p.T ? p.batch_sizes[t] : 0;
    for (int64_t r = 0; r < p.N; ++r) {
      char *row = to + padded_row(p, t, r) * bytes;
      if (r < active && bytes > 0) {
        std::memcpy(row, from, static_cast<size_t>(bytes));
        from += bytes;
      } else {
        for (int64_t k = 0; k < p.F; ++k) {
          std::memcpy(row + k * size, padding, static_cast<size_t>(size));
        }
      }
    }
  }
  for (int64_t r = 0; r < p.N && lengths != nullptr; ++r) {
    int64_t length = 0;
    while (length < p.T && p.batch_sizes[length] > r) {
      ++length;
    }
    lengths[p.sorted_indices == nullptr ? r : p.sorted_indices[r]] = length;
  }
}

}  // namespace rondo
