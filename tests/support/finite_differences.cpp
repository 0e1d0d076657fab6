// Every element of every gradient by two forward passes.
// Differences know nothing of backpropagation, which makes them the second opinion on the oracle's too.
#include "finite_differences.h"

#include <algorithm>
#include <cmath>

namespace rondo::test {
namespace {

constexpr double step = 1e-5;

double weighted_sum(const std::vector<double> &weights, const std::vector<double> &values) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * values[i];
  return sum;
}

double loss(const Values &values, const Results &results) {
  return weighted_sum(values.dy, results.y) + weighted_sum(values.dhn, results.hn) +
         weighted_sum(values.dcn, results.cn);
}

// array lies within values.
double error_of_array(const Values &values, std::vector<double> &array, const std::vector<double> &gradient,
                      const ForwardPass &forward) {
  double largest = 1.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const double original = array[i];
    array[i] = original + step;
    const double above = loss(values, forward(values));
    array[i] = original - step;
    const double below = loss(values, forward(values));
    array[i] = original;
    const double error = std::fabs((above - below) / (2 * step) - gradient.at(i));
    // A NaN must not pass for small.
    difference = error <= difference ? difference : error;
    largest = std::max(largest, std::fabs(gradient[i]));
  }
  return difference / largest;
}

Problem difference_problem(Cell cell, std::int64_t L, std::int64_t D) {
  Problem problem;
  problem.cell = cell;
  problem.I = 2;
  problem.H = 3;
  problem.L = L;
  problem.D = D;
  problem.T = 4;
  problem.N = 2;
  return problem;
}

}  // namespace

std::vector<DifferenceError> difference_errors(const Problem &problem, const Values &values, const Results &gradients,
                                               const ForwardPass &forward) {
  Values moved = values;
  std::vector<DifferenceError> errors;
  errors.push_back({"x", error_of_array(moved, moved.x, gradients.dx, forward)});
  errors.push_back({"h0", error_of_array(moved, moved.h0, gradients.dh0, forward)});
  errors.push_back({"c0", error_of_array(moved, moved.c0, gradients.dc0, forward)});
  const std::vector<ParamShape> shapes = problem.param_shapes();
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    errors.push_back({shapes[i].name, error_of_array(moved, moved.params[i], gradients.dparams.at(i), forward)});
  }
  return errors;
}

std::vector<Problem> difference_problems() {
  std::vector<Problem> problems;
  for (const Cell cell : {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru}) {
    problems.push_back(difference_problem(cell, 1, 1));
    Problem no_bias = difference_problem(cell, 2, 1);
    no_bias.bias = false;
    no_bias.batch_major = true;
    problems.push_back(no_bias);
    Problem lengths = difference_problem(cell, 2, 2);
    lengths.N = 3;
    lengths.sequence = Sequence::lengths;
    lengths.lengths = {2, 0, 4};
    lengths.dropout = 0.4;
    lengths.seed = 42;
    problems.push_back(lengths);
    Problem packed = difference_problem(cell, 1, 2);
    packed.N = 3;
    packed.sequence = Sequence::packed;
    packed.lengths = {4, 3, 1};
    packed.sorted_indices = {1, 2, 0};
    problems.push_back(packed);
    Problem single = difference_problem(cell, 1, 1);
    single.single_cell = true;
    single.T = 1;
    problems.push_back(single);
    if (cell != Cell::lstm) continue;
    Problem projection = difference_problem(cell, 1, 1);
    projection.P = 2;
    problems.push_back(projection);
    projection = lengths;
    projection.P = 1;
    problems.push_back(projection);
  }
  return problems;
}

}  // namespace rondo::test
