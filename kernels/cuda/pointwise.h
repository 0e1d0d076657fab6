// One step of a cell for all its rows, in one or two directions: bias, gates, state and what backward needs, between
// two matrix products. Gate columns lie gate by gate, as PyTorch's weights do: column g*H + j is gate g of unit j.
#pragma once

#include "kernels/cell/numbers.h"
#include "kernels/cuda/launch.h"

namespace rondo::kernels::cuda {

// The architecture, as 90, for which the kernels that the current device runs were written: what the driver compiled
// from PTX has that of the PTX. From kOverlappingCode on they wait for the kernel before them, so that they may be
// launched to overlap it; a tier's kernels trap in code older than the tier.
inline constexpr int kOverlappingCode = 90;
cudaError_t code_architecture(int *architecture);

// As the cells themselves state it; cell is a CellRow.
const CellFacts &cell_facts(int64_t cell);

// C below is the type of arithmetic: f64 for f64 storage, else f32. Pointers are at row 0 of the step.
struct ForwardDirection {
  int64_t rows;           // that run at this step; 0: nothing to do
  int64_t t;              // the step, for masks
  const void *pre;        // [rows, G*H] C: W_ih x
  const void *recurrent;  // [rows, G*H] C: W_hh h; NULL: zeros
  const void *bias_ih;    // [G*H] storage, or NULL: zeros
  const void *bias_hh;    // [G*H] storage, or NULL: zeros
  void *state;            // [N, H] storage: h, in and out; with a projection unused
  void *c;                // [N, H] C, in and out; LSTM only
  void *history;          // [rows, history_row] storage: h, as state; unused with a projection
  int64_t history_row;
  void *projected;  // [rows, H] storage: o*tanh(c), with a projection only
  void *gates;      // [rows, G*H] C: gates, for backward, or NULL
  void *extra;      // [rows, H] C: the cell's extra value, for backward, or NULL
};

struct ForwardStep {
  int64_t cell;  // CellRow
  Storage storage;
  int64_t H;
  bool projects;
  const int32_t *lengths;  // device [N]: a row with t >= its length is masked: its state stays, its history and
                           // stash become zeros (extra: its c). NULL: no masks
  int directions;          // 1 or 2
  ForwardDirection direction[2];
};
cudaError_t launch_forward_step(const Target &target, const ForwardStep &step);

struct BackwardDirection {
  int64_t rows, t;
  int64_t previous_t;  // the step before it in this direction, for masks
  int64_t from_steps;  // rows that have a step before; the others began with the initial state
  const void *dy;      // [rows, dy_row] C, added to dh; NULL with a projection
  int64_t dy_row;
  const void *d_projected;  // [rows, H] C: gradient of o*tanh(c), with a projection only, in place of dy and dh
  void *dh;                 // [N, H] C: gradient of h from later steps; out: what reaches the step before beside W_hh
  void *dc;                 // [N, H] C, in and out; LSTM only
  const void *gates;        // [rows, G*H] C
  const void *extra;        // [rows, H] C
  const void *c_before;     // [., H] C: extra of the step before; LSTM only
  const void *c_initial;    // [N, H] C; LSTM only
  const void *h_before;     // [., h_before_row] storage: history of the step before; GRU only
  int64_t h_before_row;
  const void *h_initial;  // [N, H] storage; GRU only
  void *dx;               // [rows, G*H] storage: gradient of W_ih x
  void *dh_gates;         // [rows, G*H] storage: gradient of W_hh h, where the cell splits them (GRU), else NULL
};

struct BackwardStep {
  int64_t cell;
  Storage storage;
  int64_t H;
  bool projects;
  const int32_t *lengths;  // masked rows: dh and dc stay, dx and dh_gates become zeros. NULL: no masks
  int directions;
  BackwardDirection direction[2];
};
cudaError_t launch_backward_step(const Target &target, const BackwardStep &step);

// After the product with W_hr: h = product rounded, to state and history, except in masked rows (history: zeros).
struct ProjectionDirection {
  int64_t rows, t;
  const void *product;  // [rows, P] C
  void *state;          // [N, P] storage
  void *history;        // [rows, history_row] storage
  int64_t history_row;
  // Backward: before the product with W_hr: d_output = (dh + dy) rounded, and dh becomes zeros; masked rows: d_output
  // zeros, dh stays.
  const void *dy;  // [rows, dy_row] C
  int64_t dy_row;
  void *dh;        // [N, P] C
  void *d_output;  // [rows, P] storage
};
struct ProjectionStep {
  Storage storage;
  int64_t P;
  const int32_t *lengths;
  int directions;
  ProjectionDirection direction[2];
};
cudaError_t launch_projected_state(const Target &target, const ProjectionStep &step);
cudaError_t launch_projection_gradient(const Target &target, const ProjectionStep &step);

}  // namespace rondo::kernels::cuda
