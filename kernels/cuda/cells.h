// The cells' mathematics for device code, on one number at a time. Accurate library functions only: a gradient is
// compared with the CPU's.
#pragma once

#include <cmath>
#include <type_traits>

#include "kernels/cell/numbers.h"
#include "kernels/cuda/primitives.h"

namespace rondo::kernels::cuda {

RONDO_DEVICE float one(float /*like*/) { return 1.0f; }
RONDO_DEVICE double one(double /*like*/) { return 1.0; }

// 1 / (1 + e^-x), from e^-|x| so that nothing overflows.
RONDO_DEVICE float sigmoid(float x) {
  const float e = ::expf(-::fabsf(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}
RONDO_DEVICE double sigmoid(double x) {
  const double e = ::exp(-::fabs(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

RONDO_DEVICE float tanh(float x) { return ::tanhf(x); }
RONDO_DEVICE double tanh(double x) { return ::tanh(x); }

// NaN passes both.
template <class V>
RONDO_DEVICE V zero_unless_positive(V test, V value) {
  return test <= V{0} ? V{0} : value;
}
template <class V>
RONDO_DEVICE V relu(V x) {
  return zero_unless_positive(x, x);
}

#define RONDO_CELL_FN RONDO_DEVICE
#include "kernels/cell/cells.h"
#undef RONDO_CELL_FN

}  // namespace rondo::kernels::cuda
