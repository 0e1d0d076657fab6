// The forward sequence kernels against plain loops: every cell, type, layout and kind of lengths, two directions, in
// one launch and in pieces; and that neither the order of threads nor a second run changes a bit.
#include "machine.h"
#include "persistent_cases.h"

namespace rondo_test {
namespace {

using namespace rondo::kernels::cuda;

struct ForwardArrays {
  ForwardArrays(const SequenceCase &given, const SequenceRows &given_rows, uint32_t seed) : of(given) {
    const int64_t H = of.H;
    const int64_t G = of.gates();
    const double scale = 0.5 / std::sqrt(static_cast<double>(H));
    pre = random_array(Storage::f32, given_rows.all() * G * H, seed + 1, of.shift);
    weight = scaled_array(of.storage, G * H * H, seed + 2, scale, of.shift);
    if (seed % 2 == 0) {
      bias_ih = scaled_array(of.storage, G * H, seed + 3, 0.3, of.shift);
    }
    bias_hh = scaled_array(of.storage, G * H, seed + 4, 0.3, of.shift);
    state = scaled_array(of.storage, of.N * H, seed + 5, 0.5, of.shift);
    c = random_array(Storage::f32, of.N * H, seed + 6, of.shift);
    history = Array(of.storage, given_rows.all() * of.history_row(), of.shift);
    if (of.training) {
      gates = Array(Storage::f32, given_rows.all() * G * H, of.shift);
      extra = Array(Storage::f32, given_rows.all() * H, of.shift);
    }
  }
  ForwardSequenceDirection direction(int64_t first_row) {
    return {static_cast<const float *>(pre.data()) + first_row * of.gates() * of.H,
            weight.data(),
            bias_ih.data(),
            bias_hh.data(),
            state.data(),
            c.data(),
            history.data(),
            of.history_row(),
            gates.data(),
            extra.data(),
            nullptr,
            nullptr};
  }
  std::vector<Array> results() const { return {state, c, history, gates, extra}; }

  SequenceCase of;
  Array pre, weight, bias_ih, bias_hh, state, c, history, gates, extra;
};

template <class Cell>
class ForwardLoops {
 public:
  ForwardLoops(const ForwardArrays &given, const SequenceRows &rows, int direction)
      : given_(given),
        weight_(given.weight.values()),
        state_(given.state.values()),
        c_(given.c.values()),
        history_(given.history.values()),
        gates_(given.gates.values()),
        extra_(given.extra.values()) {
    for (int64_t position = 0; position < given.of.T; ++position) {
      const int64_t t = rows.step_at(direction, position);
      const std::vector<double> before = state_;
      for (int64_t r = 0; r < rows.places(t); ++r) {
        for (int64_t j = 0; j < given.of.H; ++j) {
          unit(before, rows.offset(t) + r, r, j, rows.runs(t, r));
        }
      }
    }
  }

  void check() const {
    check_near("state", given_.of, given_.state, state_);
    check_near("c", given_.of, given_.c, c_);
    check_near("history", given_.of, given_.history, history_);
    if (given_.of.training) {
      check_near("gates", given_.of, given_.gates, gates_);
      check_near("extra", given_.of, given_.extra, extra_);
    }
  }

 private:
  void unit(const std::vector<double> &before, int64_t place, int64_t r, int64_t j, bool runs) {
    constexpr int G = Cell::kGates;
    const int64_t H = given_.of.H;
    double x[G];
    double h[G];
    for (int g = 0; g < G; ++g) {
      const int64_t column = g * H + j;
      x[g] = given_.pre.at(place * G * H + column) + given_.bias_ih.at(column);
      h[g] = given_.bias_hh.at(column);
      for (int64_t k = 0; k < H; ++k) {
        h[g] += weight_[static_cast<size_t>(column * H + k)] * before[static_cast<size_t>(r * H + k)];
      }
    }
    double &c = item(c_, r * H + j);
    const auto out = Cell::forward(x, h, before[static_cast<size_t>(r * H + j)], c);
    item(history_, place * given_.of.history_row() + j) = runs ? out.h : 0;
    if (runs) {
      item(state_, r * H + j) = rondo::test::round_to(dtype_of(given_.of.storage), out.h);
      c = Cell::kHasCellState ? out.extra : c;
    }
    if (given_.of.training) {
      for (int g = 0; g < G; ++g) {
        item(gates_, (place * G + g) * H + j) = runs ? out.gate[g] : 0;
      }
      if (Cell::kHasExtra) {
        item(extra_, place * H + j) = Cell::kHasCellState ? c : runs ? out.extra : 0;
      }
    }
  }

