// Where rows lie, for the kernels over a RowMap, and copies of a row by the lanes beside each other. Steps come from
// the grid's x, rows from its y.
#pragma once

#include "kernels/cuda/rows.h"
#include "kernels/cuda/storage.h"
#include "kernels/cuda/tiling.h"

namespace rondo::kernels::cuda {

inline constexpr uint32_t kRowLaneBits = 8;

RONDO_DEVICE int64_t step_offset(const RowMap &map, int64_t t) {
  return map.offsets != nullptr ? load_whole(map.offsets + t) : t * map.N;
}

// Whether sorted row r has a place at step t of step-by-step arrays.
RONDO_DEVICE bool has_place(const RowMap &map, int64_t t, int64_t r) {
  return map.offsets == nullptr || r < load_whole(map.offsets + t + 1) - load_whole(map.offsets + t);
}

// Whether it still runs there.
RONDO_DEVICE bool runs(const RowMap &map, int64_t t, int64_t r) {
  return map.offsets != nullptr ? has_place(map, t, r) : map.lengths == nullptr || t < load_whole(map.lengths + r);
}

RONDO_DEVICE int64_t state_row(const RowMap &map, int64_t r) {
  return map.rows != nullptr ? load_whole(map.rows + r) : r;
}

// Its row in the caller's x and y.
RONDO_DEVICE int64_t caller_row(const RowMap &map, int64_t t, int64_t r) {
  if (map.packed) {
    return step_offset(map, t) + r;
  }
  const int64_t n = state_row(map, r);
  return map.batch_major ? n * map.T + t : t * map.N + n;
}

// One row, K elements a lane; from == NULL gives zeros. Equal types move as they are.
template <int K, class From, class To>
RONDO_DEVICE void copy_row(const From *from, int64_t width, To *to, const Tiling &tiling) {
  using C = Arithmetic<To>;
  for (int64_t k = int64_t{tiling.lane()} * K; k < width; k += int64_t{tiling.lanes()} * K) {
    if (from == nullptr) {
      const C zeros[K] = {};
      write_wide<C, K>(zeros, to + k);
    } else if constexpr (kEqual<From, To>) {
      move_wide<K>(from + k, to + k);
    } else {
      C values[K];
      read_wide<C, K>(from + k, values);
      write_wide<C, K>(values, to + k);
    }
  }
}

template <int K, class To>
RONDO_DEVICE void fill_row(Arithmetic<To> value, int64_t width, To *to, const Tiling &tiling) {
  Arithmetic<To> values[K];
  RONDO_UNROLL
  for (int k = 0; k < K; ++k) {
    values[k] = value;
  }
  for (int64_t k = int64_t{tiling.lane()} * K; k < width; k += int64_t{tiling.lanes()} * K) {
    write_wide<Arithmetic<To>, K>(values, to + k);
  }
}

// kernel(map, ..., tiling) over all steps and rows, or over `rows` alone where steps is 1.
template <int K, class... Parameters, class... Arguments>
cudaError_t launch_rows(const Target &target, int64_t steps, int64_t rows, int64_t width, void (*kernel)(Parameters...),
                        Arguments... arguments) {
  if (steps == 0 || rows == 0 || width == 0) {
    return cudaSuccess;
  }
  const Tiling tiling = tiling_for(ceil_div(width, K), kRowLaneBits);
  return launch(target, false, shape_for(tiling, rows, steps, 1), kernel, arguments..., tiling);
}

}  // namespace rondo::kernels::cuda
