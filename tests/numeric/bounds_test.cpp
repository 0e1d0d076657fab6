// The 16-bit bounds against the roundings they count: the oracle with those roundings, against the oracle without.
// Shows that the bounds are neither exceeded by an implementation that does just what semantics.md says, nor idle.
#include <algorithm>

#include "bounds.h"
#include "catch.h"
#include "compare.h"
#include "grid.h"
#include "random_values.h"
#include "rounded_oracle.h"

namespace rondo::test {
TEST_CASE("16-bit bounds hold the listed roundings", "[oracle][bounds]") {
  WorstFigures figures("rounded oracle against the exact one");
  for (const Cell cell : {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru}) {
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
      double largest_part = 0;
      for (const GridCase &one : grid_of(cell)) {
        const Values values =
            stored(random_values(one.problem, one.seed, {.states = one.states}), dtype, one.cell_state_f32);
        const Errors errors =
            errors_between(run_rounded_oracle(one.problem, values, {dtype, one.cell_state_f32, one.param_grad_f32}),
                           run_oracle(one.problem, values));
        const Bounds bounds = bounds_for(one.problem, dtype);
        INFO(one.problem.describe() << ' ' << dtype_name(dtype) << ": " << errors.forward.tensor << ' '
                                    << errors.gradient.tensor);
        const std::string group = cell_name(cell) + " " + dtype_name(dtype);
        CHECK(errors.forward.error <= bounds.forward);
        figures.record(group, "forward", errors.forward.error, bounds.forward);
        largest_part = std::max(largest_part, errors.forward.error / bounds.forward);
        // relu's slope jumps at 0, where a rounding may cross: its gradients are not a matter of bounds here.
        if (cell == Cell::rnn_relu) continue;
        CHECK(errors.gradient.error <= bounds.gradient);
        figures.record(group, "gradients", errors.gradient.error, bounds.gradient);
      }
      INFO(cell_name(cell) << ' ' << dtype_name(dtype) << ": the bound is far too wide");
      CHECK(largest_part > 0.1);
    }
  }
}

}  // namespace rondo::test