  const ForwardArrays &given_;
  std::vector<double> weight_, state_, c_, history_, gates_, extra_;
};

// All launches of a case.
void launch_all(const SequenceCase &of, const SequenceRows &rows, std::vector<ForwardArrays> &arrays) {
  const int64_t piece = of.piece != 0 ? of.piece : of.T;
  for (int64_t first = 0; first < of.T; first += piece) {
    auto sequence = sequence_of<ForwardSequence>(of, rows);
    sequence.first = first;
    sequence.last = std::min(of.T, first + piece);
    for (int k = 0; k < of.directions; ++k) {
      const int64_t earliest = k == 0 ? first : of.T - sequence.last;
      sequence.direction[k] = arrays[static_cast<size_t>(k)].direction(rows.offset(earliest));
    }
    const SequenceMeeting meeting(of, false);
    sequence.memory = of.over_grid ? meeting.memory() : SequenceMemory{};
    finish_sequence(launch_forward_sequence(kTarget, layout_of(of, false), sequence));
  }
}

void check_forward(const SequenceCase &of) { check_against_loops<ForwardArrays, ForwardLoops>(of, launch_all); }

TEST_CASE("forward sequences in single blocks", "[kernels][sequence]") {
  for (const SequenceCase &of : sequence_cases({1})) {
    check_forward(of);
  }
}

TEST_CASE("forward sequences in clusters", "[kernels][sequence]") {
  for (const SequenceCase &of : sequence_cases({2, 4, 2})) {
    check_forward(of);
  }
  for (const uint32_t blocks : {8, 16}) {
    check_forward(wide_case(rondo::kernels::kLstm, 120, blocks));
  }
}

TEST_CASE("forward sequences with W_hh in registers", "[kernels][sequence]") {
  const rondo_emulator::Machine wide(90, 132);
  for (const SequenceCase &of : held_cases(false)) {
    check_forward(of);
    check_held<ForwardArrays>(of, launch_all);
  }
}

TEST_CASE("forward sequences over a grid", "[kernels][sequence]") {
  for (const SequenceCase &of : sequence_cases({2, 3, 5}, true)) {
    check_forward(of);
  }
  for (const uint32_t blocks : {8, 13}) {
    check_forward(wide_case(rondo::kernels::kLstm, 120, blocks, true));
  }
}

TEST_CASE("forward sequences of f32 in single blocks", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(false, {1})) {
    check_forward(of);
  }
}

TEST_CASE("forward sequences of tf32 in single blocks", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(true, {1})) {
    check_forward(of);
  }
}

TEST_CASE("forward sequences of f32 in clusters", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(false, {2, 4, 2})) {
    check_forward(of);
  }
}

TEST_CASE("forward sequences of tf32 in clusters", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(true, {2, 4, 2})) {
    check_forward(of);
  }
}

TEST_CASE("forward sequences of f32 over a grid", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(false, {2, 3, 5}, true)) {
    check_forward(of);
  }
}

TEST_CASE("forward sequences of tf32 over a grid", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(true, {2, 3, 5}, true)) {
    check_forward(of);
  }
}

TEST_CASE("no order of threads changes a forward sequence", "[kernels][sequence]") {
  const bool over_grid = GENERATE(false, true);
  const Storage storage = GENERATE(Storage::bf16, Storage::f32);
  check_orders<ForwardArrays>(rondo::kernels::kGru, storage, Lengths::masked, over_grid, launch_all,
                              [](const ForwardArrays &arrays) { return arrays.history.values(); });
}

