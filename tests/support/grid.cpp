// Deals the options and sizes of the grid.
// What is dealt by the case's index has a period coprime to that of the options, the rest is drawn.
#include "grid.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "random_values.h"

namespace rondo::test {
namespace {

using std::int64_t;

constexpr int64_t hidden_sizes[] = {1, 3, 7, 17, 33, 64, 100};
constexpr int64_t input_sizes[] = {1, 2, 5, 8, 13, 16, 21, 32, 37, 44, 50};
constexpr int64_t batch_sizes[] = {1, 2, 5, 17};
constexpr int64_t step_counts[] = {1, 2, 3, 5, 8, 13, 20};
constexpr int64_t usual_cost = 300'000;  // multiplications of one forward pass
constexpr int64_t large_cost = 6'000'000;
constexpr int64_t widest_emulated = 36;

// Persistent kernels are to have several blocks.
bool narrows() { return emulated_tests() && !persistent_tests(); }

int64_t cost(const Problem &problem) {
  int64_t sum = 0;
  for (int64_t layer = 0; layer < problem.L; ++layer) {
    sum += problem.D * problem.gates() * problem.H * (problem.layer_input(layer) + problem.O());
  }
  return sum * problem.T * problem.N;
}

template <std::size_t size>
int64_t pick(const int64_t (&list)[size], Random &random) {
  return list[static_cast<std::size_t>(random.below(size))];
}

void deal_sizes(Problem &problem, bool projection, std::size_t index, Random &random) {
  problem.H = hidden_sizes[index % std::size(hidden_sizes)];
  if (projection && problem.H == 1) problem.H = hidden_sizes[1 + index % 6];
  if (projection) problem.P = 1 + random.below(problem.H - 1);
  problem.I = input_sizes[index % std::size(input_sizes)];
  problem.N = pick(batch_sizes, random);
  problem.T = pick(step_counts, random);
  const int64_t usual = index % 40 == 0 ? large_cost : usual_cost;
  const int64_t limit = emulated_tests() ? usual / 20 : usual;
  if (narrows()) problem.H = std::min(problem.H, widest_emulated);
  if (narrows()) problem.P = std::min(problem.P, problem.H - 1);
  while (cost(problem) > limit && problem.T > 2) problem.T = problem.T * 2 / 3;
  while (cost(problem) > limit && problem.N > 1) problem.N = problem.N / 2;
}

}  // namespace

std::vector<int64_t> random_lengths(int64_t T, int64_t N, bool packed, std::uint64_t seed) {
  Random random(seed);
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < N; ++row) lengths.push_back(random.below(T + 1));
  if (N > 1) lengths[static_cast<std::size_t>(random.below(N))] = 0;
  if (packed) {
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
    if (N > 0) lengths.front() = T;
  }
  return lengths;
}

std::vector<GridCase> grid_of(Cell cell) {
  std::vector<GridCase> cases;
  Random random(17 + static_cast<std::uint64_t>(cell));
  const auto add = [&](int64_t layers, int64_t directions, bool projection, unsigned options, Sequence sequence) {
    GridCase one;
    const std::size_t index = cases.size();
    Problem &problem = one.problem;
    problem.cell = cell;
    problem.L = layers;
    problem.D = directions;
    problem.bias = (options & 1U) != 0;
    problem.batch_major = (options & 2U) != 0;
    one.states = (options & 4U) != 0;
    deal_sizes(problem, projection, index, random);
    problem.sequence = sequence;
    problem.padding_value = random.below(2) == 0 ? -2.5 : 0.0;
    problem.dropout = random.below(4) == 0 ? 0.3 : 0.0;
    problem.seed = random.bits();
    problem.offset = random.bits();
    one.seed = random.bits();
    if (sequence != Sequence::full) {
      problem.lengths = random_lengths(problem.T, problem.N, sequence == Sequence::packed, random.bits());
    }
    if (sequence == Sequence::packed && random.below(2) == 0) problem.sorted_indices = random.permutation(problem.N);
    one.cell_state_f32 = random.below(2) == 0;
    one.param_grad_f32 = random.below(2) == 0;
    one.pack_params = random.below(3) == 0;
    one.lengths32 = random.below(2) == 0;
    one.larger_plan = random.below(4) == 0;
    one.device_lengths = sequence == Sequence::lengths && index % 2 == 1;
    cases.push_back(one);
  };
  for (int64_t layers = 1; layers <= 3; ++layers) {
    for (int64_t directions = 1; directions <= 2; ++directions) {
      for (const bool projection : {false, true}) {
        if (projection && cell != Cell::lstm) continue;
        for (unsigned options = 0; options < 8; ++options) {
          for (const Sequence sequence : {Sequence::full, Sequence::lengths, Sequence::packed}) {
            add(layers, directions, projection, options, sequence);
          }
        }
      }
    }
  }
  if (!quick_tests()) return cases;
  std::vector<GridCase> reduced;
  for (std::size_t i = 0; i < cases.size(); i += 5) reduced.push_back(cases[i]);
  return reduced;
}

}  // namespace rondo::test
