// Algebra over rows and layouts, without an oracle: packed and padded, permuted rows, rows one by one, batch-major,
// two one-way runs for a bidirectional one.
#include <algorithm>
#include <numeric>

#include "algebra.h"
#include "rearrange.h"

namespace rondo::test {
namespace {

std::vector<std::int64_t> identity(std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Problem with_lengths(Problem problem) {
  problem.sequence = Sequence::lengths;
  problem.lengths = {4, 9, 0, 7, 9, 2};
  return problem;
}

// The packed rows' caller rows, longest first.
std::vector<std::int64_t> sorted_rows(const Problem &problem) {
  std::vector<std::int64_t> order = identity(problem.N);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return problem.length(a) > problem.length(b); });
  return order;
}

}  // namespace

TEST_CASE("packed equals padded with lengths", "[numeric][algebra][persistent]") {
  for (const AlgebraCase &one : algebra_cases()) {
    const Problem padded = with_lengths(one.problem);
    Problem packed = padded;
    packed.sequence = Sequence::packed;
    packed.sorted_indices = sorted_rows(padded);
    for (std::size_t row = 0; row < packed.lengths.size(); ++row) {
      packed.lengths[row] = padded.length(packed.sorted_indices[row]);
    }
    const Values values = stored(random_values(padded, 61), one.options.dtype, false);
    const std::vector<std::int64_t> states = identity(padded.N);
    const Results padded_results = run_library(padded, values, one.options);
    const Values packed_values = move_rows(padded, values, packed, packed.sorted_indices, states);
    const Results packed_results = run_library(packed, packed_values, one.options);
    check_equal(packed, one.options, packed_results,
                move_rows(padded, padded_results, packed, packed.sorted_indices, states));
  }
}

TEST_CASE("permuted rows give permuted results", "[numeric][algebra][persistent]") {
  const std::vector<std::int64_t> source{3, 0, 5, 1, 4, 2};
  for (const AlgebraCase &one : algebra_cases()) {
    const Problem problem = with_lengths(one.problem);
    Problem permuted = problem;
    for (std::size_t row = 0; row < source.size(); ++row) permuted.lengths[row] = problem.length(source[row]);
    const Values values = stored(random_values(problem, 62), one.options.dtype, false);
    const Results results = run_library(problem, values, one.options);
    const Results permuted_results =
        run_library(permuted, move_rows(problem, values, permuted, source, source), one.options);
    check_equal(permuted, one.options, permuted_results, move_rows(problem, results, permuted, source, source));
  }
}

TEST_CASE("rows at once equal rows one by one", "[numeric][algebra][persistent]") {
  for (const AlgebraCase &one : algebra_cases()) {
    for (const bool lengths : {false, true}) {
      const Problem problem = lengths ? with_lengths(one.problem) : one.problem;
      const Values values = stored(random_values(problem, 63), one.options.dtype, false);
      const Results together = run_library(problem, values, one.options);
      std::vector<std::vector<double>> dparam_sums(together.dparams.size());
      for (std::int64_t row = 0; row < problem.N; ++row) {
        Problem alone = problem;
        alone.N = 1;
        if (lengths) alone.lengths = {problem.length(row)};
        const Results results = run_library(alone, move_rows(problem, values, alone, {row}, {row}), one.options);
        for (std::size_t i = 0; i < dparam_sums.size(); ++i) {
          dparam_sums[i] = sum_of(dparam_sums[i], results.dparams[i]);
        }
        Results expected = move_rows(problem, together, alone, {row}, {row});
        // Parameters' gradients belong to all rows and are compared below.
        expected.dparams = results.dparams;
        check_equal(alone, one.options, results, expected);
      }
      Results sums = together;
      sums.dparams = dparam_sums;
      check_equal(problem, one.options, together, sums);
    }
  }
}

TEST_CASE("batch-major equals time-major", "[numeric][algebra][persistent]") {
  for (const AlgebraCase &one : algebra_cases()) {
    const Problem time_major = with_lengths(one.problem);
    Problem batch_major = time_major;
    batch_major.batch_major = true;
    const Values values = stored(random_values(time_major, 64), one.options.dtype, false);
    const std::vector<std::int64_t> same = identity(time_major.N);
    const Results results = run_library(time_major, values, one.options);
    const Results moved = run_library(batch_major, move_rows(time_major, values, batch_major, same, same), one.options);
    check_equal(batch_major, one.options, moved, move_rows(time_major, results, batch_major, same, same));
  }
}

TEST_CASE("a bidirectional run equals two one-way runs", "[numeric][algebra][persistent]") {
  for (const AlgebraCase &one : algebra_cases()) {
    if (one.problem.D != 2 || one.problem.L != 1) continue;
    const Problem both = with_lengths(one.problem);
    Problem single = both;
    single.D = 1;
    const std::int64_t O = both.O();
    const Values values = stored(random_values(both, 65), one.options.dtype, false);
    const Results together = run_library(both, values, one.options);
    const PlaceOf same = [](std::int64_t row, std::int64_t step) { return Place{row, step}; };
    const PlaceOf reversed = [&](std::int64_t row, std::int64_t step) {
      return Place{row, single.length(row) - 1 - step};
    };
    const std::size_t params = both.param_shapes().size() / 2;
    const auto half = [](const std::vector<double> &array, std::int64_t direction) {
      const auto size = static_cast<std::ptrdiff_t>(array.size() / 2);
      return std::vector<double>(array.begin() + direction * size, array.begin() + (direction + 1) * size);
    };
    Results assembled = together;
    assembled.dx.clear();
    for (std::int64_t direction = 0; direction < 2; ++direction) {
      const PlaceOf &place = direction == 0 ? same : reversed;
      Values part;
      part.x = rearranged(single, values.x, single.I, single, place, 0.0);
      part.dy =
          rearranged(single, columns_of(values.dy, 2 * O, direction * O, (direction + 1) * O), O, single, place, 0.0);
      part.h0 = half(values.h0, direction);
      part.c0 = half(values.c0, direction);
      part.dhn = half(values.dhn, direction);
      part.dcn = half(values.dcn, direction);
      const auto first = values.params.begin() + direction * static_cast<std::ptrdiff_t>(params);
      part.params.assign(first, first + static_cast<std::ptrdiff_t>(params));
      const Results results = run_library(single, part, one.options);
      Results expected;
      expected.y = rearranged(single, columns_of(together.y, 2 * O, direction * O, (direction + 1) * O), O, single,
                              place, single.padding_value);
      expected.hn = half(together.hn, direction);
      expected.cn = half(together.cn, direction);
      expected.dh0 = half(together.dh0, direction);
      expected.dc0 = half(together.dc0, direction);
      const auto first_gradient = together.dparams.begin() + direction * static_cast<std::ptrdiff_t>(params);
      expected.dparams.assign(first_gradient, first_gradient + static_cast<std::ptrdiff_t>(params));
      check_equal(single, one.options, results, expected);
      assembled.dx = sum_of(assembled.dx, rearranged(single, results.dx, single.I, single, place, 0.0));
    }
    check_equal(both, one.options, together, assembled);
  }
}

}  // namespace rondo::test
