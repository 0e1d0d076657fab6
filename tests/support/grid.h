// The grid of cases that the numeric suites share: every combination of the options, with sizes dealt out in turn.
// Costs are capped, so that a grid of thousands runs in seconds on a slow machine.
#pragma once

#include <cstdint>
#include <vector>

#include "environment.h"
#include "problem.h"

namespace rondo::test {

struct GridCase {
  Problem problem;
  bool states = true;  // with h0 and c0
  bool cell_state_f32 = false, param_grad_f32 = false;
  bool pack_params = false, lengths32 = false, larger_plan = false;
  bool device_lengths = false;  // to be run with the lengths in device memory too, where that is supported
  std::uint64_t seed = 0;
};

// Every layer count, direction, bias, projection (LSTM), layout, sequence and state option of a cell. With
// RONDO_TEST_QUICK every fifth, with RONDO_TEST_EMULATED smaller ones too.
std::vector<GridCase> grid_of(Cell cell);

// Lengths from 0 to T in any order, at least one 0 where N > 1 (packed: sorted, the first is T).
std::vector<std::int64_t> random_lengths(std::int64_t T, std::int64_t N, bool packed, std::uint64_t seed);

}  // namespace rondo::test
