// The oracle against PyTorch: what every other comparison stands on. Needs no library.
// Packed cases run twice, as they are and as padded rows with lengths in the caller's order.
#include <algorithm>

#include "catch.h"
#include "compare.h"
#include "goldens.h"
#include "oracle.h"

namespace rondo::test {
namespace {

// dh0 and dc0 are only known to PyTorch where states were given; the oracle always has them.
void check_case(const Golden &golden, double bound, WorstFigures &figures) {
  INFO(golden.name << ": " << golden.problem.describe());
  const Errors errors = errors_between(run_oracle(golden.problem, golden.values), golden.results);
  INFO("worst: " << errors.forward.tensor << " " << errors.forward.error << ", " << errors.gradient.tensor << " "
                 << errors.gradient.error);
  CHECK(errors.forward.error <= bound);
  CHECK(errors.gradient.error <= bound);
  figures.record(cell_name(golden.problem.cell), "forward", errors.forward.error, bound);
  figures.record(cell_name(golden.problem.cell), "gradients", errors.gradient.error, bound);
}

}  // namespace

TEST_CASE("the oracle equals PyTorch in f64", "[oracle][golden]") {
  const std::vector<Golden> goldens = read_goldens(Dtype::f64);
  WorstFigures figures("oracle against " + goldens.front().made_with);
  for (const Golden &golden : goldens) {
    std::vector<std::string> names;
    for (const ParamShape &shape : golden.problem.param_shapes()) names.push_back(shape.name);
    INFO(golden.name);
    CHECK(names == golden.param_names);
    check_case(golden, 1e-12, figures);
    if (golden.problem.sequence == Sequence::packed) check_case(unpacked(golden), 1e-12, figures);
  }
}

TEST_CASE("the goldens cover every cell and both packings", "[oracle][golden]") {
  const std::vector<Golden> goldens = read_goldens(Dtype::f32);
  for (const Cell cell : {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru}) {
    INFO(cell_name(cell));
    const auto count = [&](auto predicate) {
      return std::count_if(goldens.begin(), goldens.end(), [&](const Golden &golden) {
        return golden.problem.cell == cell && predicate(golden.problem);
      });
    };
    CHECK(count([](const Problem &problem) { return problem.single_cell; }) >= 2);
    CHECK(count([](const Problem &problem) { return problem.D == 2 && problem.L == 2; }) >= 2);
    CHECK(count([](const Problem &problem) { return !problem.sorted_indices.empty(); }) >= 2);
    CHECK(count([](const Problem &problem) {
            return problem.sequence == Sequence::packed && problem.sorted_indices.empty();
          }) >= 1);
  }
}

}  // namespace rondo::test
