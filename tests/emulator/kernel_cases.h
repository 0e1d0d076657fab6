// What the tests of the step kernels share: the cells' mathematics on doubles, and the cases. That the mathematics is
// right is the numeric suite's to show; these tests show what goes where, for whom, and what stays untouched.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "kernel_arrays.h"
#include "kernels/cuda/pointwise.h"

namespace rondo_test {

namespace cells {
inline double one(double /*like*/) { return 1; }
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double tanh(double x) { return std::tanh(x); }
inline double relu(double x) { return x <= 0 ? 0 : x; }
inline double zero_unless_positive(double test, double value) { return test <= 0 ? 0 : value; }
#define RONDO_CELL_FN inline
#include "kernels/cell/cells.h"
#undef RONDO_CELL_FN
}  // namespace cells

using cells::GruCell;
using cells::LstmCell;
using cells::RnnReluCell;
using cells::RnnTanhCell;

// Allowed to a value that went through a cell.
inline constexpr double kRoundings = 40;

struct Case {
  Storage storage;
  int64_t H;
  int64_t row;  // of history and dy
  int shift;
  bool masked, projects;

  int64_t N = 3, t = 2;
  std::vector<int32_t> lengths = {4, 2, 3};
  Storage arithmetic() const { return arithmetic_of(storage); }
  bool is_masked(int64_t r, int64_t step) const { return masked && step >= lengths[static_cast<size_t>(r)]; }
  const int32_t *mask() const { return masked ? lengths.data() : nullptr; }
};

inline void for_each_case(bool may_project, const std::function<void(const Case &)> &what) {
  struct Size {
    int64_t H, row;
    int shift;
  };
  for (const Storage storage : kAllStorages) {
    for (const Size size : {Size{3, 3, 0}, Size{8, 16, 0}, Size{8, 17, 0}, Size{132, 132, 0}, Size{12, 12, 1}}) {
      for (const bool masked : {false, true}) {
        for (const bool projects : {false, true}) {
          if (may_project || !projects) {
            CAPTURE(static_cast<int>(storage), size.H, size.row, size.shift, masked, projects);
            what(Case{storage, size.H, size.row, size.shift, masked, projects});
          }
        }
      }
    }
  }
}

inline double &item(std::vector<double> &values, int64_t k) { return values[static_cast<size_t>(k)]; }

}  // namespace rondo_test
