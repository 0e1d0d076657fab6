// Lengths in device memory, which only the fused back end reads: out-of-bounds ones are clamped and counted.
// Elsewhere these tests say that they were skipped; the grid runs valid device lengths (against_oracle_test.cpp).
#include <cstdio>

#include "against_oracle.h"
#include "algebra.h"

namespace rondo::test {
namespace {

constexpr Cell all_cells[] = {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru};

bool skipped() {
  if (backend_under_test() == RONDO_BACKEND_FUSED) return false;
  std::printf("skipped: %s: RONDO_TEST_BACKEND is not fused\n", Catch::getResultCapture().getCurrentTestName().c_str());
  return true;
}

Problem problem_of(Cell cell) {
  Problem problem;
  problem.cell = cell;
  problem.I = 5;
  problem.H = 9;
  problem.L = 2;
  problem.D = 2;
  problem.T = 6;
  problem.N = 5;
  problem.padding_value = -1.5;
  problem.sequence = Sequence::lengths;
  problem.lengths = {6, 0, 3, 6, 2};
  return problem;
}

RunOptions device_options(Dtype dtype, bool lengths32) {
  RunOptions options = with_dtype(dtype);
  options.device_lengths = true;
  options.lengths32 = lengths32;
  return options;
}

}  // namespace

TEST_CASE("device lengths out of bounds are clamped and counted", "[numeric][device_lengths]") {
  if (skipped()) return;
  for (const Cell cell : all_cells) {
    for (const bool lengths32 : {false, true}) {
      const Problem problem = problem_of(cell);
      RunOptions options = device_options(Dtype::f32, lengths32);
      // The first and the second count as T and as 0; a 64-bit one must not be cut to 32 bits first.
      options.given_lengths = {lengths32 ? 2000000000 : (std::int64_t{1} << 32) + 1, -3, 3, 6, 2};
      const Values values = random_values(problem, 91);
      Runner runner(problem, options);
      runner.forward(stored(values, Dtype::f32, false));
      CHECK(runner.device_faults() == 2);
      runner.backward();
      CHECK(runner.device_faults() == 2);
      check_errors(problem, options,
                   errors_between(runner.results(), run_oracle(problem, stored(values, Dtype::f32, false))));
      runner.forward(stored(values, Dtype::f32, false));
      CHECK(runner.device_faults() == 4);
    }
  }
}

TEST_CASE("device lengths in bounds count no fault and equal host lengths", "[numeric][device_lengths][persistent]") {
  if (skipped()) return;
  for (const Cell cell : all_cells) {
    for (const Dtype dtype : all_dtypes) {
      Problem problem = problem_of(cell);
      for (const bool batch_major : {false, true}) {
        problem.batch_major = batch_major;
        const RunOptions options = device_options(dtype, batch_major);
        if (refused(problem, options)) continue;
        const Values values = stored(random_values(problem, 92), dtype, false);
        Runner runner(problem, options);
        runner.forward(values);
        runner.backward();
        CHECK(runner.device_faults() == 0);
        // relu's kink may be met on another side in the two runs' roundings; the grid compares it with the oracle.
        if (cell == Cell::rnn_relu && is_16_bit(dtype)) continue;
        const Results host = run_library(problem, values, with_dtype(dtype));
        check_equal(problem, options, runner.results(), host);
      }
    }
  }
}

TEST_CASE("device lengths of zero, of nothing and of a smaller call", "[numeric][device_lengths]") {
  if (skipped()) return;
  for (const Cell cell : all_cells) {
    Problem problem = problem_of(cell);
    RunOptions options = device_options(Dtype::f64, false);
    options.extra_T = 4;
    options.extra_N = 3;
    check_against_oracle(problem, options, 93);
    problem.lengths.assign(5, 0);
    check_against_oracle(problem, options, 94);
    problem.T = 0;
    check_against_oracle(problem, options, 95);
    problem.N = 0;
    problem.lengths.clear();
    check_against_oracle(problem, options, 96);
    problem = problem_of(cell);
    problem.training = false;
    options.pack_params = true;
    check_against_oracle(problem, options, 97);
  }
}

}  // namespace rondo::test
