// Arrays without row order: sums of columns for bias gradients, finished gradients, and copies of many pieces at once.
// Sums have one order of their own, so two runs give the same bytes.
#pragma once

#include "kernels/cell/numbers.h"
#include "kernels/cuda/launch.h"

namespace rondo::kernels::cuda {

// to[column] = sum over rows of from[rows, columns], or added to what it holds. Sums in from's type of arithmetic.
// to_type: storage of the gradient, of the same family (f64 with f64; f32, f16, bf16).
cudaError_t launch_column_sums(const Target &target, Storage from_type, const void *from, int64_t rows, int64_t columns,
                               Storage to_type, void *to, bool accumulate);

// to = from rounded, or to's own value added in the type of arithmetic before rounding. from is f64 or f32.
cudaError_t launch_finish_gradient(const Target &target, Storage from_type, const void *from, int64_t count,
                                   Storage to_type, void *to, bool accumulate);

// Pieces of arrays of one type, copied (or added in the type of arithmetic, then rounded) by as few launches as their
// addresses, which travel as kernel arguments, allow. from == NULL fills with zeros. Pieces do not overlap.
struct Piece {
  const void *from;
  void *to;
  int64_t count;  // elements
};
cudaError_t launch_copy_pieces(const Target &target, Storage type, const Piece *pieces, int64_t count, bool accumulate);

}  // namespace rondo::kernels::cuda
