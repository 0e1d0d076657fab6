// Plain loops over positions.
// Absent (empty) arrays stay absent.
#include "rearrange.h"

#include <limits>

namespace rondo::test {
namespace {

std::size_t to_size(std::int64_t value) { return static_cast<std::size_t>(value); }

}  // namespace

std::vector<double> rearranged(const Problem &from, const std::vector<double> &array, std::int64_t features,
                               const Problem &to, const PlaceOf &place_of, double fill) {
  if (array.empty()) return {};
  std::vector<double> result(to_size(to.positions() * features), fill);
  for (std::int64_t row = 0; row < to.N; ++row) {
    for (std::int64_t step = 0; step < to.length(row); ++step) {
      const Place place = place_of(row, step);
      const std::int64_t source = from.position(place.step, place.row) * features;
      const std::int64_t target = to.position(step, row) * features;
      for (std::int64_t k = 0; k < features; ++k) result[to_size(target + k)] = array[to_size(source + k)];
    }
  }
  return result;
}

std::vector<double> rearranged_states(const Problem &from, const std::vector<double> &array, std::int64_t width,
                                      const Problem &to, const std::vector<std::int64_t> &source) {
  if (array.empty()) return {};
  std::vector<double> result;
  for (std::int64_t state = 0; state < to.L * to.D; ++state) {
    for (std::int64_t row = 0; row < to.N; ++row) {
      const std::int64_t at = (state * from.N + source[to_size(row)]) * width;
      for (std::int64_t k = 0; k < width; ++k) result.push_back(array[to_size(at + k)]);
    }
  }
  return result;
}

Values move_rows(const Problem &from, const Values &values, const Problem &to,
                 const std::vector<std::int64_t> &row_source, const std::vector<std::int64_t> &state_source) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const PlaceOf place = [&](std::int64_t row, std::int64_t step) { return Place{row_source[to_size(row)], step}; };
  Values moved;
  moved.x = rearranged(from, values.x, from.I, to, place, nan);
  moved.dy = rearranged(from, values.dy, from.width(), to, place, nan);
  moved.h0 = rearranged_states(from, values.h0, from.O(), to, state_source);
  moved.dhn = rearranged_states(from, values.dhn, from.O(), to, state_source);
  moved.c0 = rearranged_states(from, values.c0, from.H, to, state_source);
  moved.dcn = rearranged_states(from, values.dcn, from.H, to, state_source);
  moved.params = values.params;
  return moved;
}

Results move_rows(const Problem &from, const Results &results, const Problem &to,
                  const std::vector<std::int64_t> &row_source, const std::vector<std::int64_t> &state_source) {
  const PlaceOf place = [&](std::int64_t row, std::int64_t step) { return Place{row_source[to_size(row)], step}; };
  Results moved;
  moved.y = rearranged(from, results.y, from.width(), to, place, to.padding_value);
  moved.dx = rearranged(from, results.dx, from.I, to, place, 0.0);
  moved.hn = rearranged_states(from, results.hn, from.O(), to, state_source);
  moved.dh0 = rearranged_states(from, results.dh0, from.O(), to, state_source);
  moved.cn = rearranged_states(from, results.cn, from.H, to, state_source);
  moved.dc0 = rearranged_states(from, results.dc0, from.H, to, state_source);
  moved.dparams = results.dparams;
  return moved;
}

std::vector<double> columns_of(const std::vector<double> &array, std::int64_t features, std::int64_t begin,
                               std::int64_t end) {
  std::vector<double> columns;
  for (std::size_t at = 0; at < array.size(); at += to_size(features)) {
    for (std::int64_t k = begin; k < end; ++k) columns.push_back(array[at + to_size(k)]);
  }
  return columns;
}

std::vector<double> sum_of(const std::vector<double> &left, const std::vector<double> &right) {
  if (left.empty()) return right;
  std::vector<double> sum = left;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += right.at(i);
  return sum;
}

}  // namespace rondo::test
