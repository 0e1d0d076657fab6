// Products of bf16 matrices by the processor's own bf16 dot product: twice the rate of f32 multiply-adds, half the
// bytes. It reads and writes subnormals as zero and always rounds to nearest even, whatever the caller's environment.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cell/half.h"

namespace rondo::kernels {

inline constexpr int kBf16Lanes = 16;
inline constexpr int kBf16MaxVectors = 4;
// Pairs of k in one partial sum.
inline constexpr int64_t kBf16BlockPairs = 256;

// C[M, V*lanes] = A[M, K] * panel, or added to C. A's rows have K contiguous elements, K even: a last odd one is paired
// with a zero. The panel holds, per pair of k and column, the pair: [K/2, V*lanes, 2]. Each element of C is a sum of
// partial sums over kBf16BlockPairs pairs in ascending order; within one, `chains` sums take the pairs in turn, each
// pair's second product before its first. So its order depends on K and chains alone, whatever M and V.
struct Bf16Product {
  const Bf16 *a;
  ptrdiff_t a_row;
  const Bf16 *panel;
  int64_t M, K;
  int vectors;  // V, 1 to kBf16MaxVectors
  float *c;
  ptrdiff_t c_row;
  bool accumulate;
  int chains;            // 1, or 4: for few rows, whose sums would each wait for their last addition
  ptrdiff_t a_pair = 2;  // elements from one pair of a row to its next: other than 2 for A in pack_pair's layout
};

struct Bf16Kernels {
  void (*product)(const Bf16Product &);
  // kBf16Lanes columns of a panel of `width`: each of K elements, or zeros where its pointer is NULL.
  void (*pack_columns)(const Bf16 *const *columns, int64_t K, int64_t width, Bf16 *panel);
  // Two rows to one row of pairs: `valid` columns, zeros up to `width`. NULL gives zeros.
  void (*pack_pair)(const Bf16 *first, const Bf16 *second, int64_t valid, int64_t width, Bf16 *pairs);
  // n elements rounded to nearest even, subnormals to zero: operands of `product`, which would not see them.
  void (*store)(const float *from, Bf16 *to, int64_t n);
};

// NULL where the processor, its operating system or the limit on the instruction set has no bf16 dot product.
const Bf16Kernels *bf16_kernels();
inline bool bf16_dot_available() { return bf16_kernels() != nullptr; }

// Elements of K as pairs need them.
constexpr int64_t bf16_even(int64_t K) { return K + K % 2; }

// Panel columns are rows of the source, as W^T's are for x W^T: column n is row_of(n), of K elements, or zeros where
// that is -1. The panel has bf16_even(K) * width elements.
template <class RowOf>
void pack_bf16_transposed(const Bf16Kernels &kernels, const Bf16 *source, int64_t ld, RowOf row_of, int64_t K,
                          int64_t width, Bf16 *panel) {
  for (int64_t n0 = 0; n0 < width; n0 += kBf16Lanes) {
    const Bf16 *columns[kBf16Lanes];
    for (int64_t n = 0; n < kBf16Lanes; ++n) {
      const int64_t row = row_of(n0 + n);
      columns[n] = row < 0 ? nullptr : source + row * ld;
    }
    kernels.pack_columns(columns, K, width, panel + n0 * 2);
  }
}

// Panel rows are rows of the source, as W's are for dG W: row k is row_of(k)[0 to valid), or zeros where that is NULL.
template <class RowOf>
void pack_bf16_rows(const Bf16Kernels &kernels, RowOf row_of, int64_t K, int64_t valid, int64_t width, Bf16 *panel) {
  for (int64_t k = 0; k < K; k += 2, panel += width * 2) {
    const Bf16 *second = k + 1 < K ? row_of(k + 1) : nullptr;
    kernels.pack_pair(row_of(k), second, valid, width, panel);
  }
}

}  // namespace rondo::kernels
