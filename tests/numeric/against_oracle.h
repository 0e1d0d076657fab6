// One case on the library and on the oracle, compared under its bound.
// Shared by the suites that compare with the oracle.
#pragma once

#include <string>

#include "bounds.h"
#include "catch.h"
#include "compare.h"
#include "random_values.h"
#include "refusals.h"
#include "rounded_oracle.h"
#include "runner.h"

namespace rondo::test {

inline RunOptions with_dtype(Dtype dtype) {
  RunOptions options;
  options.dtype = dtype;
  return options;
}

// values: as stored.
inline Errors errors_against_oracle(const Problem &problem, const Values &values, const RunOptions &options) {
  const Results actual = run_library(problem, values, options);
  Tally::instance().compared();
  Errors errors = errors_between(
      actual,
      run_oracle(problem, values, problem.training ? Direction::forward_and_backward : Direction::forward_only));
  // relu's slope jumps at 0, where the rounding of h to 16 bits may cross: there the gradients' reference has to round
  // too.
  if (problem.cell == Cell::rnn_relu && is_16_bit(options.dtype) && problem.training) {
    const OutputTypes types{options.dtype, options.cell_state_f32, options.param_grad_f32};
    const Worst rounded = errors_between(actual, run_rounded_oracle(problem, values, types)).gradient;
    // Where cuDNN rounds is its own affair.
    const bool either = backend_under_test() == RONDO_BACKEND_CUDNN;
    if (!either || rounded.error < errors.gradient.error) errors.gradient = rounded;
  }
  return errors;
}

inline void check_errors(const Problem &problem, const RunOptions &options, const Errors &errors) {
  const Bounds bounds = bounds_for(problem, options.dtype);
  INFO(problem.describe() << ' ' << dtype_name(options.dtype) << (options.device_lengths ? " device lengths" : ""));
  INFO("forward: " << errors.forward.tensor << ", gradients: " << errors.gradient.tensor);
  CHECK(errors.forward.error <= bounds.forward);
  CHECK(errors.gradient.error <= bounds.gradient);
}

// Draws values, runs both, checks both bounds.
inline void check_against_oracle(const Problem &problem, const RunOptions &options, std::uint64_t seed,
                                 const ValueOptions &value_options = {}) {
  const Values values = stored(random_values(problem, seed, value_options), options.dtype, options.cell_state_f32);
  check_errors(problem, options, errors_against_oracle(problem, values, options));
}

}  // namespace rondo::test
