// One step of one cell for one row, forward and backward, on plain arrays of doubles.
// The backward function is the forward one read upwards, statement by statement; nothing is shared with the library.
#pragma once

#include <cstdint>

#include "problem.h"

namespace rondo::test {

// Parameters (or their gradients) of one layer and direction. Absent ones are nullptr.
template <class Value>
struct LayerParams {
  Value *weight_ih = nullptr;  // [G*H, in]
  Value *weight_hh = nullptr;  // [G*H, O]
  Value *bias_ih = nullptr;    // [G*H]
  Value *bias_hh = nullptr;    // [G*H]
  Value *weight_hr = nullptr;  // [P, H]
};

// What one step leaves for its backward.
struct StepRecord {
  const double *x = nullptr;         // [in]
  const double *h_before = nullptr;  // [O]
  const double *c_before = nullptr;  // [H], LSTM
  double *gates = nullptr;           // [G*H] after their activation functions
  double *recurrent_n = nullptr;     // [H], GRU: W_hn h + b_hn
  double *c = nullptr;               // [H], LSTM
  double *unprojected = nullptr;     // [H], LSTM: o*tanh(c)
  double *h = nullptr;               // [O]
};

void step_forward(const Problem &problem, std::int64_t in, const LayerParams<const double> &params, StepRecord &step);

// dh [O] and dc [H] hold the gradients of the step's h and c and leave as those of h_before and c_before.
// dx [in] and the parameters' gradients are added to.
void step_backward(const Problem &problem, std::int64_t in, const LayerParams<const double> &params,
                   const StepRecord &step, double *dh, double *dc, double *dx, const LayerParams<double> &gradients);

}  // namespace rondo::test
