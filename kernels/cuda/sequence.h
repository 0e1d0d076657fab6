// All steps of a layer in one launch, its directions side by side, with W_hh kept on chip: what pointwise.h and a
// product do step by step. f32, f16 and bf16 storage; of the 16-bit types an LSTM may have a projection, and then O
// below is P, else H.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/rows.h"
#include "kernels/cuda/tiers.h"

namespace rondo::kernels::cuda {

// Global memory in which the blocks of a grid's groups meet, of the sizes of tiers.h's sequence_exchange, at multiples
// of 128 bytes; other tiers need none. The launch clears the flags. Until it has ended, nothing else may use either.
struct SequenceMemory {
  void *numbers;  // [directions][groups][2][rows of the slice that exist][row] storage
  uint32_t *flags;
};

// Positions count a direction's steps in the order in which it takes them: direction 0 is at t = position, direction 1
// at t = T - 1 - position. A row runs at t as row_map.h says; where it does not, its state stays, and where it has a
// place all the same (masked), its history and gates become zeros and extra its c. Pointers are at row 0 of the call
// unless said otherwise; C is f32.
struct ForwardSequenceDirection {
  const void *pre;        // [rows, G*H] C: W_ih x from the row on at which the positions' earliest t begins; may be the
                          // very place of `gates`: the thread that reads an element is the one that writes it
  const void *weight_hh;  // [G*H, O] storage
  const void *bias_ih;    // [G*H] storage, or NULL: zeros
  const void *bias_hh;    // [G*H] storage, or NULL: zeros
  void *state;            // [N, O] storage: h before the first position, in sorted order; out: after the last
  void *c;                // [N, H] C, the same; LSTM only
  void *history;          // [S, history_row] storage: h of each step
  int64_t history_row;
  void *gates;  // [S, G*H] C, for backward, or NULL
  void *extra;  // [S, H] C: the cell's extra value, for backward, or NULL
  // With a projection.
  const void *weight_hr;  // [P, H] storage
  void *projected;        // [S, H] storage: what is projected, for backward, or NULL; zeros where masked
};
struct ForwardSequence {
  int64_t cell;  // CellRow
  Storage storage;
  bool tf32;  // of f32 storage: products round their operands so
  int64_t H;
  int64_t P;  // of a projection, or 0
  RowMap rows;
  SequenceMemory memory;
  int64_t first, last;  // positions [first, last)
  int directions;       // 1 or 2
  ForwardSequenceDirection direction[2];
};
// The layout is one that tiers.h gave for this problem.
cudaError_t launch_forward_sequence(const Target &target, const SequenceLayout &layout,
                                    const ForwardSequence &sequence);

struct BackwardSequenceDirection {
  const void *dy;  // [S, dy_row] C
  int64_t dy_row;
  const void *weight_hh;  // [G*H, O] storage
  void *dh;               // [N, O] C: gradient of the last state; out: of the initial state
  void *dc;               // [N, H] C, the same; LSTM only
  const void *gates;      // [S, G*H] C
  const void *extra;      // [S, H] C
  const void *c_initial;  // [N, H] C; LSTM only
  const void *history;    // [S, history_row] storage; GRU only
  int64_t history_row;
  const void *h_initial;  // [N, H] storage; GRU only
  void *dx;               // [S, G*H] storage: gradient of W_ih x
  void *dh_gates;         // [S, G*H] storage: gradient of W_hh h, where the cell splits them (GRU), else NULL
  // With a projection.
  const void *weight_hr;  // [P, H] storage
  void *d_output;         // [S, P] storage: gradient of what the projection gives; zeros where masked
};
// From the last position down to the first; masked rows get zeros in dx and dh_gates and keep dh and dc.
struct BackwardSequence {
  int64_t cell;
  Storage storage;
  bool tf32;
  int64_t H;
  int64_t P;
  RowMap rows;
  SequenceMemory memory;
  int directions;
  BackwardSequenceDirection direction[2];
};
cudaError_t launch_backward_sequence(const Target &target, const SequenceLayout &layout,
                                     const BackwardSequence &sequence);

// How many blocks of the kernel that a layout launches one SM of the current device holds at once: a grid's all run
// together, or cudaErrorCooperativeLaunchTooLarge is its launch's answer.
cudaError_t sequence_blocks_at_once(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks);

}  // namespace rondo::kernels::cuda
