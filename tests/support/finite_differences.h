// Central differences of a random-weighted loss, sum(dy*y) + sum(dhn*hn) + sum(dcn*cn), against given gradients.
// Works on anything that computes the forward pass in f64: the library and the oracle.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "problem.h"

namespace rondo::test {

// values must hold no NaN. Gives the largest error of every gradient by its name, relative to max(1, max|gradient|).
struct DifferenceError {
  std::string gradient;
  double error = 0;
};

using ForwardPass = std::function<Results(const Values &)>;

std::vector<DifferenceError> difference_errors(const Problem &problem, const Values &values, const Results &gradients,
                                               const ForwardPass &forward);

// With a step of 1e-5 the differences' own error is about 1e-10 (third derivatives) + 1e-16 * loss / 1e-5.
inline constexpr double difference_bound = 1e-8;

// Small problems that together meet every gradient formula.
std::vector<Problem> difference_problems();

}  // namespace rondo::test
