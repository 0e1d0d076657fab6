// The grid against the oracle: every cell, layer count, direction, option, sequence kind and storage type.
// What lies beyond a row's length is NaN throughout (random_values.h), so a result that reads it is seen.
#include "against_oracle.h"
#include "grid.h"

namespace rondo::test {
namespace {

RunOptions options_of(const GridCase &one, Dtype dtype) {
  RunOptions options;
  options.dtype = dtype;
  options.cell_state_f32 = one.cell_state_f32;
  options.param_grad_f32 = one.param_grad_f32;
  options.pack_params = one.pack_params;
  options.lengths32 = one.lengths32;
  options.tight_S = one.larger_plan;
  options.extra_T = one.larger_plan ? 3 : 0;
  options.extra_N = one.larger_plan ? 2 : 0;
  return options;
}

// A value within a rounding of relu's kink may take another side in the library than in the oracle and change
// gradients by whole terms. That is chance: it may happen to one draw of values, but not to three, as a fault would.
int draws_allowed(Cell cell) { return cell == Cell::rnn_relu ? 3 : 1; }

// How many draws it took beyond the first.
std::size_t check_grid_case(const GridCase &one, const RunOptions &options, WorstFigures &figures) {
  const Cell cell = one.problem.cell;
  const Bounds bounds = bounds_for(one.problem, options.dtype);
  Errors errors;
  std::size_t extra_draws = 0;
  for (int draw = 0; draw < draws_allowed(cell); ++draw) {
    const Values drawn =
        random_values(one.problem, one.seed + static_cast<std::uint64_t>(draw), {.states = one.states});
    errors = errors_against_oracle(one.problem, stored(drawn, options.dtype, one.cell_state_f32), options);
    if (errors.forward.error > bounds.forward || errors.gradient.error <= bounds.gradient) break;
    ++extra_draws;
  }
  check_errors(one.problem, options, errors);
  const std::string group = cell_name(cell) + " " + dtype_name(options.dtype);
  figures.record(group, "forward", errors.forward.error, bounds.forward);
  figures.record(group, "gradients", errors.gradient.error, bounds.gradient);
  return extra_draws;
}

void check_grid(Cell cell, Dtype dtype, WorstFigures &figures) {
  const std::vector<GridCase> cases = grid_of(cell);
  std::size_t extra_draws = 0;
  for (const GridCase &one : cases) {
    RunOptions options = options_of(one, dtype);
    if (refused(one.problem, options)) continue;
    extra_draws += check_grid_case(one, options, figures);
    options.device_lengths = one.device_lengths && backend_under_test() == RONDO_BACKEND_FUSED;
    if (options.device_lengths) check_grid_case(one, options, figures);
  }
  INFO(cell_name(cell) << ' ' << dtype_name(dtype) << ": too many draws for chance");
  CHECK((cell != Cell::rnn_relu || extra_draws <= cases.size() / 20));
}

void check_all_dtypes(Cell cell) {
  WorstFigures figures("library against the oracle");
  for (const Dtype dtype : all_dtypes) check_grid(cell, dtype, figures);
}

}  // namespace

TEST_CASE("rnn_tanh equals the oracle on the grid", "[numeric][grid][persistent]") { check_all_dtypes(Cell::rnn_tanh); }
TEST_CASE("rnn_relu equals the oracle on the grid", "[numeric][grid][persistent]") { check_all_dtypes(Cell::rnn_relu); }
TEST_CASE("lstm equals the oracle on the grid", "[numeric][grid][persistent]") { check_all_dtypes(Cell::lstm); }
TEST_CASE("gru equals the oracle on the grid", "[numeric][grid][persistent]") { check_all_dtypes(Cell::gru); }

}  // namespace rondo::test
