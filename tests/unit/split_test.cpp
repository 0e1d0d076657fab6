// How members share a step: every unit, panel and row is exactly one member's, whatever the sizes; and what the cost
// model chooses where the choice is clear.
#include "backend/cpu/split.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.h"
#include "unit/split_specs.h"

using rondo::Spec;
using rondo::cpu::Dimensions;
using rondo::cpu::Member;
using rondo::cpu::Panels;
using rondo::cpu::Share;
using rondo::cpu::share_of;
using rondo::cpu::Split;
using rondo::cpu::split_costs;
using rondo::cpu::SplitCosts;
using rondo_test::all_cells;
using rondo_test::dimensions;
using rondo_test::spec_of;

namespace {

// What is wrong with the columns of `count` members, in words; empty where nothing is. Members have whole gate panels,
// and backward whole panels of the hidden product.
std::string faults(const Dimensions &dims, int count, bool backward) {
  const Panels &hidden = dims.hidden_panels;
  const std::int64_t widest_gates = dims.gate_panels.width() / dims.G;
  const std::int64_t together = std::max(widest_gates, backward ? hidden.width() : 0);
  const std::int64_t groups = backward ? std::min(dims.gate_panels.count(), hidden.count()) : dims.gate_panels.count();
  const std::int64_t most = rondo::divide_up(groups, count) * together;
  constexpr std::int64_t rows = 5;
  Share before{0, rows, 1, 0, 0, 0, 0, {0, 0}};
  for (int index = 0; index < count; ++index) {
    const Share share = share_of(Split::columns, {index, count, nullptr, nullptr}, dims, backward, rows, false);
    if (share.rows_of(rows) != rows || share.first_row != 0 || share.row_step != 1) return "not all rows";
    if (share.first_unit != before.last_unit || share.first_panel != before.last_panel) return "a gap or an overlap";
    if (share.last_unit < share.first_unit || share.last_panel < share.first_panel) return "less than nothing";
    if (share.last_unit - share.first_unit > most) return "more than an even part";
    // A member's panels are its units.
    if (std::min(dims.first_unit(share.first_panel), dims.H) != share.first_unit) return "another first panel";
    if (std::min(dims.first_unit(share.last_panel), dims.H) != share.last_unit) return "another last panel";
    if (share.hidden.first != before.hidden.last) return "a gap or an overlap of hidden panels";
    if (backward && std::min(hidden.column(share.hidden.first), dims.H) != share.first_unit)
      return "a hidden panel cut";
    before = share;
  }
  return before.last_unit != dims.H                              ? "units left"
         : before.last_panel != dims.gate_panels.count()         ? "panels left"
         : before.hidden.last != (backward ? hidden.count() : 0) ? "hidden panels left"
         : dims.first_unit(before.last_panel - 1) >= dims.H      ? "panels without units"
                                                                 : "";
}

// What is wrong with a matrix's panels, in words: they are its columns once and in order, whole vectors, as even as can
// be, and `most` vectors at most.
std::string panel_faults(const Panels &panels, int most) {
  std::int64_t end = 0;
  std::int64_t narrowest = panels.width();
  for (std::int64_t panel = 0; panel < panels.count(); ++panel) {
    if (panels.column(panel) != end) return "a gap or an overlap";
    if (panels.panel_at(end) != panel) return "another panel found at its first column";
    if (panels.width_at(panel) > panels.width()) return "wider than the widest";
    if (panels.vectors_at(panel) < 1 || panels.vectors_at(panel) > most) return "too many vectors, or none";
    if (panels.vectors_at(panel) * panels.lanes != panels.width_at(panel)) return "a vector cut";
    if (panels.offset(panel, 3) != 3 * end) return "another place";
    narrowest = std::min(narrowest, panels.width_at(panel));
    end += panels.width_at(panel);
  }
  return end != panels.columns || panels.panel_at(end) != panels.count() ? "columns left"
         : panels.width() - narrowest > panels.lanes                     ? "uneven"
                                                                         : "";
}

std::string row_faults(const Dimensions &dims, int count, std::int64_t most, bool alike) {
  std::vector<int> owners(static_cast<std::size_t>(most), 0);
  for (int index = 0; index < count; ++index) {
    const Share share = share_of(Split::rows, {index, count, nullptr, nullptr}, dims, true, most, alike);
    if (share.row_step != (alike ? 1 : count)) return alike ? "no neighbours" : "not every count-th";
    if (share.rows_of(most) > rondo::divide_up(most, count)) return "more than an even part of rows";
    if (share.first_unit != 0 || share.last_unit != dims.H) return "not all units";
    if (share.hidden.first != 0 || share.hidden.last != dims.hidden_panels.count()) return "not all hidden panels";
    if (share.first_panel != 0 || share.last_panel != dims.gate_panels.count()) return "not all panels";
    std::int64_t below = 0;
    for (std::int64_t active = 0; active <= most; ++active) {
      if (share.rows_of(active) != below) return "wrong count of rows below " + std::to_string(active);
      const bool own =
          active >= share.first_row && active < share.last_row && (active - share.first_row) % share.row_step == 0;
      if (own && active < most) {
        ++owners[static_cast<std::size_t>(active)];
      }
      below += own ? 1 : 0;
    }
  }
  for (const int owner : owners) {
    if (owner != 1) return "a row of " + std::to_string(owner);
  }
  return "";
}

template <class C>
SplitCosts costs_of(const Spec &spec, double rows, int threads, double meeting_ns, double standstill = 0,
                    std::int64_t second_level_bytes = 1 << 20) {
  const rondo::cpu::Work work{std::numeric_limits<double>::infinity(), rows, 0, false};
  return split_costs(dimensions<C>(spec), sizeof(C), work, threads, {meeting_ns, standstill}, second_level_bytes);
}

bool near(double a, double b) { return std::fabs(a - b) <= 1e-9 * std::fabs(b); }

bool no_less(double a, double b) { return a >= b || near(a, b); }

}  // namespace

