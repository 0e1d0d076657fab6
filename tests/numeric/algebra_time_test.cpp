// Algebra over time and calls, without an oracle: a run cut in two, gradients accumulated.
// A cut run carries h and c from one call to the next, and their gradients back.
#include <algorithm>

#include "algebra.h"
#include "rearrange.h"

namespace rondo::test {
namespace {

struct Piece {
  Problem problem;
  PlaceOf place;
};

// Steps [begin, end) of a one-way problem; rows that ended before have length 0 in it.
Piece piece_of(const Problem &whole, std::int64_t begin, std::int64_t end) {
  Piece piece{whole, [begin](std::int64_t row, std::int64_t step) { return Place{row, begin + step}; }};
  piece.problem.T = end - begin;
  for (std::int64_t &length : piece.problem.lengths) length = std::clamp<std::int64_t>(length - begin, 0, end - begin);
  return piece;
}

Values values_of(const Piece &piece, const Problem &whole, const Values &values) {
  Values part = values;
  part.x = rearranged(whole, values.x, whole.I, piece.problem, piece.place, 0.0);
  part.dy = rearranged(whole, values.dy, whole.width(), piece.problem, piece.place, 0.0);
  return part;
}

// Both pieces, the second's backward first.
struct CutRun {
  Results first, second;
};

CutRun run_cut(const Problem &whole, const Values &values, std::int64_t cut, const RunOptions &options) {
  const Piece first = piece_of(whole, 0, cut);
  const Piece second = piece_of(whole, cut, whole.T);
  Values first_values = values_of(first, whole, values);
  Values second_values = values_of(second, whole, values);
  Runner first_runner(first.problem, options);
  first_runner.forward(first_values);
  CutRun run;
  run.first = first_runner.results();
  second_values.h0 = run.first.hn;
  second_values.c0 = run.first.cn;
  run.second = run_library(second.problem, second_values, options);
  first_values.dhn = run.second.dh0;
  first_values.dcn = run.second.dc0;
  // Forward again, for the runner takes its gradients of outputs there.
  first_runner.forward(first_values);
  first_runner.backward();
  run.first = first_runner.results();
  return run;
}

}  // namespace

TEST_CASE("a run cut in two with carried states equals one run", "[numeric][algebra][persistent]") {
  for (AlgebraCase one : algebra_cases()) {
    if (one.problem.D != 1) continue;
    // In 16 bits it takes f32 cell states for the pieces to be the whole.
    one.options.cell_state_f32 = true;
    one.options.param_grad_f32 = true;
    if (refused(one.problem, one.options)) continue;
    for (const bool lengths : {false, true}) {
      Problem whole = one.problem;
      if (lengths) {
        whole.sequence = Sequence::lengths;
        whole.lengths = {4, 9, 0, 7, 9, 2};
      }
      const std::int64_t cut = 4;
      const Values values =
          stored(random_values(whole, 71, {.nan_padding = false}), one.options.dtype, one.options.cell_state_f32);
      const Results expected = run_library(whole, values, one.options);
      const CutRun run = run_cut(whole, values, cut, one.options);
      const Piece first = piece_of(whole, 0, cut);
      const Piece second = piece_of(whole, cut, whole.T);
      Results first_expected, second_expected;
      first_expected.y = rearranged(whole, expected.y, whole.width(), first.problem, first.place, 0.0);
      first_expected.dx = rearranged(whole, expected.dx, whole.I, first.problem, first.place, 0.0);
      first_expected.dh0 = expected.dh0;
      first_expected.dc0 = expected.dc0;
      first_expected.hn = run.first.hn;
      first_expected.cn = run.first.cn;
      second_expected.y = rearranged(whole, expected.y, whole.width(), second.problem, second.place, 0.0);
      second_expected.dx = rearranged(whole, expected.dx, whole.I, second.problem, second.place, 0.0);
      second_expected.hn = expected.hn;
      second_expected.cn = expected.cn;
      second_expected.dh0 = run.second.dh0;
      second_expected.dc0 = run.second.dc0;
      for (std::size_t i = 0; i < expected.dparams.size(); ++i) {
        first_expected.dparams.push_back(run.first.dparams[i]);
        second_expected.dparams.push_back(run.second.dparams[i]);
      }
      check_equal(whole, one.options, run.first, first_expected);
      check_equal(whole, one.options, run.second, second_expected);
      Results sums = expected;
      for (std::size_t i = 0; i < sums.dparams.size(); ++i) {
        sums.dparams[i] = sum_of(run.first.dparams[i], run.second.dparams[i]);
      }
      check_equal(whole, one.options, sums, expected);
    }
  }
}

TEST_CASE("f32 cell states carry a 16-bit run over a cut nearly bit for bit", "[numeric][algebra][persistent]") {
  for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
    Problem whole = algebra_problem(Cell::lstm, 1, 1);
    whole.T = 24;
    RunOptions options;
    options.dtype = dtype;
    options.cell_state_f32 = true;
    if (refused(whole, options)) continue;
    const Values values = stored(random_values(whole, 72), dtype, true);
    const Results expected = run_library(whole, values, options);
    const CutRun run = run_cut(whole, values, 11, options);
    const Piece second = piece_of(whole, 11, whole.T);
    const std::vector<double> tail = rearranged(whole, expected.y, whole.width(), second.problem, second.place, 0.0);
    std::int64_t different = 0;
    for (std::size_t i = 0; i < tail.size(); ++i) different += tail[i] == run.second.y[i] ? 0 : 1;
    INFO(dtype_name(dtype) << ": " << different << " of " << tail.size() << " elements differ");
    // Sums in another order may turn a rounding now and then; a c rounded to 16 bits at the cut turns many.
    CHECK(different * 50 <= static_cast<std::int64_t>(tail.size()));
    CHECK(error_between(run.second.cn, expected.cn) <= unit_roundoff(dtype) / 8);
  }
}

TEST_CASE("accumulating the same gradients again doubles them exactly", "[numeric][algebra][persistent]") {
  for (const AlgebraCase &one : algebra_cases()) {
    for (const bool param_grad_f32 : {false, true}) {
      RunOptions options = one.options;
      options.param_grad_f32 = param_grad_f32;
      if (refused(one.problem, options)) continue;
      Runner runner(one.problem, options);
      runner.forward(stored(random_values(one.problem, 73), options.dtype, false));
      runner.backward();
      const Results once = runner.results();
      runner.backward({.accumulate = true});
      const Results twice = runner.results();
      INFO(one.problem.describe() << ' ' << dtype_name(options.dtype));
      Results doubled = once;
      for (std::vector<double> &dparam : doubled.dparams) dparam = sum_of(dparam, dparam);
      // cuDNN promises no bytes.
      if (runner.backend_name() == "cudnn") {
        check_equal(one.problem, options, twice, doubled);
        continue;
      }
      CHECK(twice.dx == once.dx);
      CHECK(twice.dh0 == once.dh0);
      CHECK(twice.dparams == doubled.dparams);
    }
  }
}

}  // namespace rondo::test
