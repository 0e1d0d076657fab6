// Products of bf16 matrices by the processor's own bf16 dot product, of vectors or of tiles: twice the rate of f32
// multiply-adds or sixteen times, half the bytes. It reads and writes subnormals as zero and always rounds to nearest
// even, whatever the caller's environment.
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

// How the pairs of k are summed, and so by what: an element's sum goes by this and K alone, whatever M and V. One
// chain of additions or four take the pairs in turn, each pair's second product before its first, for kBf16BlockPairs
// pairs at a time, whose sums are added in ascending order. A tile's sum takes 16 pairs at once; pairs that do not fill
// it follow as one chain.
enum class Bf16Order : uint8_t {
  one_chain,
  four_chains,  // for few rows, whose sums would each wait for their last addition
  tiles,        // where bf16_kernels()->has_tiles
};

// Where a panel holds what: elements from a pair of k to the next, and from a vector of columns to the next.
struct Bf16Layout {
  ptrdiff_t pair, vector;
};

// C[M, V*lanes] = A[M, K] * panel, or added to C. A's rows have K contiguous elements, K even: a last odd one is paired
// with a zero. The panel holds, per pair of k and column, the pair, as bf16_layout says.
struct Bf16Product {
  const Bf16 *a;
  ptrdiff_t a_row;
  const Bf16 *panel;
  Bf16Layout layout;
  int64_t M, K;
  int vectors;  // V, 1 to kBf16MaxVectors
  float *c;
  ptrdiff_t c_row;
  bool accumulate;
  Bf16Order order;
};

struct Bf16Kernels {
  bool has_tiles;
  void (*product)(const Bf16Product &);
  // A vector of a panel's columns: each of K elements, or zeros where its pointer is NULL; `pair` as Bf16Layout has it.
  void (*pack_columns)(const Bf16 *const *columns, int64_t K, ptrdiff_t pair, Bf16 *panel);
  // n elements rounded to nearest even, subnormals to zero: operands of `product`, which would not see them.
  void (*store)(const float *from, Bf16 *to, int64_t n);
};

// Of a panel of K elements, even, and V vectors: [K/2, V, lanes, 2], one stream for all; with tiles [V, K/2, lanes, 2],
// a stream for each column of tiles.
inline Bf16Layout bf16_layout(const Bf16Kernels &kernels, int64_t K, int64_t vectors) {
  constexpr ptrdiff_t kPair = ptrdiff_t{kBf16Lanes} * 2;
  return kernels.has_tiles ? Bf16Layout{kPair, K * kBf16Lanes} : Bf16Layout{kPair * vectors, kPair};
}

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
  const Bf16Layout layout = bf16_layout(kernels, bf16_even(K), width / kBf16Lanes);
  for (int64_t n0 = 0; n0 < width; n0 += kBf16Lanes) {
    const Bf16 *columns[kBf16Lanes];
    for (int64_t n = 0; n < kBf16Lanes; ++n) {
      const int64_t row = row_of(n0 + n);
      columns[n] = row < 0 ? nullptr : source + row * ld;
    }
    kernels.pack_columns(columns, K, layout.pair, panel + n0 / kBf16Lanes * layout.vector);
  }
}

}  // namespace rondo::kernels
