// Finite differences of the oracle itself: its gradients stand on nothing but its forward pass.
// Needs no library.
#include "catch.h"
#include "finite_differences.h"
#include "oracle.h"
#include "random_values.h"

namespace rondo::test {

TEST_CASE("the oracle's gradients equal finite differences", "[oracle][differences]") {
  for (const Problem &problem : difference_problems()) {
    const Values values = random_values(problem, 51, {.nan_padding = false});
    const ForwardPass forward = [&](const Values &moved) {
      return run_oracle(problem, moved, Direction::forward_only);
    };
    for (const DifferenceError &found : difference_errors(problem, values, run_oracle(problem, values), forward)) {
      INFO(problem.describe() << ": " << found.gradient);
      CHECK(found.error <= difference_bound);
    }
  }
}

}  // namespace rondo::test
