// The bounds of semantics.md: fixed ones for f64, and for f32 up to T 200 and H 512; elsewhere C(K,T) * eps.
// Weights are drawn from U(-1/sqrt(H), 1/sqrt(H)) and inputs are unit normal; the derivation below counts on it.
#include "cli/verify_bounds.h"

#include <algorithm>
#include <cmath>

#include "cli/element.h"

namespace rondo::cli {
namespace {

// C(K,T), in units of eps, the unit roundoff of the storage type (bf16 2^-8, f16 2^-11, f32 2^-24). Roundings to
// nearest are independent errors, so their variances add.
//
// - One rounding to storage is off by at most eps times the value, with variance at most eps^2 / 3 relative to the
//   tensor's largest value. Each step makes R of them. Forward: h, and o*tanh(c) where there is a projection. A
//   gradient inherits forward's and adds its own two: the stashed gates and the gate gradients. (Where storage is f32
//   the same count stands for the roundings of the gates' arithmetic.)
// - A step hands an error on through W_hh with a variance gain of 1/3 (H entries of variance 1/(3H)), and through c
//   with f^2. Steps therefore forget; but a small H does not average, and f may be near 1. We let the errors of up to
//   eight steps add undamped, as if each step forgot an eighth: min(T, 8) steps count.
// - The next layer multiplies by W_ih: D*O entries of variance 1/(3H), at most D/3, and dropout scales what it keeps by
//   1/(1-p). Counted undamped again: layers together weigh 1 + (L-1) * D / (1-p).
// - Sums of K products accumulate in f32: K more errors of variance (2^-24)^2 / 3 at the sum's own scale. K is the
//   longest sum: the features in, or G*H for dx, or all S rows for a parameter's gradient. vdpbf16ps takes subnormal
//   operands (below 2^-126) as zero: beneath everything counted here.
// - The largest of a tensor's elements is held under six standard deviations. The result's own rounding to storage is
//   not random but bounded: 1.
double c_of(const Problem &problem, double roundings_per_step, double longest_sum, double eps) {
  const double steps = static_cast<double>(std::clamp<int64_t>(problem.T, 1, 8));
  const double kept = problem.dropout < 1 ? 1 - problem.dropout : 1;
  const double layers = 1 + static_cast<double>((problem.L - 1) * problem.D()) / kept;
  const double f32_in_eps = 0x1p-24 / eps;
  const double variance = (roundings_per_step * steps * layers + longest_sum * f32_in_eps * f32_in_eps) / 3;
  return 1 + 6 * std::sqrt(variance);
}

Bounds derived(const Problem &problem) {
  const double eps = unit_roundoff(problem.dtype);
  const double forward_roundings = problem.P > 0 ? 2 : 1;
  const int64_t features = std::max(problem.I, problem.D() * problem.O()) + problem.O();
  const int64_t backward_sum = std::max({features, problem.G() * problem.H, problem.S()});
  return {c_of(problem, forward_roundings, static_cast<double>(features), eps) * eps,
          c_of(problem, forward_roundings + 2, static_cast<double>(backward_sum), eps) * eps};
}

}  // namespace

Bounds bounds_for(const Problem &problem) {
  if (problem.dtype == RONDO_F64) {
    return {1e-12, 1e-12};
  }
  const Bounds bounds = derived(problem);
  if (problem.dtype == RONDO_F32) {
    const Bounds fixed = {1e-5, 1e-4};
    if (problem.T <= 200 && problem.H <= 512) {
      return fixed;
    }
    return {std::max(fixed.forward, bounds.forward), std::max(fixed.gradient, bounds.gradient)};
  }
  return bounds;
}

}  // namespace rondo::cli
