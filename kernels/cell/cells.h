// The cells' mathematics, included once per instruction set or device, inside the includer's own namespace: hence no
// guard here and in the files below. The includer has defined RONDO_CELL_FN (how a function is marked) and, for its
// value type V, the operators
// + - *, one(V), sigmoid(V), tanh(V), relu(V) and zero_unless_positive(test, value).
//
// Every cell is a struct of static functions on values that are already accumulated:
//   x[g]   W_ih x + b_ih of gate g;   h[g]   W_hh h + b_hh of gate g
//   Forward:  gate[g] and extra are what backward needs; h the new hidden state (before a projection); c the new cell
//   state. Backward: dh is the whole gradient of the new hidden state; dc goes in as the gradient of the new cell state
//   and comes out
//             as the previous one's; dx[g] and dh_gate[g] are the gradients of x[g] and h[g]; direct is what reaches
//             the previous hidden state beside the product with W_hh.
// What a cell does not set is as V{} leaves it. kSplitsGradient: dx and dh_gate differ. kUsesPreviousHidden: h_prev is
// read.

template <class V, int kGates>
struct CellForward {
  RONDO_CELL_FN CellForward() : extra{} {}
  V gate[kGates];
  V extra, h;
};

template <class V, int kGates>
struct CellBackward {
  RONDO_CELL_FN CellBackward() : dh_gate{}, direct{} {}
  V dx[kGates];
  V dh_gate[kGates];
  V direct;
};

#include "kernels/cell/gru.h"
#include "kernels/cell/lstm.h"
#include "kernels/cell/rnn.h"