TEST_CASE("a grid that does not run at once, or has nowhere to meet, is refused", "[kernels][sequence]") {
  SequenceCase of = wide_case(rondo::kernels::kLstm, 60, 4, true);
  of.N = 8 * 200;
  const SequenceRows rows(of);
  auto sequence = sequence_of<ForwardSequence>(of, rows);
  sequence.last = of.T;
  const SequenceMeeting meeting(of, false);
  const SequenceLayout layout = layout_of(of, false);
  const int64_t before = rondo_emulator::operations_run();
  CHECK(launch_forward_sequence(kTarget, layout, sequence) == cudaErrorInvalidValue);
  CHECK(rondo_emulator::operations_run() == before);
  sequence.memory = meeting.memory();
  int blocks = 0;
  REQUIRE(sequence_blocks_at_once(layout, {of.cell, of.storage, false, of.H, of.N, of.directions, false}, &blocks) ==
          cudaSuccess);
  CHECK(blocks >= 1);
  CHECK(int64_t{blocks} * rondo_emulator::settings().multiprocessors < layout.blocks * layout.groups);
  CHECK(launch_forward_sequence(kTarget, layout, sequence) == cudaErrorCooperativeLaunchTooLarge);
  CHECK(sequence_blocks_at_once(layout, {of.cell, Storage::f64, true, of.H, of.N, of.directions, false}, &blocks) ==
        cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST_CASE("a sequence that no kernel takes", "[kernels][sequence]") {
  SequenceCase of{};
  of.cell = rondo::kernels::kGru;
  of.storage = Storage::f16;
  of.H = 16;
  of.N = 8;
  of.T = 1;
  of.directions = 1;
  of.blocks = 1;
  of.rows = 8;
  of.k_parts = 1;
  ForwardSequence sequence{};
  sequence.cell = of.cell;
  sequence.storage = of.storage;
  sequence.H = of.H;
  sequence.rows = SequenceRows(of).map();
  sequence.directions = 1;
  const int64_t before = rondo_emulator::operations_run();
  const SequenceLayout layout = layout_of(of, false);
  finish_sequence(launch_forward_sequence(kTarget, layout, sequence));  // no positions
  sequence.last = 1;
  const auto refused = [&](auto change) {
    SequenceLayout other = layout;
    change(other);
    return launch_forward_sequence(kTarget, other, sequence) == cudaErrorInvalidValue;
  };
  CHECK(refused([](SequenceLayout &other) { other.units = 24; }));
  CHECK(refused([](SequenceLayout &other) { other.rows = 40; }));
  CHECK(refused([](SequenceLayout &other) { other.groups = 2; }));
  CHECK(refused([](SequenceLayout &other) { other.tier = Tier::cluster; }));
  CHECK(refused([](SequenceLayout &other) { other.k_parts = 8, other.threads *= 8; }));
  CHECK(refused([](SequenceLayout &other) { other.held = 8; }));  // one part
  CHECK(refused([](SequenceLayout &other) { other.k_parts = 2, other.threads *= 2, other.held = 4; }));
  sequence.storage = Storage::f64;
  CHECK(launch_forward_sequence(kTarget, layout, sequence) == cudaErrorInvalidValue);
  sequence.storage = Storage::f32;
  CHECK(refused([](SequenceLayout &other) { other.rows = 24; }));
  CHECK(refused([](SequenceLayout &other) { other.rows = 16; }));  // more tiles than parts
  CHECK(refused([](SequenceLayout &other) { other.k_parts = 2, other.threads *= 2, other.held = 8; }));
  sequence.storage = Storage::f16;
  sequence.cell = rondo::kernels::kCells;
  CHECK(launch_forward_sequence(kTarget, layout, sequence) == cudaErrorInvalidValue);
  CHECK(rondo_emulator::operations_run() == before);
}

}  // namespace
}  // namespace rondo_test
