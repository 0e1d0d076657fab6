// The forward kernel of a step. A thread owns K units of a row, so every array is read and written once and h and c
// change in place.
#pragma once

#include "kernels/cuda/steps.h"

namespace rondo::kernels::cuda {

template <class Cell, class S, int K>
RONDO_DEVICE void mask_forward_units(const ForwardStep &step, const ForwardDirection &d, int64_t row, int64_t unit) {
  using C = Arithmetic<S>;
  const int64_t element = row * step.H + unit;
  if (step.projects) {
    write_zeros<S, K>(d.projected, element);
  } else {
    write_zeros<S, K>(d.history, row * d.history_row + unit);
  }
  if (d.gates != nullptr) {
    for (int g = 0; g < Cell::kGates; ++g) {
      write_zeros<C, K>(d.gates, (row * Cell::kGates + g) * step.H + unit);
    }
  }
  if (Cell::kHasExtra && d.extra != nullptr) {
    C extra[K];
    read_or_zeros<C>(Cell::kHasCellState ? d.c : nullptr, element, extra);
    write_wide<C, K>(extra, at<C>(d.extra, element));
  }
}

template <class Cell, class S, int K>
RONDO_DEVICE void forward_units(const ForwardStep &step, const ForwardDirection &d, int64_t row, int64_t unit) {
  using C = Arithmetic<S>;
  constexpr int G = Cell::kGates;
  const int64_t element = row * step.H + unit;
  C x[G][K];
  C h[G][K];
  C h_prev[K];
  C c_prev[K];
  RONDO_UNROLL
  for (int g = 0; g < G; ++g) {
    const int64_t gate = (row * G + g) * step.H + unit;
    read_wide<C, K>(at<C>(d.pre, gate), x[g]);
    read_or_zeros<C>(d.recurrent, gate, h[g]);
  }
  read_or_zeros<S>(Cell::kUsesPreviousHidden ? d.state : nullptr, element, h_prev);
  read_or_zeros<C>(Cell::kHasCellState ? d.c : nullptr, element, c_prev);
  RONDO_UNROLL
  for (int g = 0; g < G; ++g) {
    add_wide<S>(d.bias_ih, g * step.H + unit, x[g]);
    add_wide<S>(d.bias_hh, g * step.H + unit, h[g]);
  }
  // x and h_prev become the gates and h, c_prev the extra value.
  RONDO_UNROLL
  for (int k = 0; k < K; ++k) {
    C x_k[G];
    C h_k[G];
    RONDO_UNROLL
    for (int g = 0; g < G; ++g) {
      x_k[g] = x[g][k];
      h_k[g] = h[g][k];
    }
    const CellForward<C, G> out = Cell::forward(x_k, h_k, h_prev[k], c_prev[k]);
    RONDO_UNROLL
    for (int g = 0; g < G; ++g) {
      x[g][k] = out.gate[g];
    }
    h_prev[k] = out.h;
    if constexpr (Cell::kHasExtra) {
      c_prev[k] = out.extra;
    }
  }
  if (step.projects) {
    write_wide<C, K>(h_prev, at<S>(d.projected, element));
  } else {
    write_wide<C, K>(h_prev, at<S>(d.state, element));
    write_wide<C, K>(h_prev, at<S>(d.history, row * d.history_row + unit));
  }
  if constexpr (Cell::kHasCellState) {
    write_wide<C, K>(c_prev, at<C>(d.c, element));
  }
  if (d.gates != nullptr) {
    RONDO_UNROLL
    for (int g = 0; g < G; ++g) {
      write_wide<C, K>(x[g], at<C>(d.gates, (row * G + g) * step.H + unit));
    }
  }
  if (Cell::kHasExtra && d.extra != nullptr) {
    write_wide<C, K>(c_prev, at<C>(d.extra, element));
  }
}

template <class Cell, class S, int K>
RONDO_KERNEL void forward_step_kernel(const ForwardStep step, const Tiling tiling) {
  wait_for_previous();
  let_next_start();
  const ForwardDirection &d = step.direction[block_z()];
  const int64_t unit = (int64_t{block_x()} * tiling.lanes() + tiling.lane()) * K;
  if (unit >= step.H) {
    return;
  }
  for (int64_t row = tiling.first_row(); row < d.rows; row += tiling.row_stride()) {
    if (is_masked(step.lengths, d.t, row)) {
      mask_forward_units<Cell, S, K>(step, d, row, unit);
    } else {
      forward_units<Cell, S, K>(step, d, row, unit);
    }
  }
}

template <class S>
bool aligned_step(const ForwardStep &step) {
  using C = Arithmetic<S>;
  constexpr int K = kUnits<S>;
  bool all = true;
  for (int k = 0; k < step.directions; ++k) {
    const ForwardDirection &d = step.direction[k];
    all = all && aligned(K, sizeof(C), {d.pre, d.recurrent, d.c, d.gates, d.extra}, {step.H, d.history_row}) &&
          aligned(K, sizeof(S), {d.bias_ih, d.bias_hh, d.state, d.history, d.projected}, {});
  }
  return all;
}

template <class S>
cudaError_t launch_forward_step_of(const Target &target, const ForwardStep &step) {
  return with_cell(step.cell, [&](auto cell) {
    using Cell = typename decltype(cell)::type;
    constexpr int K = kUnits<S>;
    return aligned_step<S>(step) ? launch_step<K>(target, step, step.H, &forward_step_kernel<Cell, S, K>)
                                 : launch_step<1>(target, step, step.H, &forward_step_kernel<Cell, S, 1>);
  });
}

}  // namespace rondo::kernels::cuda
