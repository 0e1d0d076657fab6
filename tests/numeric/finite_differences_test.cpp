// Finite differences of every gradient of the library, in f64, without the oracle.
// The forward passes are training ones, for dropout's mask belongs to the loss.
#include "finite_differences.h"
#include "catch.h"
#include "random_values.h"
#include "runner.h"

namespace rondo::test {

TEST_CASE("the library's gradients equal finite differences", "[numeric][differences]") {
  RunOptions options;
  options.dtype = Dtype::f64;
  for (const Problem &problem : difference_problems()) {
    const Values values = random_values(problem, 52, {.nan_padding = false});
    Runner runner(problem, options);
    const ForwardPass forward = [&](const Values &moved) {
      runner.forward(moved);
      return runner.results();
    };
    const Results gradients = run_library(problem, values, options);
    for (const DifferenceError &found : difference_errors(problem, values, gradients, forward)) {
      INFO(problem.describe() << ": " << found.gradient);
      CHECK(found.error <= difference_bound);
    }
  }
}

}  // namespace rondo::test
