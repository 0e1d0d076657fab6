// What the tests of the sequence kernels share: problems with their layouts and lengths, and plain loops' products.
// The kernels' h is rounded at every step, so f32 results too differ by roundings of the storage type.
#pragma once

#include <numeric>

#include "api/sanitizers.h"
#include "kernel_cases.h"
#include "kernels/cuda/persistent_limits.h"
#include "kernels/cuda/sequence.h"
#include "party_cases.h"
#include "runner.h"

namespace rondo_test {

enum class Lengths { full, compact, masked };

struct SequenceCase {
  int64_t cell;
  Storage storage;
  int64_t H, N, T;
  int directions;
  Lengths kind;
  uint32_t blocks, rows, k_parts;
  bool over_grid = false;  // several blocks are no cluster
  uint32_t units = 0;      // 0: as few as hold H
  bool training = true;
  int64_t extra_row = 0;  // of history and dy beyond their width
  int shift = 0;          // of every array
  int64_t piece = 0;      // positions of one launch; 0: all
  bool is_held = false;   // as much of W_hh as a kernel holds
  bool tf32 = false;      // of f32
  int64_t P = 0;          // of a projection

  int64_t gates() const { return cell == rondo::kernels::kLstm ? 4 : cell == rondo::kernels::kGru ? 3 : 1; }
  int64_t output() const { return P != 0 ? P : H; }
  int64_t history_row() const { return output() + extra_row; }
};

// Row order, lengths and where steps lie.
class SequenceRows {
 public:
  explicit SequenceRows(const SequenceCase &of) : of_(of) {
    for (int64_t r = 0; r < of.N; ++r) {
      const auto odd = static_cast<int32_t>((r * 7 + 3) % (of.T + 1));
      lengths_.push_back(of.kind == Lengths::full ? static_cast<int32_t>(of.T) : odd);
    }
    if (of.kind == Lengths::compact) {
      std::sort(lengths_.rbegin(), lengths_.rend());
    }
    offsets_.push_back(0);
    for (int64_t t = 0; t < of.T; ++t) {
      offsets_.push_back(offsets_.back() + places(t));
    }
  }

  bool runs(int64_t t, int64_t r) const { return t >= 0 && t < of_.T && t < lengths_[static_cast<size_t>(r)]; }
  int64_t places(int64_t t) const {
    int64_t count = of_.N;
    for (int64_t r = 0; of_.kind == Lengths::compact && r < of_.N; ++r) {
      count -= runs(t, r) ? 0 : 1;
    }
    return count;
  }
  bool is_placed(int64_t t, int64_t r) const { return r < places(t); }
  int64_t offset(int64_t t) const { return offsets_[static_cast<size_t>(t)]; }
  int64_t all() const { return offsets_.back(); }
  int64_t step_at(int direction, int64_t position) const { return direction == 0 ? position : of_.T - 1 - position; }
  rondo::kernels::cuda::RowMap map() const {
    rondo::kernels::cuda::RowMap map{};
    map.T = of_.T;
    map.N = of_.N;
    map.offsets = of_.kind == Lengths::compact ? offsets_.data() : nullptr;
    map.lengths = of_.kind == Lengths::masked ? lengths_.data() : nullptr;
    return map;
  }

 private:
  SequenceCase of_;
  std::vector<int32_t> lengths_;
  std::vector<int64_t> offsets_;
};

inline rondo::kernels::cuda::SequenceLayout layout_of(const SequenceCase &of, bool backward) {
  using namespace rondo::kernels::cuda;
  SequenceLayout layout{};
  layout.tier = of.blocks == 1 ? Tier::single : of.over_grid ? Tier::grid : Tier::cluster;
  layout.blocks = of.blocks;
  const auto H = static_cast<uint32_t>(of.H);
  layout.units = of.units != 0 ? of.units : ((H + of.blocks - 1) / of.blocks + 15) / 16 * 16;
  layout.rows = of.rows;
  layout.groups = (static_cast<uint32_t>(of.N) + of.rows - 1) / of.rows;
  layout.k_parts = of.k_parts;
  if (of.is_held) {
    layout.held = sequence_held(ProductKind::narrow, static_cast<int>(of.gates()), backward, of.rows / 8, of.k_parts);
    REQUIRE(layout.held != 0);
  }
  layout.threads = layout.units / 16 * of.k_parts * 32;
  const SequenceProblem problem{of.cell, of.storage, backward, of.H, of.N, of.directions, of.tf32, of.P};
  layout.shared_bytes =
      sequence_shared(problem, layout.tier, layout.units, layout.rows, layout.k_parts, layout.held).bytes;
  return layout;
}

// What the blocks of a grid meet in, full of what an earlier launch may have left there.
class SequenceMeeting {
 public:
  SequenceMeeting(const SequenceCase &of, bool backward)
      : needs_(rondo::kernels::cuda::sequence_exchange(
            {of.cell, of.storage, backward, of.H, of.N, of.directions, of.tf32, of.P})),
        memory_(static_cast<size_t>(needs_.flags + needs_.numbers)) {
    REQUIRE(cudaMemset(memory_.get(), 0xff, static_cast<size_t>(needs_.flags + needs_.numbers)) == cudaSuccess);
  }
  rondo::kernels::cuda::SequenceMemory memory() const {
    return {memory_.get() + needs_.flags, reinterpret_cast<uint32_t *>(memory_.get())};
  }

