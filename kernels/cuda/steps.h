// What the step kernels share: masks, wide reads with their zeros, and the choice of cell and of units per thread.
// A step of one storage type is compiled in a file of its own, so that files compile side by side.
#pragma once

#include "kernels/cuda/cells.h"
#include "kernels/cuda/pointwise.h"
#include "kernels/cuda/storage.h"
#include "kernels/cuda/tiling.h"

namespace rondo::kernels::cuda {

inline constexpr uint32_t kStepLaneBits = 5;

// S is the storage type that the step names.
template <class S>
cudaError_t launch_forward_step_of(const Target &target, const ForwardStep &step);
template <class S>
cudaError_t launch_backward_step_of(const Target &target, const BackwardStep &step);

RONDO_DEVICE bool is_masked(const int32_t *lengths, int64_t t, int64_t row) {
  return lengths != nullptr && t >= load_whole(lengths + row);
}

template <class S>
RONDO_DEVICE const S *at(const void *array, int64_t element) {
  return static_cast<const S *>(array) + element;
}
template <class S>
RONDO_DEVICE S *at(void *array, int64_t element) {
  return static_cast<S *>(array) + element;
}

template <class C, int K>
RONDO_DEVICE void set_zeros(C (&to)[K]) {
  RONDO_UNROLL
  for (int k = 0; k < K; ++k) {
    to[k] = C{0};
  }
}

// NULL reads as zeros.
template <class S, class C, int K>
RONDO_DEVICE void read_or_zeros(const void *array, int64_t element, C (&to)[K]) {
  if (array != nullptr) {
    read_wide<C, K>(at<S>(array, element), to);
  } else {
    set_zeros(to);
  }
}

// to += what the array holds; NULL adds nothing.
template <class S, class C, int K>
RONDO_DEVICE void add_wide(const void *array, int64_t element, C (&to)[K]) {
  C added[K];
  read_or_zeros<S>(array, element, added);
  RONDO_UNROLL
  for (int k = 0; k < K; ++k) {
    to[k] = to[k] + added[k];
  }
}

template <class S, int K>
RONDO_DEVICE void write_zeros(void *array, int64_t element) {
  Arithmetic<S> zeros[K];
  set_zeros(zeros);
  write_wide<Arithmetic<S>, K>(zeros, at<S>(array, element));
}

template <class What>
cudaError_t with_cell(int64_t cell, What &&what) {
  switch (static_cast<CellRow>(cell)) {
    case kRnnTanh:
      return what(Type<RnnTanhCell>{});
    case kRnnRelu:
      return what(Type<RnnReluCell>{});
    case kLstm:
      return what(Type<LstmCell>{});
    case kGru:
      return what(Type<GruCell>{});
    case kCells:
      break;
  }
  return cudaErrorInvalidValue;
}

// One launch for all directions of a step over `width` columns, in units of K; it may overlap what is before it.
template <int K, class Step>
cudaError_t launch_step(const Target &target, const Step &step, int64_t width, void (*kernel)(Step, Tiling)) {
  int64_t rows = 0;
  for (int d = 0; d < step.directions; ++d) {
    rows = std::max(rows, step.direction[d].rows);
  }
  if (rows == 0 || width == 0) {
    return cudaSuccess;
  }
  const Tiling tiling = tiling_for(width / K, kStepLaneBits);
  const int64_t tiles = ceil_div(width / K, int64_t{1} << tiling.bits);
  return launch(target, true, shape_for(tiling, rows, tiles, static_cast<uint32_t>(step.directions)), kernel, step,
                tiling);
}

}  // namespace rondo::kernels::cuda