TEMPLATE_TEST_CASE("members' columns are all units and panels, once and in order", "[split]", float, double) {
  std::vector<std::int64_t> sizes = {511, 512, 513, 1000, 1760};  // from 512 on wide panels of the hidden product
  for (std::int64_t H = 1; H <= 200; ++H) {
    sizes.push_back(H);
  }
  for (const std::int64_t cell : {RONDO_CELL_RNN_RELU, RONDO_CELL_LSTM, RONDO_CELL_GRU}) {
    for (const std::int64_t H : sizes) {
      const Dimensions dims = dimensions<TestType>(spec_of(cell, 3, H));
      for (int count = 1; count <= 9; ++count) {
        CAPTURE(cell, H, count);
        CHECK(faults(dims, count, false).empty());
        CHECK(faults(dims, count, true).empty());
        for (const std::int64_t rows : {0, 1, 7, 70}) {
          CHECK(row_faults(dims, count, rows, false).empty());
          CHECK(row_faults(dims, count, rows, true).empty());
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("panels are even, and of several an even number", "[split]", float, double) {
  const int lanes = rondo::kernels::kernels<TestType>().lanes;
  for (std::int64_t vectors = 1; vectors <= 130; ++vectors) {
    for (int most = 1; most <= rondo::kernels::kMaxPanelVectors; ++most) {
      CAPTURE(vectors, most);
      const Panels panels = Panels::of_columns(vectors * lanes, most, lanes);
      CHECK(panel_faults(panels, most).empty());
      CHECK((panels.count() == 1 || panels.count() % 2 == 0 || panels.count() == vectors));
      CHECK(panels.count() <= rondo::divide_up(vectors, std::int64_t{most}) + 1);
      for (int finer = 1; finer <= most; ++finer) {
        const Panels cut = panels.finer(finer);
        CAPTURE(finer);
        CHECK(cut.count() <= vectors);
        CHECK(panel_faults(cut, finer).empty());
        for (std::int64_t panel = 0; panel < panels.count(); ++panel) {
          CHECK(cut.column(cut.panel_at(panels.column(panel))) == panels.column(panel));
        }
      }
    }
  }
}

TEST_CASE("one thread has no choice", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {1, 64, 2048}) {
      Spec spec = spec_of(cell, H, H);
      for (spec.bidirectional = 0; spec.bidirectional <= 1; ++spec.bidirectional) {
        const SplitCosts costs = costs_of<float>(spec, 64, 1, 0);
        CHECK(costs.forward == Split::alone);
        CHECK(costs.backward == Split::alone);
        CHECK(costs.alone > 0);
      }
    }
  }
}

TEST_CASE("a meeting that lasts longer than a step is not worth it, one that costs nothing is", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const double rows : {1.0, 3.5, 64.0, 500.0}) {
      for (const int threads : {2, 3, 8}) {
        CAPTURE(cell, rows, threads);
        for (const std::int64_t H : {8, 128, 1024}) {
          const SplitCosts costs = costs_of<float>(spec_of(cell, H, H), rows, threads, 1e12);
          CHECK(costs.forward == Split::alone);
          CHECK(costs.backward == Split::alone);
        }
        for (const std::int64_t H : {512, 1024, 2048}) {
          const SplitCosts costs = costs_of<double>(spec_of(cell, H, H), rows, threads, 0);
          CHECK((costs.forward == Split::columns || costs.forward == Split::rows));
          CHECK((costs.backward == Split::columns || costs.backward == Split::rows));
          CHECK(std::min(costs.columns, costs.rows) < costs.alone);
        }
      }
    }
  }
}

TEST_CASE("a step of one vector of units takes one thread", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {1, rondo::kernels::kernels<float>().lanes}) {
      for (const int threads : {2, 3, 64}) {
        CAPTURE(cell, H, threads);
        const SplitCosts costs = costs_of<float>(spec_of(cell, H, H), 1, threads, 150);
        CHECK(costs.forward == Split::alone);
        CHECK(costs.backward == Split::alone);
      }
    }
  }
}

