// The layouts of workspace and reserve, through Arena: the sizes a plan tells and the places a call uses come from the
// same lines. Blocks are rounded up to 256 bytes, as cuBLAS likes its operands; CallRows' memory, which is not, comes
// last. "storage" and "arithmetic" below are the types of Facts.
#pragma once

#include "backend/cuda/call_rows.h"
#include "backend/fused/facts.h"
#include "kernels/cuda/sequence.h"

namespace rondo::fused {

inline constexpr int64_t operand_alignment = 256;

// Device memory for elements of one type.
struct Array {
  char *data = nullptr;
  int64_t bytes = 0;  // of an element

  void *at(int64_t k) const { return data + k * bytes; }
};

// What forward leaves for backward. Rows are in step order; [.][D] arrays lie per layer, then per direction.
struct Reserve {
  Reserve(Arena &arena, const Facts &facts, Checked N, Checked S);

  uint64_t *dropout_record;  // [2]: seed and offset
  int32_t *lengths;          // [N]; with device lengths only
  Array history_;            // [L][S, D*O] storage
  Array gates_;              // [L][D][S, gates] arithmetic
  Array extra_;              // [L][D][S, H] arithmetic, where the cell has one
  Array projected_;          // [L][D][S, H] storage, with a projection

  Array history(int64_t layer) const { return {part(history_, layer * output_), history_.bytes}; }
  Array gates(int64_t layer, int64_t direction) const {
    return {part(gates_, (layer * D_ + direction) * gate_columns_), gates_.bytes};
  }
  Array extra(int64_t layer, int64_t direction) const {
    return {part(extra_, (layer * D_ + direction) * H_), extra_.bytes};
  }
  Array projected(int64_t layer, int64_t direction) const {
    return {part(projected_, (layer * D_ + direction) * H_), projected_.bytes};
  }

 private:
  char *part(const Array &of, int64_t width_before) const { return of.data + width_before * S_ * of.bytes; }

  int64_t S_, D_, H_, output_, gate_columns_;
};

// Where the blocks of the grid tier meet; empty for others.
struct Meeting {
  Meeting(Arena &arena, const Facts &facts, Checked N, bool backward);

  Array numbers, flags;  // as sequence_exchange tells

  kernels::cuda::SequenceMemory memory() const { return {numbers.at(0), reinterpret_cast<uint32_t *>(flags.data)}; }
};

struct ForwardSpace {
  ForwardSpace(Arena &arena, const Facts &facts, Checked T, Checked N, Checked S);

  char *cublas;
  Array input;       // [S, in] storage: x in step order, or the layer below after dropout
  Array history[2];  // [S, D*O] storage each; inference only: layers take turns
  Array pre;         // [D][pre_rows, gates] arithmetic: W_ih x of a chunk of steps
  Array recurrent;   // [D][N, gates] arithmetic: W_hh h of a step; not with a tier
  Array state;       // [D][N, O] storage
  Array c;           // [D][N, H] arithmetic; LSTM only
  Array projected;   // [D][N, H] storage; inference with a projection; not with a tier
  Array output;      // [D][N, P] arithmetic: W_hr times what is projected; not with a tier
  Array hh, hr;      // [D][gates, O], [D][P, H] storage; two directions only, not with a tier
  Meeting meeting;
  cuda::CallRows::Memory rows;

  int64_t pre_rows;  // 0: the products lie in the reserve
};

struct BackwardSpace {
  BackwardSpace(Arena &arena, const Facts &facts, Checked T, Checked N, Checked S);

  char *cublas;
  Array input;        // as forward's
  Array gradient[2];  // [S, D*O or I] arithmetic: layers take turns with dy and dx
  Array dx_gates;     // [D][S, gates] storage: gradient of W_ih x
  Array dh_gates;     // [D][S, gates] storage: gradient of W_hh h; only where the cell splits them
  Array d_output;     // [D][S, P] storage: gradient of h as an operand; with a projection
  Array d_projected;  // [D][N, H] arithmetic; with a projection, not with a tier
  Array dh, dc;       // [D][N, O], [D][N, H] arithmetic
  Array h_initial;    // [D][N, O] storage
  Array c_initial;    // [D][N, H] arithmetic; LSTM only
  Array previous;     // [S, O] storage: each row's previous h
  Array d_weight;     // the largest weight, arithmetic; only where gradients are of another type
  Array hh, hr;       // as forward's
  Meeting meeting;
  cuda::CallRows::Memory rows;
};

// The first place in the caller's workspace that cuBLAS takes, and what a plan asks for to find one: callers align to
// 64 bytes only.
inline void *aligned_workspace(void *workspace) {
  const auto address = reinterpret_cast<uintptr_t>(workspace);
  return static_cast<char *>(workspace) + (operand_alignment - address % operand_alignment) % operand_alignment;
}
inline constexpr int64_t workspace_slack = operand_alignment - block_alignment;

}  // namespace rondo::fused
