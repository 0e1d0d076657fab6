// What the tests of the sequence kernels with a projection share: widths beside each other, and layouts in which blocks
// have no part of the projection.
#pragma once

#include "persistent_cases.h"

namespace rondo_test {

using Values = std::vector<double>;

inline double rounded(const SequenceCase &of, double value) {
  return rondo::test::round_to(dtype_of(of.storage), value);
}

inline Array weight_of(const SequenceCase &of, int64_t rows, int64_t width, uint32_t seed) {
  return scaled_array(of.storage, rows * width, seed, 0.5 / std::sqrt(static_cast<double>(width)), of.shift);
}

// Projections from one output to all units but one, at and between multiples of 8 and 16; in several blocks the last
// ones have no outputs, or no units either. `blocks`: of the tier.
inline std::vector<SequenceCase> projected_cases(const std::vector<uint32_t> &blocks, bool over_grid = false) {
  struct Shape {
    int64_t H, P, N, T;
    uint32_t rows, k_parts;
  };
  const Shape shapes[] = {{16, 8, 8, 3, 8, 1},    {2, 1, 1, 1, 8, 1},     {20, 3, 3, 5, 8, 2},    {40, 39, 9, 6, 8, 4},
                          {33, 16, 17, 5, 16, 1}, {48, 47, 19, 4, 16, 2}, {29, 5, 12, 5, 16, 4},  {24, 9, 50, 3, 24, 1},
                          {21, 20, 24, 5, 24, 4}, {34, 17, 30, 3, 24, 2}, {17, 16, 29, 3, 32, 2}, {18, 1, 33, 5, 32, 4},
                          {19, 12, 40, 4, 32, 1}, {56, 32, 5, 7, 8, 2},   {64, 24, 11, 4, 8, 1}};
  std::vector<SequenceCase> cases;
  int turn = over_grid ? 5 : static_cast<int>(blocks.size());
  for (int round = 0; round < kRounds; ++round) {
    for (const Shape &shape : shapes) {
      const int k = turn++;
      SequenceCase one{};
      one.cell = rondo::kernels::kLstm;
      one.storage = (k / 3 + k + round) % 2 == 0 ? Storage::f16 : Storage::bf16;
      one.H = shape.H;
      one.P = shape.P;
      one.N = shape.N;
      one.T = shape.T;
      one.directions = 1 + k / 2 % 2;
      one.kind = static_cast<Lengths>((k + k / 4) % 3);
      one.blocks = blocks[static_cast<size_t>(k / 2) % blocks.size()];
      one.over_grid = over_grid;
      one.rows = shape.rows;
      one.k_parts = shape.k_parts;
      one.units = k % 7 == 6 && one.blocks > 2 ? 32 : 0;
      one.training = k % 5 != 4;
      one.extra_row = k % 3 == 1 ? 8 : k % 7 == 2 ? 3 : 0;
      one.shift = k % 6 == 5 ? 1 : 0;
      one.piece = k % 4 == 3 ? 2 : 0;
      cases.push_back(one);
    }
  }
  return cases;
}

// With two parts of K where no kernel is compiled for the case's own.
inline SequenceCase compiled(SequenceCase of, bool backward) {
  using namespace rondo::kernels::cuda;
  if (sequence_threads(ProductKind::narrow, 4, backward, of.rows / 8, of.k_parts, 0, true) == 0) {
    of.k_parts = 2;
  }
  return of;
}

// In blocks of which the last, and of one block the last warps, have outputs or not.
inline SequenceCase wide_projection(int64_t H, int64_t P, uint32_t blocks, bool over_grid) {
  SequenceCase of = wide_case(rondo::kernels::kLstm, H, blocks, over_grid);
  of.P = P;
  of.T = 6;
  return of;
}

// launch(of, rows, arrays) against plain loops, each direction with arrays of its own.
template <class Arrays, class Loops, class Launch>
void check_projected(const SequenceCase &of, const Launch &launch) {
  CAPTURE(text_of(of));
  const SequenceRows rows(of);
  std::vector<Arrays> arrays;
  for (int k = 0; k < of.directions; ++k) {
    arrays.emplace_back(of, rows, static_cast<uint32_t>(10 + k));
  }
  std::vector<Loops> expected;
  for (int k = 0; k < of.directions; ++k) {
    expected.emplace_back(arrays[static_cast<size_t>(k)], rows, k);
  }
  launch(of, rows, arrays);
  for (const Loops &one : expected) {
    one.check();
  }
}

// A second run and other orders of threads give the same bits.
template <class Arrays, class Launch, class Results>
void check_same(bool over_grid, const Launch &launch, const Results &results) {
  SequenceCase of = wide_projection(52, 21, 4, over_grid);
  of.N = 11;
  of.directions = 2;
  of.rows = 16;
  of.k_parts = 2;
  of.kind = Lengths::masked;
  const SequenceRows rows(of);
  std::vector<Values> found;
  for (const uint64_t seed : {1, 1, 2, 3, 4, 5}) {
    rondo_emulator::seed_order(seed);
    std::vector<Arrays> arrays{{of, rows, 10}, {of, rows, 11}};
    launch(of, rows, arrays);
    found.push_back(results(arrays[1]));
    CHECK(found.back() == found.front());
  }
  rondo_emulator::seed_order(rondo_emulator::settings().seed);
}

}  // namespace rondo_test
