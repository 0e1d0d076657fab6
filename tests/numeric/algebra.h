// What the algebraic suites share: problems worth rearranging and the comparison of two library runs.
// Two runs may each lie a bound away from the truth, so they lie at most two bounds from each other.
#pragma once

#include "bounds.h"
#include "catch.h"
#include "compare.h"
#include "random_values.h"
#include "refusals.h"
#include "runner.h"

namespace rondo::test {

struct AlgebraCase {
  Problem problem;
  RunOptions options;
};

inline Problem algebra_problem(Cell cell, std::int64_t L, std::int64_t D) {
  Problem problem;
  problem.cell = cell;
  problem.I = 6;
  problem.H = 10;
  problem.P = cell == Cell::lstm && L == 2 ? 4 : 0;
  problem.L = L;
  problem.D = D;
  problem.T = 9;
  problem.N = 6;
  return problem;
}

// Every cell, one or two layers, both direction counts, all types; without what the back end may refuse and does.
inline std::vector<AlgebraCase> algebra_cases() {
  std::vector<AlgebraCase> cases;
  for (const Cell cell : {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru}) {
    for (const Dtype dtype : all_dtypes) {
      // relu's kink: roundings of 16 bits may fall on either side of it in the two runs.
      if (cell == Cell::rnn_relu && is_16_bit(dtype)) continue;
      for (const std::int64_t layers : {1, 2}) {
        for (const std::int64_t directions : {1, 2}) {
          RunOptions options;
          options.dtype = dtype;
          options.param_grad_f32 = directions == 2;
          const Problem problem = algebra_problem(cell, layers, directions);
          if (!refused(problem, options)) cases.push_back({problem, options});
        }
      }
    }
  }
  return cases;
}

inline void check_equal(const Problem &problem, const RunOptions &options, const Results &actual,
                        const Results &expected) {
  const Bounds bounds = bounds_for(problem, options.dtype);
  const Errors errors = errors_between(actual, expected);
  INFO(problem.describe() << ' ' << dtype_name(options.dtype));
  INFO("forward: " << errors.forward.tensor << ", gradients: " << errors.gradient.tensor);
  CHECK(errors.forward.error <= 2 * bounds.forward);
  CHECK(errors.gradient.error <= 2 * bounds.gradient);
}

// Two runs that must give the same bytes. cuDNN promises none; there the comparison is by tolerance.
inline void check_same(const Problem &problem, const RunOptions &options, const Runner &one, const Runner &other) {
  if (one.backend_name() == "cudnn") {
    check_equal(problem, options, one.results(), other.results());
    return;
  }
  INFO(problem.describe() << ' ' << dtype_name(options.dtype));
  // Not CHECK(a == b), which would print both when it fails.
  const bool same = one.bytes() == other.bytes();
  CHECK(same);
}

}  // namespace rondo::test
