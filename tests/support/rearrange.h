// Moves the values and results of one problem into the shape of another: rows, steps, layouts, packings.
// What the algebraic tests compare are two library runs, one of which has been rearranged by these.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "problem.h"

namespace rondo::test {

// Where a row and step of the target comes from.
struct Place {
  std::int64_t row = 0, step = 0;
};

using PlaceOf = std::function<Place(std::int64_t row, std::int64_t step)>;

// An array of x's or y's kind; target positions beyond a row's length get `fill`.
std::vector<double> rearranged(const Problem &from, const std::vector<double> &array, std::int64_t features,
                               const Problem &to, const PlaceOf &place_of, double fill);

// An array of h0's or c0's kind [L*D, N, width]: state row r of the target is state row source[r].
std::vector<double> rearranged_states(const Problem &from, const std::vector<double> &array, std::int64_t width,
                                      const Problem &to, const std::vector<std::int64_t> &source);

// Target row r (in its x's order) is source row row_source[r]; states move by state_source. Steps stay. Gradients of
// parameters are copied.
Values move_rows(const Problem &from, const Values &values, const Problem &to,
                 const std::vector<std::int64_t> &row_source, const std::vector<std::int64_t> &state_source);
Results move_rows(const Problem &from, const Results &results, const Problem &to,
                  const std::vector<std::int64_t> &row_source, const std::vector<std::int64_t> &state_source);

// Columns [begin, end) of an array with `features` columns.
std::vector<double> columns_of(const std::vector<double> &array, std::int64_t features, std::int64_t begin,
                               std::int64_t end);

std::vector<double> sum_of(const std::vector<double> &left, const std::vector<double> &right);

}  // namespace rondo::test