 private:
  rondo::kernels::cuda::SequenceExchange needs_;
  rondo_emulator::OnDevice<char> memory_;
};

// Small enough for sums over H to stay about 1.
inline Array scaled_array(Storage storage, int64_t count, uint32_t seed, double scale, int shift) {
  std::vector<double> values = random_values(storage, count, seed);
  for (double &value : values) {
    value = rondo::test::round_to(dtype_of(storage), value * scale);
  }
  return {storage, values, shift};
}

// The largest relative error of one rounding: of storage, or of a product's operands. tf32 has as much mantissa as f16.
// There two operands of K products are rounded, of which a weight is at most 1/sqrt(K) and the other about 1: errors of
// 2 sqrt(K) roundings, 14 for the 48 of the cases, where all happen to add up, and a step takes over part of them.
inline double rounding_of(const SequenceCase &of) {
  return rondo::test::unit_roundoff(of.tf32 ? Dtype::f16 : dtype_of(of.storage));
}

// Differences of so many roundings, whatever the array's own type.
inline void check_near(const char *what, const SequenceCase &of, const Array &array,
                       const std::vector<double> &expected) {
  constexpr double kStepRoundings = 30;
  const std::vector<double> values = array.values();
  REQUIRE(values.size() == expected.size());
  const double bound = kStepRoundings * rounding_of(of);
  for (size_t k = 0; k < values.size(); ++k) {
    const bool equal = std::fabs(values[k] - expected[k]) <= bound * std::max(1.0, std::fabs(expected[k]));
    if (!equal && !(std::isnan(values[k]) && std::isnan(expected[k]))) {
      CAPTURE(what, k, values[k], expected[k]);
      FAIL_CHECK("a value differs");
      return;
    }
  }
  SUCCEED();
}

// As finish, with the fault's words.
inline void finish_sequence(cudaError_t launched) {
  CHECK(launched == cudaSuccess);
  CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
  REQUIRE(rondo_emulator::faults() == std::string());
}

template <class What>
void with_cell_of(int64_t cell, const What &what) {
  switch (cell) {
    case rondo::kernels::kRnnTanh:
      return what(RnnTanhCell{});
    case rondo::kernels::kRnnRelu:
      return what(RnnReluCell{});
    case rondo::kernels::kLstm:
      return what(LstmCell{});
    default:
      return what(GruCell{});
  }
}

constexpr int kRounds = TEST_UNDER_ASAN || TEST_UNDER_TSAN ? 1 : 3;  // slow there, and memory is used alike in all

// Cases that between them have every cell, 16-bit type, shape of layout and kind of lengths. `blocks`: of the tier.
inline std::vector<SequenceCase> sequence_cases(const std::vector<uint32_t> &blocks, bool over_grid = false,
                                                int rounds = kRounds) {
  std::vector<SequenceCase> cases;
  struct Shape {
    int64_t H, N, T;
    uint32_t rows, k_parts;
  };
  const Shape shapes[] = {{16, 8, 3, 8, 1},   {1, 1, 1, 8, 1},    {20, 3, 5, 8, 2},   {40, 9, 6, 8, 4},
                          {33, 17, 5, 16, 1}, {48, 19, 4, 16, 2}, {37, 12, 5, 16, 4}, {24, 50, 3, 24, 1},
                          {21, 24, 5, 24, 4}, {34, 30, 3, 24, 2}, {17, 29, 3, 32, 2}, {18, 33, 5, 32, 4},
                          {19, 40, 4, 32, 1}};
  for (int round = 0; round < rounds; ++round) {
    int turn = round * 7;
    for (const Shape &shape : shapes) {
      for (const int64_t cell :
           {rondo::kernels::kRnnTanh, rondo::kernels::kRnnRelu, rondo::kernels::kLstm, rondo::kernels::kGru}) {
        const int k = turn++;
        SequenceCase one{};
        one.cell = cell;
        one.storage = (k / 4 + k) % 2 == 0 ? Storage::f16 : Storage::bf16;
        one.H = shape.H;
        one.N = shape.N;
        one.T = shape.T;
        one.directions = 1 + (k / 2) % 2;
        one.kind = static_cast<Lengths>((k + k / 4) % 3);
        one.blocks = blocks[static_cast<size_t>(k / 4) % blocks.size()];
        one.over_grid = over_grid;
        one.rows = shape.rows;
        one.k_parts = shape.k_parts;
        one.units = k % 11 == 6 && one.blocks == 4 ? 32 : 0;
        one.training = k % 5 != 4;
        one.extra_row = k % 3 == 1 ? 8 : k % 7 == 2 ? 3 : 0;
        one.shift = k % 6 == 5 ? 1 : 0;
        one.piece = k % 4 == 3 ? 2 : 0;
        cases.push_back(one);
      }
    }
  }
  return cases;
}

// The same of f32, in layouts that its kernels have.
inline std::vector<SequenceCase> f32_cases(bool tf32, const std::vector<uint32_t> &blocks, bool over_grid = false) {
  std::vector<SequenceCase> cases = sequence_cases(blocks, over_grid, 1);
  for (SequenceCase &one : cases) {
    one.storage = Storage::f32;
    one.tf32 = tf32;
    one.rows = one.rows == 24 ? 32 : one.rows;
    one.k_parts = std::max(one.k_parts, one.rows / 8);
    one.H = one.rows > 8 && one.k_parts == 4 ? std::min<int64_t>(one.H, 32) : one.H;  // for one block's threads
  }
  return cases;
}

inline std::string text_of(const SequenceCase &of) {
  const auto text = [](auto value) { return std::to_string(value) + " "; };
  return "cell " + text(of.cell) + "type " + text(static_cast<int>(of.storage)) + (of.tf32 ? "by tf32 " : "") + "H " +
         text(of.H) + "P " + text(of.P) + "N " + text(of.N) + "T " + text(of.T) + "directions " + text(of.directions) +
         "lengths " + text(static_cast<int>(of.kind)) + "blocks " + text(of.blocks) +
         (of.over_grid ? "of a grid " : "") + "units " + text(of.units) + "rows " + text(of.rows) + "parts " +
         text(of.k_parts) + (of.is_held ? "held" : "");
}

// Those that hold W_hh in registers: as many steps of K as a kernel holds, fewer, down to none, and more.
inline std::vector<SequenceCase> held_cases(bool backward) {
  using rondo::kernels::kGru;
  using rondo::kernels::kLstm;
  using rondo::kernels::cuda::ProductKind;
  using rondo::kernels::cuda::sequence_held;
  struct Shape {
    int64_t H, N, T;
    uint32_t rows, k_parts, blocks;
  };
  const Shape shapes[] = {{37, 5, 4, 8, 2, 1}, {50, 19, 3, 16, 2, 2}, {40, 9, 4, 8, 4, 2},  {33, 17, 3, 16, 4, 2},
                          {24, 6, 4, 8, 8, 2}, {1, 2, 3, 8, 8, 1},    {60, 20, 3, 16, 8, 4}};
  std::vector<SequenceCase> cases;
  int turn = backward ? 1 : 0;
  const auto add = [&](int64_t cell, const Shape &shape) {
    const int k = turn++;
    SequenceCase one{};
    one.cell = cell;
    one.storage = k % 2 == 0 ? Storage::f16 : Storage::bf16;
    one.H = shape.H;
    one.N = shape.N;
    one.T = shape.T;
    one.directions = 1 + k / 2 % 2;
    one.kind = static_cast<Lengths>(k % 3);
    one.blocks = shape.blocks;
    one.rows = shape.rows;
    one.k_parts = shape.k_parts;
    one.shift = k % 5 == 3 ? 1 : 0;
    one.piece = k % 4 == 3 ? 2 : 0;
    one.is_held = true;
    one.over_grid = shape.blocks > 16 || (shape.blocks > 1 && k % 3 == 1);
    if (sequence_held(ProductKind::narrow, static_cast<int>(one.gates()), backward, one.rows / 8, one.k_parts) != 0) {
      cases.push_back(one);
    }
  };
  for (const Shape &shape : shapes) {
    for (const int64_t cell : {rondo::kernels::kRnnTanh, rondo::kernels::kRnnRelu, kLstm, kGru}) {
      add(cell, shape);
    }
  }
  // Parts of 8 and 9 steps, backward of 33 and 34.
  add(kLstm, {backward ? 265 : 256, 5, 2, 8, 2, 8});
  add(kLstm, {270, 11, 2, 16, 2, 8});
  add(kGru, {backward ? 358 : 288, 10, 2, 16, 2, 8});
  // Over a grid, where parts of 4 and 8 leave something unheld too: minutes under sanitizers.
  if (!TEST_UNDER_ASAN && !TEST_UNDER_TSAN) {
    add(kLstm, {530, 5, 2, 8, 4, 17});
    if (!backward) {
      add(kGru, {1060, 3, 2, 8, 8, 67});
    }
  }
  return cases;
}

// In many blocks, of which some may be without units.
inline SequenceCase wide_case(int64_t cell, int64_t H, uint32_t blocks, bool over_grid = false) {
  return {.cell = cell,
          .storage = Storage::f16,
          .H = H,
          .N = 5,
          .T = 4,
          .directions = 1,
          .kind = Lengths::full,
          .blocks = blocks,
          .rows = 8,
          .k_parts = 1,
          .over_grid = over_grid};
}

template <class Sequence>
Sequence sequence_of(const SequenceCase &of, const SequenceRows &rows) {
  Sequence sequence{};
  sequence.cell = of.cell;
  sequence.storage = of.storage;
  sequence.tf32 = of.tf32;
  sequence.H = of.H;
  sequence.P = of.P;
  sequence.rows = rows.map();
  sequence.directions = of.directions;
  return sequence;
}

// launch(of, rows, arrays) against plain loops, each direction with arrays of its own.
template <class Arrays, template <class> class Loops, class Launch>
void check_against_loops(const SequenceCase &of, const Launch &launch) {
  CAPTURE(text_of(of));
  const SequenceRows rows(of);
  std::vector<Arrays> arrays;
  for (int k = 0; k < of.directions; ++k) {
    arrays.emplace_back(of, rows, static_cast<uint32_t>(10 + k));
  }
  with_cell_of(of.cell, [&](auto cell) {
    std::vector<Loops<decltype(cell)>> expected;
    for (int k = 0; k < of.directions; ++k) {
      expected.emplace_back(arrays[static_cast<size_t>(k)], rows, k);
    }
    launch(of, rows, arrays);
    for (const auto &one : expected) {
      one.check();
    }
  });
}

// What is held in registers changes no bit of results(arrays). Kernels of 8 parts always hold something.
template <class Arrays, class Launch>
void check_held(const SequenceCase &of, const Launch &launch) {
  if (of.k_parts == 8) {
    return;
  }
  CAPTURE(text_of(of));
  SequenceCase unheld = of;
  unheld.is_held = false;
  const SequenceRows rows(of);
  std::vector<Arrays> all[] = {{{of, rows, 10}, {of, rows, 11}}, {{of, rows, 10}, {of, rows, 11}}};
  launch(of, rows, all[0]);
  launch(unheld, rows, all[1]);
  for (size_t direction = 0; direction < 2; ++direction) {
    CHECK(all[0][direction].results() == all[1][direction].results());
  }
}

// A second run, other orders of threads and W_hh in registers give the same values(arrays of the second direction).
template <class Arrays, class Launch, class Values>
void check_orders(int64_t cell, Storage storage, Lengths kind, bool over_grid, const Launch &launch,
                  const Values &values) {
  SequenceCase of{.cell = cell,
                  .storage = storage,
                  .H = 36,
                  .N = 11,
                  .T = 5,
                  .directions = 2,
                  .kind = kind,
                  .blocks = 2,
                  .rows = 16,
                  .k_parts = 2,
                  .over_grid = over_grid,
                  .tf32 = storage == Storage::f32 && over_grid};
  const SequenceRows rows(of);
  std::vector<std::vector<double>> results;
  for (const uint64_t seed : {1, 1, 2, 3, 4, 5}) {
    rondo_emulator::seed_order(seed);
    for (const bool is_held : {false, true}) {
      of.is_held = is_held && storage != Storage::f32;
      std::vector<Arrays> arrays{{of, rows, 10}, {of, rows, 11}};
      launch(of, rows, arrays);
      results.push_back(values(arrays[1]));
      CHECK(results.back() == results.front());
    }
  }
  rondo_emulator::seed_order(rondo_emulator::settings().seed);
}

}  // namespace rondo_test
