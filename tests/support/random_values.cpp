// Draws a problem's inputs.
// Arrays are drawn in a fixed order, so that a seed names one set of values.
#include "random_values.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

namespace rondo::test {

std::uint64_t Random::bits() {
  state_ += 0x9E3779B97F4A7C15U;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
  return mixed ^ (mixed >> 31U);
}

double Random::uniform() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<double> Random::normals(std::int64_t count) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) values.push_back(normal());
  return values;
}

std::vector<std::int64_t> Random::permutation(std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<std::size_t>(below(static_cast<std::int64_t>(i)))]);
  }
  return order;
}

std::vector<bool> valid_positions(const Problem &problem) {
  std::vector<bool> valid(static_cast<std::size_t>(problem.positions()), false);
  for (std::int64_t row = 0; row < problem.N; ++row) {
    for (std::int64_t t = 0; t < problem.length(row); ++t)
      valid[static_cast<std::size_t>(problem.position(t, row))] = true;
  }
  return valid;
}

Values random_values(const Problem &problem, std::uint64_t seed, const ValueOptions &options) {
  Random random(seed);
  Values values;
  values.x = random.normals(problem.positions() * problem.I);
  values.dy = random.normals(problem.positions() * problem.width());
  if (options.states) {
    values.h0 = random.normals(problem.state_size());
    values.c0 = random.normals(problem.cell_state_size());
  }
  if (options.gradients_of_states) {
    values.dhn = random.normals(problem.state_size());
    values.dcn = random.normals(problem.cell_state_size());
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(problem.H));
  for (const ParamShape &shape : problem.param_shapes()) {
    std::vector<double> param;
    for (std::int64_t i = 0; i < shape.size(); ++i) param.push_back(random.uniform(-bound, bound));
    values.params.push_back(std::move(param));
  }
  // Positions of a packed array are all valid, and millions of them would be slow to list.
  if (options.nan_padding && problem.sequence == Sequence::lengths) {
    const std::vector<bool> valid = valid_positions(problem);
    for (std::size_t i = 0; i < values.x.size(); ++i) {
      if (!valid[i / static_cast<std::size_t>(problem.I)]) values.x[i] = std::numeric_limits<double>::quiet_NaN();
    }
    for (std::size_t i = 0; i < values.dy.size(); ++i) {
      if (!valid[i / static_cast<std::size_t>(problem.width())])
        values.dy[i] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  return values;
}

Values stored(const Values &values, Dtype dtype, bool cell_state_f32) {
  const Dtype cell_state = state_dtype(dtype, cell_state_f32);
  Values rounded;
  rounded.x = round_to(dtype, values.x);
  rounded.h0 = round_to(dtype, values.h0);
  rounded.c0 = round_to(cell_state, values.c0);
  for (const std::vector<double> &param : values.params) rounded.params.push_back(round_to(dtype, param));
  rounded.dy = round_to(dtype, values.dy);
  rounded.dhn = round_to(dtype, values.dhn);
  rounded.dcn = round_to(cell_state, values.dcn);
  return rounded;
}

}  // namespace rondo::test
