// Long and wide runs against the oracle: the corner of semantics.md's figures (T 200, H 512) and T = 70000.
// The oracle is naive, so these are few and as narrow as their purpose allows.
#include <string>

#include "against_oracle.h"
#include "environment.h"

namespace rondo::test {
namespace {

constexpr Cell all_cells[] = {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru};

// Emulated kernels keep what a run is long or wide for and lose the rest.
std::int64_t size(std::int64_t usual, std::int64_t quick, std::int64_t emulated) {
  return emulated_tests() ? emulated : quick_tests() ? quick : usual;
}

void check_case(const std::string &title, const Problem &problem, Dtype dtype, std::uint64_t seed,
                WorstFigures &figures) {
  if (refused(problem, with_dtype(dtype))) return;
  const Values values = stored(random_values(problem, seed), dtype, false);
  const Errors errors = errors_against_oracle(problem, values, with_dtype(dtype));
  check_errors(problem, with_dtype(dtype), errors);
  const Bounds bounds = bounds_for(problem, dtype);
  const std::string group = title + " " + cell_name(problem.cell) + " " + dtype_name(dtype);
  figures.record(group, "forward", errors.forward.error, bounds.forward);
  figures.record(group, "gradients", errors.gradient.error, bounds.gradient);
}

}  // namespace

TEST_CASE("T 200 and H 512 over few steps keep the bounds", "[numeric][large][persistent]") {
  WorstFigures figures("large runs against the oracle");
  for (const Cell cell : all_cells) {
    Problem wide;
    wide.cell = cell;
    wide.I = 19;
    wide.H = size(512, 128, 72);
    wide.T = 12;
    wide.N = 4;
    check_case("wide", wide, Dtype::f32, 1, figures);
    if (cell != Cell::rnn_relu) check_case("wide", wide, Dtype::f16, 1, figures);
    Problem longer;
    longer.cell = cell;
    longer.I = 33;
    longer.H = size(48, 24, 6);
    longer.L = 2;
    longer.D = 2;
    longer.T = 200;
    longer.N = 3;
    longer.sequence = Sequence::lengths;
    longer.lengths = {200, 77, 199};
    for (const Dtype dtype : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16}) {
      // relu's gradients over 200 steps meet the kink too often in 16 bits; the grid holds its short runs.
      if (cell == Cell::rnn_relu && is_16_bit(dtype)) continue;
      check_case("long", longer, dtype, 2, figures);
    }
  }
}

// Weights beyond the second cache level and rows enough for blocks of K; panels of unequal width.
TEST_CASE("many rows of a wide layer keep the bounds", "[numeric][large]") {
  Problem problem;
  problem.cell = Cell::rnn_tanh;
  problem.I = size(1000, 90, 20);
  problem.H = size(1060, 80, 20);
  problem.T = 2;
  problem.N = size(50, 50, 9);
  WorstFigures figures("large runs against the oracle");
  check_case("many rows", problem, Dtype::f32, 4, figures);
}

TEST_CASE("lstm with T 200 H 512 N 4", "[numeric][large]") {
  Problem problem;
  problem.I = 32;
  problem.H = size(512, 96, 40);
  problem.T = 200;
  problem.N = size(4, 2, 1);
  WorstFigures figures("large runs against the oracle");
  check_case("largest", problem, Dtype::f32, 3, figures);
}

TEST_CASE("T 70000 works with rows of unequal lengths", "[numeric][large]") {
  WorstFigures figures("T 70000 against the oracle");
  for (const Cell cell : all_cells) {
    Problem problem;
    problem.cell = cell;
    problem.I = 2;
    problem.H = 3;
    problem.D = 2;
    problem.T = 70000;
    problem.N = 2;
    problem.sequence = Sequence::lengths;
    problem.lengths = {65537, 70000};
    check_case("lengths", problem, Dtype::f32, 4, figures);
    if (cell == Cell::gru) check_case("lengths", problem, Dtype::f64, 5, figures);
  }
}

TEST_CASE("T 70000 works full and packed", "[numeric][large][persistent]") {
  // Emulated, it takes half a minute, and once is enough for a tier.
  if (emulated_tests() && persistent_f32_tests()) return;
  Problem problem;
  problem.cell = Cell::gru;
  problem.I = 1;
  problem.H = 2;
  problem.T = 70000;
  problem.N = 2;
  WorstFigures figures("T 70000 against the oracle");
  const Dtype dtype = is_left_out(Dtype::f32) ? Dtype::f16 : Dtype::f32;
  check_case("full", problem, dtype, 6, figures);
  problem.sequence = Sequence::packed;
  problem.lengths = {70000, 66000};
  check_case("packed", problem, dtype, 7, figures);
}

}  // namespace rondo::test
