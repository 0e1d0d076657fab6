// One member's steps beside the others' products: the pieces of a sequence, who has what, and when the cost model takes
// it.
#include <cstdint>

#include "backend/cpu/split.h"
#include "support/catch.h"
#include "unit/split_specs.h"

using rondo::cpu::Dimensions;
using rondo::cpu::Member;
using rondo::cpu::most_piece_steps;
using rondo::cpu::Pieces;
using rondo::cpu::Roles;
using rondo::cpu::Share;
using rondo::cpu::Split;
using rondo::cpu::SplitCosts;
using rondo::cpu::Work;
using rondo_test::all_cells;
using rondo_test::small_network;
using rondo_test::spec_of;

namespace {

Dimensions dimensions(std::int64_t cell, std::int64_t H) { return rondo_test::dimensions<float>(spec_of(cell, H, H)); }

SplitCosts costs_of(std::int64_t cell, std::int64_t H, const Work &work, int threads = 2, double meeting_ns = 120) {
  return rondo_test::costs_of(spec_of(cell, H, H), work, threads, meeting_ns);
}

bool long_vectors() { return rondo::kernels::kernels<float>().lanes >= 16; }

}  // namespace

TEST_CASE("pieces are all steps once and in order, the first the shorter", "[split]") {
  for (std::int64_t T = 1; T <= 70; ++T) {
    for (std::int64_t steps = 1; steps <= most_piece_steps; ++steps) {
      const Pieces pieces{T, steps};
      CAPTURE(T, steps);
      std::int64_t end = 0;
      for (std::int64_t piece = 0; piece < pieces.count(); ++piece) {
        CHECK(pieces.begin(piece) == end);
        end = pieces.end(piece);
        CHECK(end > pieces.begin(piece));
        CHECK(end - pieces.begin(piece) <= (piece == 0 ? (steps + 1) / 2 : steps));
      }
      CHECK(end == T);
    }
  }
}

TEST_CASE("one member has all steps, the others share the products", "[split]") {
  const Dimensions dims = dimensions(RONDO_CELL_GRU, 70);
  for (const bool backward : {false, true}) {
    for (int count = 1; count <= 5; ++count) {
      for (int index = 0; index < count; ++index) {
        const Member member{index, count, nullptr, nullptr};
        const Roles roles(member, Split::beside);
        const Share share = share_of(Split::beside, member, dims, backward, 3, true);
        CAPTURE(backward, count, index);
        CHECK(roles.apart() == (count > 1));
        CHECK((roles.steps() != nullptr) == (index == 0));
        CHECK((roles.products() != nullptr) == (index > 0 || count == 1));
        if (index == 0) {
          CHECK((roles.steps()->index == 0 && roles.steps()->count == 1));
          CHECK(share.rows_of(3) == 3);
          CHECK((share.first_panel == 0 && share.last_panel == dims.gate_panels.count()));
          CHECK((share.first_unit == 0 && share.last_unit == dims.H));
          CHECK((share.hidden.first == 0 && share.hidden.last == (backward ? dims.hidden_panels.count() : 0)));
        } else {
          CHECK((roles.products()->index == index - 1 && roles.products()->count == count - 1));
          CHECK(share.rows_of(3) == 0);
          CHECK((share.first_panel == share.last_panel && share.first_unit == share.last_unit));
          CHECK(share.hidden.first == share.hidden.last);
        }
      }
    }
  }
  for (const Split split : {Split::alone, Split::columns, Split::rows}) {
    const Roles roles({1, 2, nullptr, nullptr}, split);
    CHECK(!roles.apart());
    CHECK((roles.steps()->index == 1 && roles.steps()->count == 2));
    CHECK((roles.products()->index == 1 && roles.products()->count == 2));
  }
}

TEST_CASE("one row of a small network goes beside its products, where a call is long enough", "[split]") {
  // A larger one only where vectors are long.
  for (const std::int64_t H : {small_network(), long_vectors() ? std::int64_t{80} : small_network()}) {
    const SplitCosts costs = costs_of(RONDO_CELL_GRU, H, {200, 1, most_piece_steps, false});
    CAPTURE(H);
    CHECK(costs.forward == Split::beside);
    CHECK((costs.beside > 0 && costs.beside < costs.alone));
    CHECK((costs.piece_steps > 1 && costs.piece_steps <= most_piece_steps));
    const SplitCosts without = costs_of(RONDO_CELL_GRU, H, {200, 1, 0, false});
    CHECK((without.forward != Split::beside && without.backward != Split::beside));
    CHECK((without.beside == 0 && without.piece_steps == 0));
    CHECK(costs_of(RONDO_CELL_GRU, H, {2, 1, most_piece_steps, false}).backward == Split::alone);
    CHECK(costs_of(RONDO_CELL_GRU, H, {200, 1, most_piece_steps, false}, 2, 1e9).forward == Split::alone);
    CHECK(costs_of(RONDO_CELL_GRU, H, {200, 1, most_piece_steps, false}, 1).forward == Split::alone);
  }
}

TEST_CASE("a piece has fewer steps where each takes longer, and none where weights are far", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const double rows : {1.0, 4.0, 64.0}) {
      std::int64_t before = most_piece_steps;
      for (const std::int64_t H : {8, 64, 128, 250}) {
        const std::int64_t steps = costs_of(cell, H, {100, rows, most_piece_steps, false}).piece_steps;
        CAPTURE(cell, rows, H);
        CHECK((steps >= 1 && steps <= before));
        CHECK(costs_of(cell, H, {100, rows, 3, false}).piece_steps <= 3);
        before = steps;
      }
      CHECK(before < most_piece_steps);
      const SplitCosts far = costs_of(cell, 1000, {100, rows, most_piece_steps, false});
      CHECK((far.piece_steps == 0 && far.beside == 0));
      CHECK((far.forward != Split::beside && far.backward != Split::beside));
    }
  }
}

TEST_CASE("what goes beside costs no less where meetings are dearer or calls shorter", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {16, 64, 128, 300}) {
      for (const double rows : {1.0, 3.0, 16.0}) {
        double before = 0;
        for (const double meeting_ns : {0.0, 50.0, 100.0, 400.0, 2000.0}) {
          CAPTURE(cell, H, rows, meeting_ns);
          const SplitCosts costs = costs_of(cell, H, {50, rows, most_piece_steps, false}, 2, meeting_ns);
          CHECK(costs.beside >= before);
          CHECK(costs_of(cell, H, {25, rows, most_piece_steps, false}, 2, meeting_ns).beside >= costs.beside);
          CHECK(costs_of(cell, H, {50, rows, most_piece_steps, false}, 3, meeting_ns).beside <= costs.beside);
          before = costs.beside;
        }
      }
    }
  }
}

TEST_CASE("of a training plan both passes go beside, or neither; who goes alone backward does so forward", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {16, 32, 48, 64, 96, 128, 192, 300}) {
      for (const double rows : {1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 32.0}) {
        const SplitCosts costs = costs_of(cell, H, {100, rows, most_piece_steps, true});
        CAPTURE(cell, H, rows);
        CHECK((costs.forward == Split::beside) == (costs.backward == Split::beside));
        CHECK((costs.backward != Split::alone || costs.forward == Split::alone));
      }
    }
  }
  CHECK(costs_of(RONDO_CELL_GRU, small_network(), {100, 1, most_piece_steps, true}).backward == Split::beside);
  // Four rows of short vectors are shared by columns.
  const SplitCosts four_rows = costs_of(RONDO_CELL_LSTM, 64, {100, 4, most_piece_steps, true});
  CHECK((four_rows.backward == Split::beside || !long_vectors()));
}
