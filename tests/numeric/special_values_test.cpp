// NaN and infinity: what is valid propagates as in IEEE arithmetic, what lies beyond a row's length reaches nothing.
// The oracle shows where a NaN must appear and where not; compare.h demands NaN for NaN.
#include <cmath>
#include <limits>

#include "against_oracle.h"
#include "algebra.h"

namespace rondo::test {
namespace {

constexpr Cell all_cells[] = {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru};
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double enlarged = 3000.0;

Problem small_problem(Cell cell, std::int64_t D) {
  Problem problem;
  problem.cell = cell;
  problem.I = 6;
  problem.H = 11;
  problem.D = D;
  problem.T = 7;
  problem.N = 5;
  problem.sequence = Sequence::lengths;
  problem.lengths = {7, 3, 0, 6, 4};
  return problem;
}

double &x_at(const Problem &problem, Values &values, std::int64_t t, std::int64_t row) {
  return values.x[static_cast<std::size_t>(problem.position(t, row) * problem.I)];
}

}  // namespace

TEST_CASE("a NaN in x reaches its own row from its step on and no other row", "[numeric][nan][persistent]") {
  for (const Cell cell : all_cells) {
    for (const Dtype dtype : all_dtypes) {
      const Problem problem = small_problem(cell, 1);
      if (refused(problem, with_dtype(dtype))) continue;
      Values values = stored(random_values(problem, 31), dtype, false);
      x_at(problem, values, 2, 3) = nan;
      const Results actual = run_library(problem, values, with_dtype(dtype));
      for (std::int64_t row = 0; row < problem.N; ++row) {
        for (std::int64_t t = 0; t < problem.T; ++t) {
          const double y = actual.y[static_cast<std::size_t>(problem.position(t, row) * problem.width())];
          const bool expected = row == 3 && t >= 2 && t < 6;
          INFO(problem.describe() << ' ' << dtype_name(dtype) << " row " << row << " step " << t << ": " << y);
          CHECK(std::isnan(y) == expected);
        }
      }
    }
  }
}

TEST_CASE("NaN propagates to results and gradients as in the oracle", "[numeric][nan]") {
  for (const Cell cell : all_cells) {
    // relu's slope at NaN is a matter of taste, not of IEEE arithmetic.
    if (cell == Cell::rnn_relu) continue;
    for (const std::int64_t D : {1, 2}) {
      for (const Dtype dtype : {Dtype::f64, Dtype::f32}) {
        const Problem problem = small_problem(cell, D);
        const Values clean = stored(random_values(problem, 32), dtype, false);
        Values in_x = clean;
        x_at(problem, in_x, 1, 0) = nan;
        check_errors(problem, with_dtype(dtype), errors_against_oracle(problem, in_x, with_dtype(dtype)));
        Values in_h0 = clean;
        in_h0.h0[static_cast<std::size_t>(4 * problem.H)] = nan;
        check_errors(problem, with_dtype(dtype), errors_against_oracle(problem, in_h0, with_dtype(dtype)));
        Values in_dy = clean;
        in_dy.dy[static_cast<std::size_t>(problem.position(2, 1) * problem.width())] = nan;
        check_errors(problem, with_dtype(dtype), errors_against_oracle(problem, in_dy, with_dtype(dtype)));
      }
    }
  }
}

TEST_CASE("infinity saturates gates or spreads as in the oracle", "[numeric][nan]") {
  for (const Cell cell : all_cells) {
    for (const double value : {infinite, -infinite}) {
      for (const Dtype dtype : {Dtype::f64, Dtype::f32}) {
        Problem problem = small_problem(cell, 2);
        problem.training = false;
        Values values = stored(random_values(problem, 33), dtype, false);
        x_at(problem, values, 3, 0) = value;
        check_errors(problem, with_dtype(dtype), errors_against_oracle(problem, values, with_dtype(dtype)));
      }
    }
  }
}

TEST_CASE("large finite values saturate without NaN", "[numeric][nan][persistent]") {
  for (const Cell cell : {Cell::rnn_tanh, Cell::lstm, Cell::gru}) {
    for (const Dtype dtype : all_dtypes) {
      const Problem problem = small_problem(cell, 1);
      if (refused(problem, with_dtype(dtype))) continue;
      Values values = random_values(problem, 34);
      for (double &x : values.x) x *= enlarged;
      values = stored(values, dtype, false);
      const Results actual = run_library(problem, values, with_dtype(dtype));
      const Errors errors = errors_between(actual, run_oracle(problem, values));
      // A sum of I products of up to 4 * enlarged, each rounded by what accumulates it, f64 in f64, else f32; or each
      // of its factors to the mantissa of f16.
      const bool tf32 = tf32_tests() && dtype == Dtype::f32;
      const double accumulated =
          tf32 ? 2 * unit_roundoff(Dtype::f16) : unit_roundoff(dtype == Dtype::f64 ? Dtype::f64 : Dtype::f32);
      const double bound =
          bounds_for(problem, dtype).forward + static_cast<double>(problem.I) * 4 * enlarged * accumulated;
      INFO(problem.describe() << ' ' << dtype_name(dtype));
      CHECK(errors.forward.error <= bound);
      for (const double gradient : actual.dparams[0]) CHECK(std::isfinite(gradient));
    }
  }
}

TEST_CASE("what lies beyond a row's length changes no byte of a result", "[numeric][nan][persistent]") {
  for (const Cell cell : all_cells) {
    for (const Dtype dtype : all_dtypes) {
      const Problem problem = small_problem(cell, 2);
      if (refused(problem, with_dtype(dtype))) continue;
      Runner with_nan(problem, with_dtype(dtype));
      with_nan.forward(stored(random_values(problem, 35, {.nan_padding = true}), dtype, false));
      with_nan.backward();
      Runner with_numbers(problem, with_dtype(dtype));
      with_numbers.forward(stored(random_values(problem, 35, {.nan_padding = false}), dtype, false));
      with_numbers.backward();
      check_same(problem, with_dtype(dtype), with_nan, with_numbers);
    }
  }
}

}  // namespace rondo::test
