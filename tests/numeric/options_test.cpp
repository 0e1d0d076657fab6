// Options of single calls against the oracle: dropout and its seeds, accumulation, absent arrays, empty problems,
// single cells, inference.
#include <algorithm>

#include "against_oracle.h"

namespace rondo::test {
namespace {

constexpr Cell all_cells[] = {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru};

Problem small_problem(Cell cell) {
  Problem problem;
  problem.cell = cell;
  problem.I = 5;
  problem.H = 7;
  problem.L = 2;
  problem.D = 2;
  problem.T = 6;
  problem.N = 4;
  return problem;
}

}  // namespace

TEST_CASE("dropout uses the mask of semantics.md", "[numeric][dropout]") {
  for (const Cell cell : all_cells) {
    for (const double p : {0.3, 0.5, 1.0}) {
      for (const Sequence sequence : {Sequence::full, Sequence::lengths, Sequence::packed}) {
        Problem problem = small_problem(cell);
        problem.L = 3;
        problem.dropout = p;
        problem.seed = 0x123456789ABCDEF0ULL;
        problem.offset = 0xFEDCBA9876543210ULL;
        problem.sequence = sequence;
        if (sequence == Sequence::lengths) problem.lengths = {2, 6, 0, 5};
        if (sequence == Sequence::packed) {
          problem.lengths = {6, 5, 2, 0};
          problem.sorted_indices = {1, 3, 0, 2};
        }
        for (const Dtype dtype : {Dtype::f64, Dtype::f32}) {
          RunOptions options = with_dtype(dtype);
          check_against_oracle(problem, options, 11);
          options.seed_by_pointer = true;
          check_against_oracle(problem, options, 11);
        }
      }
    }
  }
}

TEST_CASE("dropout's seed and offset each change the mask one layer has none", "[numeric][dropout]") {
  Problem problem = small_problem(Cell::lstm);
  problem.dropout = 0.5;
  const Values values = random_values(problem, 12);
  const RunOptions options = with_dtype(Dtype::f64);
  const std::vector<double> base = run_library(problem, values, options).y;
  problem.seed = 1;
  CHECK(run_library(problem, values, options).y != base);
  problem.seed = 0;
  problem.offset = 1ULL << 32U;
  CHECK(run_library(problem, values, options).y != base);
  problem.offset = 0;
  CHECK(run_library(problem, values, options).y == base);
  problem.L = 1;
  check_against_oracle(problem, options, 13);
}

TEST_CASE("inference equals training without dropout", "[numeric][persistent]") {
  for (const Cell cell : all_cells) {
    Problem problem = small_problem(cell);
    problem.training = false;
    problem.dropout = 0.5;
    for (const Dtype dtype : all_dtypes) {
      RunOptions options = with_dtype(dtype);
      if (refused(problem, options)) continue;
      check_against_oracle(problem, options, 14);
      options.pack_params = true;
      check_against_oracle(problem, options, 14);
    }
  }
}

TEST_CASE("backward may destroy the reserve where it is told to", "[numeric][persistent]") {
  for (const Cell cell : all_cells) {
    Problem problem = small_problem(cell);
    problem.sequence = Sequence::lengths;
    problem.lengths = {2, 6, 0, 5};
    for (const Dtype dtype : all_dtypes) {
      RunOptions options = with_dtype(dtype);
      options.consume_reserve = true;
      if (refused(problem, options)) continue;
      check_against_oracle(problem, options, 22);
    }
  }
}

TEST_CASE("gradients that are not asked for change nothing in the others", "[numeric]") {
  for (const Cell cell : all_cells) {
    Problem problem = small_problem(cell);
    if (cell == Cell::lstm) problem.P = 3;
    const Values values = random_values(problem, 15);
    const Results reference = run_oracle(problem, values);
    const std::size_t count = problem.param_shapes().size();
    for (unsigned choice_bits = 0; choice_bits < 16; ++choice_bits) {
      GradientChoice choice;
      choice.dx = (choice_bits & 1U) != 0;
      choice.dh0 = (choice_bits & 2U) != 0;
      choice.dc0 = (choice_bits & 4U) != 0;
      choice.dparams = (choice_bits & 8U) != 0;
      for (std::size_t i = 0; i < count; ++i) choice.params.push_back((i + choice_bits) % 3 != 0);
      Results expected = reference;
      if (!choice.dx) expected.dx.clear();
      if (!choice.dh0) expected.dh0.clear();
      if (!choice.dc0) expected.dc0.clear();
      for (std::size_t i = 0; i < count; ++i) {
        if (!choice.dparams || !choice.params[i]) expected.dparams[i].clear();
      }
      const Results actual = run_library(problem, values, with_dtype(Dtype::f64), choice);
      check_errors(problem, with_dtype(Dtype::f64), errors_between(actual, expected));
      CHECK(actual.dx.empty() == !choice.dx);
    }
  }
}

TEST_CASE("absent gradients of outputs count as zeros", "[numeric]") {
  for (const Cell cell : all_cells) {
    const Problem problem = small_problem(cell);
    for (unsigned present = 0; present < 8; ++present) {
      Values values = random_values(problem, 16);
      if ((present & 1U) == 0) values.dy.clear();
      if ((present & 2U) == 0) values.dhn.clear();
      if ((present & 4U) == 0) values.dcn.clear();
      check_errors(problem, with_dtype(Dtype::f64), errors_against_oracle(problem, values, with_dtype(Dtype::f64)));
    }
  }
}

TEST_CASE("h0 alone or c0 alone may be absent", "[numeric]") {
  const Problem problem = small_problem(Cell::lstm);
  for (const bool keep_h0 : {true, false}) {
    Values values = random_values(problem, 17);
    (keep_h0 ? values.c0 : values.h0).clear();
    check_errors(problem, with_dtype(Dtype::f64), errors_against_oracle(problem, values, with_dtype(Dtype::f64)));
  }
}

TEST_CASE("no steps and no rows give the initial states and zero gradients", "[numeric][empty][persistent]") {
  for (const Cell cell : all_cells) {
    for (const auto &[T, N] : {std::pair<std::int64_t, std::int64_t>{0, 3}, {4, 0}, {0, 0}}) {
      for (const Sequence sequence : {Sequence::full, Sequence::lengths, Sequence::packed}) {
        // Packed steps have at least one row each.
        if (sequence == Sequence::packed && T > 0) continue;
        for (const bool states : {true, false}) {
          Problem problem = small_problem(cell);
          problem.T = T;
          problem.N = N;
          problem.sequence = sequence;
          if (sequence != Sequence::full) problem.lengths.assign(static_cast<std::size_t>(N), 0);
          for (const Dtype dtype : all_dtypes) {
            if (refused(problem, with_dtype(dtype))) continue;
            const Values values = stored(random_values(problem, 18, {.states = states}), dtype, false);
            const Results actual = run_library(problem, values, with_dtype(dtype));
            const Results expected = run_oracle(problem, values);
            INFO(problem.describe() << ' ' << dtype_name(dtype) << (states ? " with states" : ""));
            CHECK(actual.hn == expected.hn);
            CHECK(actual.cn == expected.cn);
            CHECK(actual.dh0 == expected.dh0);
            CHECK(actual.dc0 == expected.dc0);
            CHECK(actual.dparams == expected.dparams);
            if (states) CHECK(actual.hn == values.h0);
          }
        }
      }
    }
  }
}

TEST_CASE("rows of length 0 keep their states bit for bit", "[numeric][empty][persistent]") {
  Problem problem = small_problem(Cell::lstm);
  problem.sequence = Sequence::lengths;
  problem.lengths = {0, 3, 0, 6};
  problem.padding_value = 7.5;
  for (const Dtype dtype : all_dtypes) {
    if (refused(problem, with_dtype(dtype))) continue;
    const Values values = stored(random_values(problem, 19), dtype, false);
    const Results actual = run_library(problem, values, with_dtype(dtype));
    for (std::int64_t state = 0; state < problem.L * problem.D; ++state) {
      for (const std::int64_t row : {0, 2}) {
        const auto at = static_cast<std::ptrdiff_t>((state * problem.N + row) * problem.H);
        CHECK(std::equal(actual.hn.begin() + at, actual.hn.begin() + at + problem.H, values.h0.begin() + at));
        CHECK(std::equal(actual.cn.begin() + at, actual.cn.begin() + at + problem.H, values.c0.begin() + at));
        CHECK(std::equal(actual.dh0.begin() + at, actual.dh0.begin() + at + problem.H, values.dhn.begin() + at));
        CHECK(std::equal(actual.dc0.begin() + at, actual.dc0.begin() + at + problem.H, values.dcn.begin() + at));
      }
    }
  }
}

TEST_CASE("single cells equal the oracle", "[numeric][cell][persistent]") {
  for (const Cell cell : all_cells) {
    for (const bool bias : {true, false}) {
      for (const std::int64_t N : {1, 5}) {
        Problem problem;
        problem.cell = cell;
        problem.I = 4;
        problem.H = 9;
        problem.N = N;
        problem.bias = bias;
        problem.single_cell = true;
        for (const Dtype dtype : all_dtypes) {
          if (refused(problem, with_dtype(dtype))) continue;
          check_against_oracle(problem, with_dtype(dtype), 20);
          check_against_oracle(problem, with_dtype(dtype), 21, {.states = false});
        }
      }
    }
  }
}

}  // namespace rondo::test
