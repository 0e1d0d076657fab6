// The floors, one row for each H of kModelH and one column for each N of kModelN.
// They are what the reads of W_hh from on-chip memory, the products and one exchange take, as estimated beforehand.
#include "cli/model_floors.h"

#include <algorithm>
#include <iterator>

#include "rondo/rondo.h"

namespace rondo::cli {
namespace {

constexpr double kNone = 0;
constexpr double kLstmFloors[][5] = {
    {0.4, 0.4, 0.4, 0.4, 0.4}, {0.8, 0.8, 0.8, 1.0, 1.0}, {1.2, 1.3, 1.6, 2.2, 3.3},
    {1.5, 2.0, 2.9, 4.8, 8.6}, {20, 20, 20, 20, 30},
};
constexpr double kGruFloors[][5] = {
    {0.35, kNone, 0.35, kNone, 0.35}, {0.8, kNone, 0.8, kNone, 0.9}, {1.2, kNone, 1.6, kNone, 3.3},
    {1.4, kNone, 2.4, kNone, 6.7},    {12, kNone, 12, kNone, 23},
};
static_assert(std::size(kLstmFloors) == std::size(kModelH) && std::size(kGruFloors) == std::size(kModelH));
static_assert(std::size(kModelN) == 5);

}  // namespace

std::optional<double> floor_us(int64_t cell, int64_t H, int64_t N) {
  const auto row = std::find(std::begin(kModelH), std::end(kModelH), H) - std::begin(kModelH);
  const auto column = std::find(std::begin(kModelN), std::end(kModelN), N) - std::begin(kModelN);
  const bool has_floors = cell == RONDO_CELL_LSTM || cell == RONDO_CELL_GRU;
  if (!has_floors || row == std::ssize(kModelH) || column == std::ssize(kModelN)) {
    return std::nullopt;
  }
  const double floor = (cell == RONDO_CELL_LSTM ? kLstmFloors : kGruFloors)[row][column];
  return floor == kNone ? std::nullopt : std::optional(floor);
}

}  // namespace rondo::cli
