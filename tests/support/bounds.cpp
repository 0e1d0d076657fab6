// Bounds on errors, and where they come from.
// The 16-bit ones are held to the roundings themselves by numeric/bounds_test.cpp, which needs no library.
#include "bounds.h"

#include <algorithm>
#include <cmath>

#include "environment.h"

namespace rondo::test {
namespace {

// Errors are sums of many roundings, independent and of zero mean; three standard deviations of the sum, to which the
// last rounding is added whole, are what the worst of a tensor's elements may show.
constexpr double deviations = 3.0;

// A rounding of one unit u errs by at most u, and by u/sqrt(3) in the root mean square (uniform).
constexpr double mean_square_of_rounding = 1.0 / 3.0;

// What a step receives from the one before is damped by the recurrent weights (root mean square gain 1/sqrt(3) for
// U(-1/sqrt(H), 1/sqrt(H))) and the slope of the activation, at most 1: the errors of the steps before add up to a
// geometric series. Memory 4 = 1/(1 - 3/4) allows a mean square gain of 3/4, more than twice the expected 1/3, for
// small H has few weights to average over.
double memory(std::int64_t T) { return static_cast<double>(std::min<std::int64_t>(T, 4)); }

// Forward: of all operands only h is rounded in a run (x and weights are given, c and gates stay in f32, o*tanh(c) is
// h's stand-in before W_hr). K of them reach a pre-activation: O from the step before, D*O from the layer below; each
// error is multiplied by a weight whose mean square is (1/3 + 2/(3H)) / H: U's variance 1/(3H), and up to 1/H where H
// is so small that the drawn weights themselves may be the largest possible. Projection rounds once more.
double forward_mean_square(const Problem &problem, double more_operands = 0) {
  const auto H = static_cast<double>(problem.H);
  const double weight_mean_square = (1.0 / 3.0 + 2.0 / (3.0 * H)) / H;
  const auto recurrent = static_cast<double>(problem.O() + (problem.P > 0 ? problem.H : 0));
  const auto below = static_cast<double>((problem.L - 1) * problem.width());
  const double operands = static_cast<double>(problem.L) * recurrent + below;
  return mean_square_of_rounding * (operands + more_operands) * weight_mean_square * memory(problem.T);
}

// Backward: each term of a gradient's sum carries four roundings (the gate's gradient, the operand it multiplies, and
// two stashed gates), and each layer's gradients start from those of the layer above. A parameter's gradient adds T*N
// such terms of random sign, so its error grows with sqrt(T*N); so does its largest element, by which it is divided,
// unless the tensor is so small that all its elements happen to be small: of n normal elements all lie below
// 10^(-4/n) standard deviations with a probability of about 10^-4.
double gradient_mean_square(const Problem &problem) {
  const double roundings = 4.0 * static_cast<double>(problem.L);
  const double terms = std::sqrt(static_cast<double>(std::max<std::int64_t>(problem.T * problem.N, 1)));
  const double least_largest = std::pow(10.0, -4.0 / static_cast<double>(problem.gates() * problem.H));
  const double growth = terms / std::max(1.0, least_largest * terms);
  return mean_square_of_rounding * roundings * memory(problem.T) * growth * growth;
}

// Products of f32 by tf32 round both operands, to 10 bits of mantissa, and of the first layer's x as well; what they
// give is not rounded. So a pre-activation has two errors for each operand that 16 bits have one for, and two for each
// of x. Backward the four roundings of a term are those of its two operands, and of two in the product before.
Bounds tf32_bounds(const Problem &problem) {
  const double u = unit_roundoff(Dtype::f16);
  const double forward = 2 * forward_mean_square(problem, static_cast<double>(problem.I));
  const double kept =
      problem.training && problem.dropout > 0 && problem.dropout < 1 ? 1.0 / (1.0 - problem.dropout) : 1.0;
  return {(1.0 + deviations * std::sqrt(forward)) * kept * u,
          (1.0 + deviations * std::sqrt(forward + gradient_mean_square(problem))) * kept * u};
}

}  // namespace

Bounds bounds_for(const Problem &problem, Dtype dtype) {
  // Beyond T = 200 the sums over time grow with T, and so may their errors.
  const double beyond = std::max(1.0, static_cast<double>(problem.T) / 200.0);
  if (dtype == Dtype::f64) return {1e-12 * beyond, 1e-12 * beyond};
  if (dtype == Dtype::f32 && tf32_tests()) return tf32_bounds(problem);
  if (dtype == Dtype::f32) return {1e-5 * beyond, 1e-4 * beyond};
  const double u = unit_roundoff(dtype);
  const double kept =
      problem.training && problem.dropout > 0 && problem.dropout < 1 ? 1.0 / (1.0 - problem.dropout) : 1.0;
  const double forward = 1.0 + deviations * std::sqrt(forward_mean_square(problem));
  const double gradient = 1.0 + deviations * std::sqrt(forward_mean_square(problem) + gradient_mean_square(problem));
  // What dropout keeps, it enlarges, with its error.
  return {forward * kept * u, gradient * kept * u};
}

}  // namespace rondo::test