TEST_CASE("more work costs more, more threads cost no more", "[split]") {
  const std::array<double, 7> all_rows = {1, 1.5, 4, 6, 20, 64, 300};
  for (const std::int64_t cell : all_cells) {
    SplitCosts narrower{};
    for (const std::int64_t H : {1, 16, 40, 64, 100, 300, 512, 1000, 2048}) {
      SplitCosts fewer_rows{};
      for (const double rows : all_rows) {
        CAPTURE(cell, H, rows);
        const auto costs_with = [&](int threads) { return costs_of<float>(spec_of(cell, H, H), rows, threads, 150); };
        const SplitCosts costs = costs_with(2);
        CHECK(no_less(costs.alone, fewer_rows.alone));
        CHECK(no_less(costs.columns, fewer_rows.columns));
        CHECK(no_less(costs.rows, fewer_rows.rows));
        fewer_rows = costs;
        SplitCosts fewer = costs;
        for (int threads = 3; threads <= 9; ++threads) {
          const SplitCosts more = costs_with(threads);
          CHECK(more.alone == costs.alone);
          CHECK(no_less(fewer.columns, more.columns));
          CHECK(no_less(fewer.rows, more.rows));
          fewer = more;
        }
      }
      CHECK(no_less(fewer_rows.alone, narrower.alone));
      CHECK(no_less(fewer_rows.rows, narrower.rows));
      narrower = fewer_rows;
    }
  }
}

TEST_CASE("who would not meet at one price does not at a higher", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {16, 64, 128, 300, 1000}) {
      for (const double rows : {1.0, 8.0, 64.0}) {
        SplitCosts cheaper = costs_of<float>(spec_of(cell, H, H), rows, 2, 0);
        for (const double meeting_ns : {50, 100, 400, 2000, 10000, 1000000}) {
          const SplitCosts costs = costs_of<float>(spec_of(cell, H, H), rows, 2, meeting_ns);
          CAPTURE(cell, H, rows, meeting_ns);
          CHECK((cheaper.forward != Split::alone || costs.forward == Split::alone));
          CHECK((cheaper.backward != Split::alone || costs.backward == Split::alone));
          CHECK(costs.alone == cheaper.alone);
          CHECK(no_less(costs.columns, cheaper.columns));
          CHECK(no_less(costs.rows, cheaper.rows));
          cheaper = costs;
        }
      }
    }
  }
}

// A member that has lost its core is waited for, whatever a meeting takes.
TEST_CASE("who stands still works alone, sooner the less is gained together", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {16, 64, 128, 300, 1000}) {
      for (const std::int64_t D : {1, 2}) {
        Spec spec = spec_of(cell, H, H);
        spec.bidirectional = D - 1;
        const SplitCosts free = costs_of<float>(spec, 16, 2, 100);
        SplitCosts fewer = free;
        for (const double standstill : {0.2, 0.4, 0.7, 1.0}) {
          const SplitCosts costs = costs_of<float>(spec, 16, 2, 100, standstill);
          CAPTURE(cell, H, D, standstill);
          CHECK(costs.alone == free.alone);
          CHECK(costs.columns > fewer.columns);
          CHECK(costs.rows > fewer.rows);
          CHECK(near(costs.directions * (1 - std::min(standstill, 0.95)), free.directions));
          CHECK((fewer.forward != Split::alone || costs.forward == Split::alone));
          CHECK((fewer.backward != Split::alone || costs.backward == Split::alone));
          fewer = costs;
        }
        CHECK(fewer.forward == Split::alone);
        CHECK(fewer.backward == Split::alone);
      }
    }
  }
}

