// The backward kernel of a step, the mirror image: gradients of the gates for the products, and what reaches the step
// before beside them. A row's first step had the initial state before it.
#pragma once

#include "kernels/cuda/steps.h"

namespace rondo::kernels::cuda {

template <class Cell, class S, int K>
RONDO_DEVICE void mask_backward_units(const BackwardStep &step, const BackwardDirection &d, int64_t row, int64_t unit) {
  for (int g = 0; g < Cell::kGates; ++g) {
    const int64_t gate = (row * Cell::kGates + g) * step.H + unit;
    write_zeros<S, K>(d.dx, gate);
    if (Cell::kSplitsGradient) {
      write_zeros<S, K>(d.dh_gates, gate);
    }
  }
}

// The previous step's c and h, of the history or the initial state.
template <class Cell, class S, int K, class C>
RONDO_DEVICE void read_previous(const BackwardStep &step, const BackwardDirection &d, int64_t row, int64_t unit,
                                C (&c_prev)[K], C (&h_prev)[K]) {
  const bool from_step = row < d.from_steps && !is_masked(step.lengths, d.previous_t, row);
  const int64_t element = row * step.H + unit;
  if constexpr (Cell::kHasCellState) {
    read_wide<C, K>(at<C>(from_step ? d.c_before : d.c_initial, element), c_prev);
  }
  if constexpr (Cell::kUsesPreviousHidden) {
    const S *before = at<S>(d.h_before, row * d.h_before_row + unit);
    read_wide<C, K>(from_step ? before : at<S>(d.h_initial, element), h_prev);
  }
}

template <class Cell, class S, int K>
RONDO_DEVICE void backward_units(const BackwardStep &step, const BackwardDirection &d, int64_t row, int64_t unit) {
  using C = Arithmetic<S>;
  constexpr int G = Cell::kGates;
  const int64_t element = row * step.H + unit;
  C gate[G][K];
  C extra[K];
  C dc[K];
  C dh[K];
  C c_prev[K] = {};
  C h_prev[K] = {};
  RONDO_UNROLL
  for (int g = 0; g < G; ++g) {
    read_wide<C, K>(at<C>(d.gates, (row * G + g) * step.H + unit), gate[g]);
  }
  read_or_zeros<C>(Cell::kHasExtra ? d.extra : nullptr, element, extra);
  read_or_zeros<C>(Cell::kHasCellState ? d.dc : nullptr, element, dc);
  read_previous<Cell, S, K>(step, d, row, unit, c_prev, h_prev);
  if (step.projects) {
    read_wide<C, K>(at<C>(d.d_projected, element), dh);
  } else {
    read_wide<C, K>(at<C>(d.dh, element), dh);
    add_wide<C>(d.dy, row * d.dy_row + unit, dh);
  }
  C dh_gate[G][K];
  // gate becomes dx, dh what reaches the previous h directly.
  RONDO_UNROLL
  for (int k = 0; k < K; ++k) {
    C gate_k[G];
    RONDO_UNROLL
    for (int g = 0; g < G; ++g) {
      gate_k[g] = gate[g][k];
    }
    const CellBackward<C, G> out = Cell::backward(gate_k, extra[k], c_prev[k], h_prev[k], dh[k], dc[k]);
    RONDO_UNROLL
    for (int g = 0; g < G; ++g) {
      gate[g][k] = out.dx[g];
      if constexpr (Cell::kSplitsGradient) {
        dh_gate[g][k] = out.dh_gate[g];
      }
    }
    if constexpr (Cell::kUsesPreviousHidden) {
      dh[k] = out.direct;
    } else {
      dh[k] = C{0};
    }
  }
  RONDO_UNROLL
  for (int g = 0; g < G; ++g) {
    const int64_t column = (row * G + g) * step.H + unit;
    write_wide<C, K>(gate[g], at<S>(d.dx, column));
    if constexpr (Cell::kSplitsGradient) {
      write_wide<C, K>(dh_gate[g], at<S>(d.dh_gates, column));
    }
  }
  if constexpr (Cell::kHasCellState) {
    write_wide<C, K>(dc, at<C>(d.dc, element));
  }
  if (!step.projects) {
    write_wide<C, K>(dh, at<C>(d.dh, element));
  }
}

template <class Cell, class S, int K>
RONDO_KERNEL void backward_step_kernel(const BackwardStep step, const Tiling tiling) {
  wait_for_previous();
  let_next_start();
  const BackwardDirection &d = step.direction[block_z()];
  const int64_t unit = (int64_t{block_x()} * tiling.lanes() + tiling.lane()) * K;
  if (unit >= step.H) {
    return;
  }
  for (int64_t row = tiling.first_row(); row < d.rows; row += tiling.row_stride()) {
    if (is_masked(step.lengths, d.t, row)) {
      mask_backward_units<Cell, S, K>(step, d, row, unit);
    } else {
      backward_units<Cell, S, K>(step, d, row, unit);
    }
  }
}

template <class S>
bool aligned_step(const BackwardStep &step) {
  using C = Arithmetic<S>;
  constexpr int K = kUnits<S>;
  bool all = true;
  for (int k = 0; k < step.directions; ++k) {
    const BackwardDirection &d = step.direction[k];
    all = all &&
          aligned(K, sizeof(C), {d.dy, d.d_projected, d.dh, d.dc, d.gates, d.extra, d.c_before, d.c_initial},
                  {step.H, d.dy_row, d.h_before_row}) &&
          aligned(K, sizeof(S), {d.h_before, d.h_initial, d.dx, d.dh_gates}, {});
  }
  return all;
}

template <class S>
cudaError_t launch_backward_step_of(const Target &target, const BackwardStep &step) {
  return with_cell(step.cell, [&](auto cell) {
    using Cell = typename decltype(cell)::type;
    constexpr int K = kUnits<S>;
    return aligned_step<S>(step) ? launch_step<K>(target, step, step.H, &backward_step_kernel<Cell, S, K>)
                                 : launch_step<1>(target, step, step.H, &backward_step_kernel<Cell, S, 1>);
  });
}

}  // namespace rondo::kernels::cuda
