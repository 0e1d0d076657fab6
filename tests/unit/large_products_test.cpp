// The products over many rows as a team shares them: the same bytes whatever the team, near and far panels, and every
// sum there once.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "backend/cpu/gradient_product.h"
#include "backend/cpu/products.h"
#include "support/catch.h"
#include "unit/numbers.h"

using rondo::cpu::GradientProduct;
using rondo::cpu::Member;
using rondo::cpu::Panels;
using rondo::cpu::RowsProduct;
using rondo::cpu::Team;
using rondo_test::numbers;

namespace {

constexpr int most_members = 3;

// What a run writes by a team of so many; scratch as a call has it.
template <class C, class Run>
std::vector<C> made_by(Team &team, int members, std::int64_t elements, const Run &run) {
  std::vector<C> c(static_cast<std::size_t>(elements), static_cast<C>(NAN));
  std::vector<C> scratch(rondo::cpu::member_scratch_bytes / sizeof(C));
  team.run(members, scratch.data(), [&](const Member &member) { run(member, c.data()); });
  return c;
}

// dW of gates and units by columns, of rows; g as a step lays it out, in blocks of lanes units.
template <class C>
class Gradient {
 public:
  Gradient(std::int64_t of_rows, std::int64_t of_gates, std::int64_t of_units, std::int64_t of_columns)
      : rows(of_rows), gates(of_gates), units(of_units), columns(of_columns) {}

  void check(Team &team) const {
    const std::vector<C> alone = by(team, 1);
    for (int members = 2; members <= most_members; ++members) {
      CHECK(by(team, members) == alone);
    }
    std::int64_t wrong = 0;
    // Each of n additions rounds by half an epsilon of a partial sum at most, up or down as it happens: together by
    // about the root of n of them, and not by three.
    const double roundings =
        1.5 * std::sqrt(static_cast<double>(rows)) * static_cast<double>(std::numeric_limits<C>::epsilon());
    for (std::int64_t gate = 0; gate < gates; ++gate) {
      for (std::int64_t unit = 0; unit < units; ++unit) {
        const Sums expected = sums(gate, unit);
        for (std::int64_t column = 0; column < columns; ++column) {
          const auto got = static_cast<double>(at(alone, (gate * units + unit) * panels.columns + column));
          wrong += std::abs(got - at(expected.values, column)) <= roundings * at(expected.spans, column) ? 0 : 1;
        }
      }
    }
    CHECK(wrong == 0);
  }

 private:
  struct Sums {
    std::vector<double> values;
    std::vector<double> spans;  // what partial sums of consecutive rows reach at most
  };

  template <class T>
  static T at(const std::vector<T> &values, std::int64_t index) {
    return values[static_cast<std::size_t>(index)];
  }

  std::vector<C> by(Team &team, int members) const {
    std::vector<C> room(static_cast<std::size_t>(room_rows * panels.columns));
    const auto row_of = [&](std::int64_t row) { return x.data() + row * columns; };
    const auto finish = [](auto...) {};
    const GradientProduct<C, decltype(row_of), decltype(finish)> product{
        g.data(), g_row,          gates, units, row_of, rows, columns, panels, room.data(), room_rows * panels.columns,
        nullptr,  panels.columns, false, finish};
    return made_by<C>(team, members, gates * units * panels.columns, [&](const Member &member, C *c) {
      auto mine = product;
      mine.c = c;
      mine.run(kernel, member);
    });
  }
  Sums sums(std::int64_t gate, std::int64_t unit) const {
    const auto elements = static_cast<std::size_t>(columns);
    std::vector<double> sum(elements), least(elements), most(elements);
    const std::int64_t place = (unit / lanes * gates + gate) * lanes + unit % lanes;
    for (std::int64_t row = 0; row < rows; ++row) {
      const double factor = static_cast<double>(at(g, row * g_row + place));
      for (std::size_t column = 0; column < elements; ++column) {
        sum[column] += factor * static_cast<double>(x[static_cast<std::size_t>(row) * elements + column]);
        least[column] = std::min(least[column], sum[column]);
        most[column] = std::max(most[column], sum[column]);
      }
    }
    for (std::size_t column = 0; column < elements; ++column) {
      most[column] -= least[column];
    }
    return {sum, most};
  }

  const rondo::kernels::Kernels<C> &kernel = rondo::kernels::kernels<C>();
  std::int64_t lanes = kernel.lanes;
  std::int64_t rows, gates, units, columns;
  std::int64_t room_rows = 700;  // three passes of the longest case
  Panels panels = Panels::of_columns(rondo::round_up(columns, lanes), kernel.panel_vectors, kernel.lanes);
  std::int64_t g_row = gates * rondo::round_up(units, lanes);
  std::vector<C> g = numbers<C>(rows * g_row, 4);
  std::vector<C> x = numbers<C>(rows * columns, 5);
};

}  // namespace

TEMPLATE_TEST_CASE("pieces of rows are as few as their limit allows, and equal", "[product]", float, double) {
  for (const std::int64_t K : {0, 1, 256, 512, 768, 1024, 4096}) {
    const std::int64_t most = rondo::cpu::rows_of_piece<TestType>(K);
    for (std::int64_t rows = 0; rows <= 3 * most; ++rows) {
      const std::int64_t height = rondo::cpu::rows_of_even_piece<TestType>(rows, K);
      const std::int64_t pieces = (rows + height - 1) / height;
      REQUIRE(height >= 1);
      REQUIRE(height <= most);
      REQUIRE(pieces == (rows + most - 1) / most);
      REQUIRE(pieces * height < rows + std::max<std::int64_t>(pieces, 1));
    }
  }
}

TEMPLATE_TEST_CASE("a product over many rows does not depend on who shares it", "[product]", float, double) {
  const auto &kernel = rondo::kernels::kernels<TestType>();
  Team team(most_members);
  // The second K makes the panels more than the third level is for.
  for (const std::int64_t K : {std::int64_t{70}, rondo::cpu::third_level_bytes / 256 / 4 + 8}) {
    const Panels panels = Panels::of_columns(256, kernel.panel_vectors, kernel.lanes);
    const std::vector<TestType> weights = numbers<TestType>(panels.columns * K, 2);
    for (const std::int64_t rows : {0, 1, 60, 300}) {
      CAPTURE(K, rows);
      const std::vector<TestType> a = numbers<TestType>(rows * K, 1);
      const auto product = [&](TestType *c) {
        return RowsProduct<TestType>{a.data(), K, rows, K, weights.data(), panels, c, panels.columns, false, rows};
      };
      const std::vector<TestType> expected =
          made_by<TestType>(team, 1, rows * panels.columns,
                            [&](const Member &member, TestType *c) { product(c).run_panels(kernel, member); });
      for (int members = 1; members <= most_members; ++members) {
        CHECK(made_by<TestType>(team, members, rows * panels.columns, [&](const Member &member, TestType *c) {
                product(c).run(kernel, member);
              }) == expected);
      }
    }
  }
}

TEMPLATE_TEST_CASE("a weight's gradient is complete and does not depend on who shares it", "[product]", float, double) {
  Team team(most_members);
  Gradient<TestType>(1, 1, 1, 1).check(team);
  Gradient<TestType>(300, 4, 40, 70).check(team);
  Gradient<TestType>(1500, 3, 7, 33).check(team);
  Gradient<TestType>(300, 1, 330, 1100).check(team);  // wide: other blocks of rows
  Gradient<TestType>(40, 1, 50, 2100).check(team);    // two groups of columns and more
}