TEST_CASE("a projection's steps meet twice", "[split]") {
  const auto price = [](std::int64_t proj_size) {
    Spec spec = spec_of(RONDO_CELL_LSTM, 64, 256);
    spec.proj_size = proj_size;
    const SplitCosts free = costs_of<float>(spec, 16, 2, 0);
    const SplitCosts dear = costs_of<float>(spec, 16, 2, 1000);
    CHECK(dear.alone == free.alone);
    return std::array<double, 2>{dear.columns - free.columns, dear.rows - free.rows};
  };
  const auto [columns, rows] = price(0);
  const auto [columns_projected, rows_projected] = price(255);
  CHECK(columns > 0);
  CHECK(near(columns_projected, 2 * columns));
  CHECK(rows < columns);
  CHECK(near(rows_projected, columns_projected));
}

// Weights that fit the first caches are read by every member; those that do not are read once, a part by each.
TEST_CASE("many rows and small weights go by rows, large weights by columns", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const int threads : {2, 4}) {
      CAPTURE(cell, threads);
      const SplitCosts small = costs_of<float>(spec_of(cell, 64, 64), 128, threads, 150);
      CHECK(small.forward == Split::rows);
      CHECK(small.backward == Split::rows);
      for (const double rows : {1.0, 4.0, 16.0}) {
        const SplitCosts large = costs_of<float>(spec_of(cell, 2048, 2048), rows, threads, 150);
        CHECK(large.forward == Split::columns);
        CHECK(large.backward == Split::columns);
      }
    }
  }
}

// 1 MiB of weights beside states and gates.
TEST_CASE("a larger second level lets each member read all weights", "[split]") {
  const Spec spec = spec_of(RONDO_CELL_LSTM, 256, 256);
  const SplitCosts smaller = costs_of<float>(spec, 32, 2, 150, 0, 1 << 20);
  CHECK(smaller.forward == Split::columns);
  const SplitCosts larger = costs_of<float>(spec, 32, 2, 150, 0, 2 << 20);
  CHECK((larger.forward == Split::rows && larger.backward == Split::rows));
}

// By columns a member fetches what the others wrote: more of it backward, gradients of every gate.
TEST_CASE("who shares rows forward does so backward", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {32, 64, 128, 192, 256, 320, 512, 1024}) {
      for (const double rows : {2.0, 4.0, 14.0, 18.0, 32.0, 128.0}) {
        CAPTURE(cell, H, rows);
        const SplitCosts costs = costs_of<float>(spec_of(cell, H, H), rows, 2, 150, 0, 2 << 20);
        CHECK((costs.forward != Split::rows || costs.backward == Split::rows));
      }
    }
  }
}

TEST_CASE("directions run side by side where they are small, and forward only", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const int threads : {2, 5}) {
      for (const double rows : {1.0, 32.0}) {
        CAPTURE(cell, threads, rows);
        Spec spec = spec_of(cell, 32, 32);
        CHECK(costs_of<float>(spec, rows, threads, 150).directions == 0);
        CHECK(costs_of<float>(spec, rows, threads, 150).forward != Split::directions);
        spec.bidirectional = 1;
        const SplitCosts costs = costs_of<float>(spec, rows, threads, 150);
        CHECK((costs.forward == Split::directions || threads > 2));
        CHECK(costs.backward != Split::directions);
        CHECK(costs.directions > 0);
        CHECK(costs.directions < costs.alone);
        spec = spec_of(cell, 2048, 2048);
        spec.bidirectional = 1;
        CHECK(!dimensions<float>(spec).directions_apart(sizeof(float)));
        CHECK(costs_of<float>(spec, rows, threads, 1e12).directions == 0);
        CHECK(costs_of<float>(spec, rows, threads, 1e12).forward == Split::alone);
      }
    }
  }
}

TEST_CASE("every split has a name of its own", "[split]") {
  const std::array<Split, 6> splits = {Split::alone,  Split::columns,    Split::rows,
                                       Split::beside, Split::directions, Split::layers};
  for (const Split a : splits) {
    CHECK(!std::string(name_of(a)).empty());
    for (const Split b : splits) {
      CHECK((std::string(name_of(a)) == name_of(b)) == (a == b));
    }
  }
}
