// What semantics.md promises bit for bit: two runs, any thread count, a plan larger than the call, backward twice.
// The promise is the CPU's and the fused back end's; cuDNN is held to the tolerance instead.
#include <functional>

#include "algebra.h"
#include "grid.h"

namespace rondo::test {
namespace {

// Large enough that work is worth splitting between threads; quick runs keep the shapes and lose the width.
std::vector<AlgebraCase> determinism_cases() {
  std::vector<AlgebraCase> cases;
  for (const Cell cell : {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru}) {
    for (const Dtype dtype : all_dtypes) {
      for (const Sequence sequence : {Sequence::full, Sequence::lengths, Sequence::packed}) {
        const bool large = cell == Cell::lstm && sequence == Sequence::full;
        Problem problem;
        problem.cell = cell;
        problem.I = 37;
        problem.H = quick_tests() ? 21 : emulated_tests() ? 40 : large ? 128 : 61;
        problem.P = cell == Cell::lstm && sequence == Sequence::lengths ? 19 : 0;
        problem.L = 2;
        problem.D = 2;
        problem.T = 7;
        problem.N = large ? 24 : 9;
        problem.dropout = 0.25;
        problem.seed = 5;
        problem.sequence = sequence;
        if (sequence != Sequence::full) {
          problem.lengths = random_lengths(problem.T, problem.N, sequence == Sequence::packed, 81);
        }
        RunOptions options;
        options.dtype = dtype;
        options.threads = 1;
        if (!refused(problem, options)) cases.push_back({problem, options});
      }
    }
  }
  return cases;
}

void run(Runner &runner, const Values &values) {
  runner.forward(values);
  runner.backward();
}

void check_same_after(const std::function<void(RunOptions &)> &change) {
  for (const AlgebraCase &one : determinism_cases()) {
    const Values values = stored(random_values(one.problem, 82), one.options.dtype, false);
    RunOptions changed = one.options;
    change(changed);
    Runner runner(one.problem, one.options);
    Runner other(one.problem, changed);
    run(runner, values);
    run(other, values);
    check_same(one.problem, one.options, runner, other);
  }
}

}  // namespace

TEST_CASE("two runs give the same bytes", "[numeric][determinism][persistent]") {
  check_same_after([](RunOptions &) {});
}

TEST_CASE("one and two threads give the same bytes", "[numeric][determinism]") {
  check_same_after([](RunOptions &options) { options.threads = 2; });
}

TEST_CASE("five threads give the same bytes as one", "[numeric][determinism]") {
  check_same_after([](RunOptions &options) { options.threads = 5; });
}

TEST_CASE("a plan larger than the call gives the same bytes", "[numeric][determinism][persistent]") {
  check_same_after([](RunOptions &options) { options.extra_T = 90; });
  check_same_after([](RunOptions &options) {
    options.extra_T = 7;
    options.extra_N = 50;
    options.tight_S = true;
    options.extra_S = 19;
    options.threads = 2;
  });
}

TEST_CASE("backward twice on one reserve gives the same bytes", "[numeric][determinism][persistent]") {
  for (const AlgebraCase &one : determinism_cases()) {
    const Values values = stored(random_values(one.problem, 83), one.options.dtype, false);
    Runner once(one.problem, one.options);
    Runner twice(one.problem, one.options);
    run(once, values);
    run(twice, values);
    twice.backward();
    check_same(one.problem, one.options, once, twice);
  }
}

TEST_CASE("packed parameters give the same bytes as parameters as they are", "[numeric][determinism][persistent]") {
  check_same_after([](RunOptions &options) { options.pack_params = true; });
}

}  // namespace rondo::test
