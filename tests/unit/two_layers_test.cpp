// A layer to a member, two at a time: where the cost model takes it, and how long its pieces are.
#include <cmath>
#include <cstdint>

#include "backend/cpu/split.h"
#include "support/catch.h"
#include "unit/split_specs.h"

using rondo::Spec;
using rondo::cpu::most_piece_steps;
using rondo::cpu::Split;
using rondo::cpu::SplitCosts;
using rondo_test::all_cells;
using rondo_test::costs_of;
using rondo_test::small_network;

namespace {

constexpr rondo::cpu::Work one_row{100, 1, most_piece_steps, false};

Spec stacked(std::int64_t cell, std::int64_t H, std::int64_t layers) {
  Spec spec = rondo_test::spec_of(cell, H, H);
  spec.num_layers = layers;
  return spec;
}

void check_without(const Spec &spec, const rondo::cpu::Work &work) {
  const SplitCosts costs = costs_of(spec, work, 2, 120);
  CHECK((costs.layers == 0 && costs.layer_steps == 0));
  CHECK((costs.forward != Split::layers && costs.backward != Split::layers));
}

}  // namespace

TEST_CASE("layers of a small network run two at a time", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t layers : {2, 3, 4, 6}) {
      const SplitCosts costs = costs_of(stacked(cell, small_network(), layers), one_row, 2, 120);
      CAPTURE(cell, layers);
      CHECK((costs.layers > 0 && costs.layers < costs.alone));
      CHECK((costs.layer_steps >= 1 && costs.layer_steps <= most_piece_steps));
      CHECK(costs.forward == Split::layers);
      CHECK(costs.backward != Split::layers);
      CHECK(costs.forward_sharing().split == costs.forward);
      CHECK((costs.forward != Split::layers || costs.forward_sharing().piece_steps == costs.layer_steps));
      CHECK(costs.backward_sharing().piece_steps == costs.piece_steps);
    }
    // Pairs cost alike, and so does the one that is left, whatever their number.
    const auto all = [&](std::int64_t layers) {
      return static_cast<double>(layers) * costs_of(stacked(cell, small_network(), layers), one_row, 2, 120).layers;
    };
    CHECK(std::fabs(all(4) - 2 * all(2)) < 1e-6 * all(4));
    CHECK(std::fabs(all(5) - all(4) - (all(3) - all(2))) < 1e-6 * all(5));
    CHECK(all(3) > all(2));
  }
}

TEST_CASE("layers run one after the other where there is one, no room, no time, or more to do in each", "[split]") {
  for (const std::int64_t cell : all_cells) {
    CAPTURE(cell);
    check_without(stacked(cell, small_network(), 1), one_row);
    check_without(stacked(cell, 1500, 2), one_row);
    check_without(stacked(cell, small_network(), 2), {100, 1, 0, false});
    Spec spec = stacked(cell, small_network(), 2);
    spec.input_size = 100000;
    check_without(spec, one_row);
    spec = stacked(cell, small_network(), 2);
    spec.bidirectional = 1;
    check_without(spec, one_row);
    CHECK(costs_of(stacked(cell, small_network(), 2), one_row, 1, 120).forward == Split::alone);
    CHECK(costs_of(stacked(cell, small_network(), 2), one_row, 2, 1e9).forward == Split::alone);
  }
  Spec spec = stacked(RONDO_CELL_LSTM, small_network(), 2);
  spec.proj_size = 16;
  check_without(spec, one_row);
}

TEST_CASE("pieces of two layers are longer where meetings are dearer or steps shorter", "[split]") {
  for (const std::int64_t cell : all_cells) {
    std::int64_t shorter = most_piece_steps;
    for (const std::int64_t H : {16, 32, 64, 128}) {
      std::int64_t longer = 1;
      for (const double meeting_ns : {0.0, 20.0, 120.0, 500.0}) {
        const SplitCosts costs = costs_of(stacked(cell, H, 2), one_row, 2, meeting_ns);
        CAPTURE(cell, H, meeting_ns);
        CHECK((costs.layer_steps >= longer && costs.layer_steps <= most_piece_steps));
        longer = costs.layer_steps;
        if (meeting_ns == 120) {
          CHECK(costs.layer_steps <= shorter);
          shorter = costs.layer_steps;
        }
      }
      CHECK(costs_of(stacked(cell, H, 2), {100, 1, 2, false}, 2, 120).layer_steps <= 2);
    }
  }
}

TEST_CASE("two layers at a time do not train a network whose backward steps go alone", "[split]") {
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {8, 16, 32, 64, 96, 128}) {
      for (const double rows : {1.0, 2.0, 4.0, 16.0}) {
        CAPTURE(cell, H, rows);
        const SplitCosts costs = costs_of(stacked(cell, H, 2), {100, rows, most_piece_steps, true}, 2, 120);
        CHECK((costs.backward != Split::alone || costs.forward == Split::alone));
      }
    }
  }
}

TEST_CASE("a layer that is left of pairs is shared as one by itself, one of two directions is its member's",
          "[split]") {
  using rondo::cpu::Sharing;
  CHECK(Sharing(Split::directions, 1, Split::rows).of_layer() == Split::alone);
  for (const Split split : {Split::alone, Split::columns, Split::rows, Split::beside}) {
    CHECK(Sharing(split, 1, Split::rows).of_layer() == split);
    CHECK(Sharing(Split::layers, 1, split).of_layer() == split);
  }
  for (const std::int64_t cell : all_cells) {
    for (const std::int64_t H : {8, 64, 128}) {
      CAPTURE(cell, H);
      const SplitCosts costs = costs_of(stacked(cell, H, 3), one_row, 2, 120);
      CHECK(costs.left == costs_of(stacked(cell, H, 1), one_row, 2, 120).forward);
      CHECK(costs.forward_sharing().left == costs.left);
    }
  }
}
