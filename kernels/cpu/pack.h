// Cutting a matrix into panels: [K, width] blocks, zero where the matrix has no element. Storage types become C on the
// way. Plain templates: packing copies and converts, it computes nothing.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cell/dtype.h"
#include "kernels/cpu/kernels.h"

namespace rondo::kernels {

// Panel element (k, n) = source[row_of(n) * ld + k]: the panel's columns are rows of the source. row_of(n) = -1 gives
// zeros.
template <class S, class C, class RowOf>
void pack_transposed(const S *source, int64_t ld, RowOf row_of, int64_t K, int64_t width, C *panel) {
  constexpr int64_t kStrip = 16;  // columns at a time: their source rows stay in the first cache level
  for (int64_t n0 = 0; n0 < width; n0 += kStrip) {
    const int64_t strip = std::min(kStrip, width - n0);
    int64_t rows[kStrip];
    for (int64_t n = 0; n < strip; ++n) {
      rows[n] = row_of(n0 + n);
    }
    for (int64_t k = 0; k < K; ++k) {
      C *to = panel + k * width + n0;
      for (int64_t n = 0; n < strip; ++n) {
        to[n] = rows[n] < 0 ? C{0} : from_storage<C>(source[rows[n] * ld + k]);
      }
    }
  }
}

// Panel element (k, n) = row_of(k)[n] for the first `valid` columns. row_of(k) = nullptr gives zeros.
template <class C, class RowOf>
void pack_rows(RowOf row_of, int64_t K, int64_t valid, int64_t width, C *panel) {
  for (int64_t k = 0; k < K; ++k, panel += width) {
    const auto *row = row_of(k);
    const int64_t copied = row == nullptr ? 0 : valid;
    for (int64_t n = 0; n < copied; ++n) {
      panel[n] = from_storage<C>(row[n]);
    }
    std::fill(panel + copied, panel + width, C{0});
  }
}

// Calls what with a pointer of the storage type's own element type.
template <class What>
void with_storage(Storage storage, const void *data, What &&what) {
  switch (storage) {
    case Storage::f64:
      what(static_cast<const double *>(data));
      break;
    case Storage::f32:
      what(static_cast<const float *>(data));
      break;
    case Storage::f16:
      what(static_cast<const F16 *>(data));
      break;
    case Storage::bf16:
      what(static_cast<const Bf16 *>(data));
      break;
  }
}

}  // namespace rondo::kernels
