// The launchers of pointwise.h: the choice by storage type, and the two small kernels around the projection's products.
#include "kernels/cuda/pointwise.h"

#include "kernels/cuda/steps.h"

namespace rondo::kernels::cuda {
namespace {

template <class Cell>
constexpr CellFacts facts_of() {
  return {Cell::kGates, Cell::kHasCellState, Cell::kHasExtra, Cell::kSplitsGradient};
}

template <class S, int K>
RONDO_DEVICE void projected_units(const ProjectionStep &step, const ProjectionDirection &d, int64_t row,
                                  int64_t column) {
  using C = Arithmetic<S>;
  const int64_t element = row * step.P + column;
  if (is_masked(step.lengths, d.t, row)) {
    write_zeros<S, K>(d.history, row * d.history_row + column);
    return;
  }
  C h[K];
  read_wide<C, K>(at<C>(d.product, element), h);
  write_wide<C, K>(h, at<S>(d.state, element));
  write_wide<C, K>(h, at<S>(d.history, row * d.history_row + column));
}

template <class S, int K>
RONDO_DEVICE void projection_gradient_units(const ProjectionStep &step, const ProjectionDirection &d, int64_t row,
                                            int64_t column) {
  using C = Arithmetic<S>;
  const int64_t element = row * step.P + column;
  if (is_masked(step.lengths, d.t, row)) {
    write_zeros<S, K>(d.d_output, element);
    return;
  }
  C dh[K];
  read_wide<C, K>(at<C>(d.dh, element), dh);
  add_wide<C>(d.dy, row * d.dy_row + column, dh);
  write_wide<C, K>(dh, at<S>(d.d_output, element));
  write_zeros<C, K>(d.dh, element);
}

template <class S, int K, bool kBackward>
RONDO_KERNEL void projection_kernel(const ProjectionStep step, const Tiling tiling) {
  wait_for_previous();
  let_next_start();
  const ProjectionDirection &d = step.direction[block_z()];
  const int64_t column = (int64_t{block_x()} * tiling.lanes() + tiling.lane()) * K;
  if (column >= step.P) {
    return;
  }
  for (int64_t row = tiling.first_row(); row < d.rows; row += tiling.row_stride()) {
    if constexpr (kBackward) {
      projection_gradient_units<S, K>(step, d, row, column);
    } else {
      projected_units<S, K>(step, d, row, column);
    }
  }
}

template <class S>
bool aligned_projection(const ProjectionStep &step, bool backward) {
  using C = Arithmetic<S>;
  constexpr int K = kUnits<S>;
  bool all = true;
  for (int k = 0; k < step.directions; ++k) {
    const ProjectionDirection &d = step.direction[k];
    all = all &&
          (backward ? aligned(K, sizeof(C), {d.dy, d.dh}, {step.P, d.dy_row}) && aligned(K, sizeof(S), {d.d_output}, {})
                    : aligned(K, sizeof(C), {d.product}, {step.P, d.history_row}) &&
                          aligned(K, sizeof(S), {d.state, d.history}, {}));
  }
  return all;
}

template <bool kBackward>
cudaError_t launch_projection(const Target &target, const ProjectionStep &step) {
  return with_storage(step.storage, [&](auto storage) {
    using S = typename decltype(storage)::type;
    constexpr int K = kUnits<S>;
    return aligned_projection<S>(step, kBackward)
               ? launch_step<K>(target, step, step.P, &projection_kernel<S, K, kBackward>)
               : launch_step<1>(target, step, step.P, &projection_kernel<S, 1, kBackward>);
  });
}

}  // namespace

// All kernels are compiled for the same architectures: one tells for all.
cudaError_t code_architecture(int *architecture) {
  cudaFuncAttributes attributes{};
  const cudaError_t error = cudaFuncGetAttributes(&attributes, &projection_kernel<float, 1, false>);
  *architecture = error == cudaSuccess ? attributes.ptxVersion : 0;
  return error;
}

const CellFacts &cell_facts(int64_t cell) {
  static constexpr CellFacts kFacts[kCells] = {facts_of<RnnTanhCell>(), facts_of<RnnReluCell>(), facts_of<LstmCell>(),
                                               facts_of<GruCell>()};
  return kFacts[cell];
}

cudaError_t launch_forward_step(const Target &target, const ForwardStep &step) {
  return with_storage(step.storage, [&](auto storage) {
    return launch_forward_step_of<typename decltype(storage)::type>(target, step);
  });
}

cudaError_t launch_backward_step(const Target &target, const BackwardStep &step) {
  return with_storage(step.storage, [&](auto storage) {
    return launch_backward_step_of<typename decltype(storage)::type>(target, step);
  });
}

cudaError_t launch_projected_state(const Target &target, const ProjectionStep &step) {
  return launch_projection<false>(target, step);
}
cudaError_t launch_projection_gradient(const Target &target, const ProjectionStep &step) {
  return launch_projection<true>(target, step);
}

}  // namespace rondo::kernels::cuda
