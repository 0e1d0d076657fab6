// The backward sequence kernels against plain loops over the same steps: what reaches the gates, the initial states and
// rows that do not run; and that neither the order of threads nor a second run changes a bit.
#include "machine.h"
#include "persistent_cases.h"

namespace rondo_test {
namespace {

using namespace rondo::kernels::cuda;

struct BackwardArrays {
  BackwardArrays(const SequenceCase &given, const SequenceRows &rows, uint32_t seed) : of(given) {
    const int64_t H = of.H;
    const int64_t G = of.gates();
    const bool is_gru = of.cell == rondo::kernels::kGru;
    dy = scaled_array(Storage::f32, rows.all() * of.history_row(), seed + 1, 0.5, of.shift);
    weight = scaled_array(of.storage, G * H * H, seed + 2, 0.5 / std::sqrt(static_cast<double>(G * H)), of.shift);
    dh = scaled_array(Storage::f32, of.N * H, seed + 3, 0.5, of.shift);
    dc = scaled_array(Storage::f32, of.N * H, seed + 4, 0.5, of.shift);
    gates = scaled_array(Storage::f32, rows.all() * G * H, seed + 5, 0.5, of.shift);
    extra = scaled_array(Storage::f32, rows.all() * H, seed + 6, 0.5, of.shift);
    c_initial = scaled_array(Storage::f32, of.N * H, seed + 7, 0.5, of.shift);
    history = scaled_array(of.storage, rows.all() * of.history_row(), seed + 8, 0.5, of.shift);
    h_initial = scaled_array(of.storage, of.N * H, seed + 9, 0.5, of.shift);
    dx = Array(of.storage, rows.all() * G * H, of.shift);
    if (is_gru) {
      dh_gates = Array(of.storage, rows.all() * G * H, of.shift);
    }
  }
  BackwardSequenceDirection direction() {
    return {dy.data(),        of.history_row(), weight.data(),    dh.data(),      dc.data(),
            gates.data(),     extra.data(),     c_initial.data(), history.data(), of.history_row(),
            h_initial.data(), dx.data(),        dh_gates.data(),  nullptr,        nullptr};
  }
  std::vector<Array> results() const { return {dh, dc, dx, dh_gates}; }

  SequenceCase of;
  Array dy, weight, dh, dc, gates, extra, c_initial, history, h_initial, dx, dh_gates;
};

template <class Cell>
class BackwardLoops {
 public:
  BackwardLoops(const BackwardArrays &given, const SequenceRows &rows, int direction)
      : given_(given),
        rows_(rows),
        direction_(direction),
        weight_(given.weight.values()),
        dh_(given.dh.values()),
        dc_(given.dc.values()),
        dx_(given.dx.values()),
        dh_gates_(given.dh_gates.values()) {
    const int64_t H = given.of.H;
    for (int64_t position = given.of.T - 1; position >= 0; --position) {
      const int64_t t = rows.step_at(direction, position);
      for (int64_t r = 0; r < rows.places(t); ++r) {
        std::vector<double> operand(static_cast<size_t>(Cell::kGates * H));
        for (int64_t j = 0; j < H; ++j) {
          unit(position, r, j, operand);
        }
        if (rows.runs(t, r)) {
          add_product(r, operand);
        }
      }
    }
  }

  void check() const {
    check_near("dh", given_.of, given_.dh, dh_);
    check_near("dc", given_.of, given_.dc, dc_);
    check_near("dx", given_.of, given_.dx, dx_);
    if (Cell::kSplitsGradient) {
      check_near("dh_gates", given_.of, given_.dh_gates, dh_gates_);
    }
  }

 private:
  void unit(int64_t position, int64_t r, int64_t j, std::vector<double> &operand) {
    constexpr int G = Cell::kGates;
    const int64_t H = given_.of.H;
    const int64_t t = rows_.step_at(direction_, position);
    const int64_t before = rows_.step_at(direction_, position - 1);
    const int64_t place = rows_.offset(t) + r;
    const bool runs = rows_.runs(t, r);
    const bool ran = rows_.runs(before, r);
    const int64_t place_before = ran ? rows_.offset(before) + r : 0;
    double gate[G];
    for (int g = 0; g < G; ++g) {
      gate[g] = given_.gates.at((place * G + g) * H + j);
    }
    const double c_before = ran ? given_.extra.at(place_before * H + j) : given_.c_initial.at(r * H + j);
    const double h_before =
        ran ? given_.history.at(place_before * given_.of.history_row() + j) : given_.h_initial.at(r * H + j);
    double &dh = item(dh_, r * H + j);
    double dc = item(dc_, r * H + j);
    const auto out = Cell::backward(gate, given_.extra.at(place * H + j), c_before, h_before,
                                    dh + given_.dy.at(place * given_.of.history_row() + j), dc);
    if (runs) {
      dh = Cell::kUsesPreviousHidden ? out.direct : 0;
      item(dc_, r * H + j) = Cell::kHasCellState ? dc : item(dc_, r * H + j);
    }
    for (int g = 0; g < G; ++g) {
      const double product = Cell::kSplitsGradient ? out.dh_gate[g] : out.dx[g];
      item(operand, g * H + j) = rondo::test::round_to(dtype_of(given_.of.storage), product);
      item(dx_, (place * G + g) * H + j) = runs ? out.dx[g] : 0;
      if (Cell::kSplitsGradient) {
        item(dh_gates_, (place * G + g) * H + j) = runs ? out.dh_gate[g] : 0;
      }
    }
  }

  void add_product(int64_t r, const std::vector<double> &operand) {
    const int64_t H = given_.of.H;
    for (size_t row = 0; row < operand.size(); ++row) {
      for (int64_t j = 0; j < H; ++j) {
        item(dh_, r * H + j) += weight_[row * static_cast<size_t>(H) + static_cast<size_t>(j)] * operand[row];
      }
    }
  }

  const BackwardArrays &given_;
  const SequenceRows &rows_;
  int direction_;
  std::vector<double> weight_, dh_, dc_, dx_, dh_gates_;
};

void launch_case(const SequenceCase &of, const SequenceRows &rows, std::vector<BackwardArrays> &arrays) {
  auto sequence = sequence_of<BackwardSequence>(of, rows);
  for (int k = 0; k < of.directions; ++k) {
    sequence.direction[k] = arrays[static_cast<size_t>(k)].direction();
  }
  const SequenceMeeting meeting(of, true);
  sequence.memory = of.over_grid ? meeting.memory() : SequenceMemory{};
  finish_sequence(launch_backward_sequence(kTarget, layout_of(of, true), sequence));
}

void check_backward(SequenceCase of) {
  // What no kernel is compiled for.
  if (!of.is_held && sequence_threads(product_kind(of.storage, of.tf32), static_cast<int>(of.gates()), true,
                                      of.rows / 8, of.k_parts, 0) == 0) {
    of.k_parts = 2;
  }
  check_against_loops<BackwardArrays, BackwardLoops>(of, launch_case);
}

TEST_CASE("backward sequences in single blocks", "[kernels][sequence]") {
  for (const SequenceCase &of : sequence_cases({1})) {
    check_backward(of);
  }
}

TEST_CASE("backward sequences in clusters", "[kernels][sequence]") {
  for (const SequenceCase &of : sequence_cases({2, 4, 2})) {
    check_backward(of);
  }
  for (const uint32_t blocks : {8, 16}) {
    check_backward(wide_case(rondo::kernels::kGru, 117, blocks));
  }
}

// Planted faults are compiled for this cell and type alone.
void check_one_cell(bool over_grid) {
  for (const Lengths kind : {Lengths::full, Lengths::compact, Lengths::masked}) {
    for (const uint32_t blocks : {2, 4}) {
      SequenceCase of = wide_case(rondo::kernels::kLstm, blocks * 14, blocks, over_grid);
      of.N = 11;
      of.directions = 2;
      of.kind = kind;
      check_backward(of);
    }
  }
}

TEST_CASE("backward sequences of one cell in clusters", "[kernels][sequence]") { check_one_cell(false); }

TEST_CASE("backward sequences of one cell over a grid", "[kernels][sequence]") { check_one_cell(true); }

TEST_CASE("backward sequences with W_hh in registers", "[kernels][sequence]") {
  const rondo_emulator::Machine wide(90, 132);
  for (const SequenceCase &of : held_cases(true)) {
    check_backward(of);
    check_held<BackwardArrays>(of, launch_case);
  }
}

TEST_CASE("backward sequences over a grid", "[kernels][sequence]") {
  for (const SequenceCase &of : sequence_cases({2, 3, 5}, true)) {
    check_backward(of);
  }
  for (const uint32_t blocks : {8, 13}) {
    check_backward(wide_case(rondo::kernels::kGru, 117, blocks, true));
  }
}

TEST_CASE("backward sequences of f32 in single blocks", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(false, {1})) {
    check_backward(of);
  }
}

TEST_CASE("backward sequences of tf32 in single blocks", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(true, {1})) {
    check_backward(of);
  }
}

TEST_CASE("backward sequences of f32 in clusters", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(false, {2, 4, 2})) {
    check_backward(of);
  }
}

TEST_CASE("backward sequences of tf32 in clusters", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(true, {2, 4, 2})) {
    check_backward(of);
  }
}

TEST_CASE("backward sequences of f32 over a grid", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(false, {2, 3, 5}, true)) {
    check_backward(of);
  }
}

TEST_CASE("backward sequences of tf32 over a grid", "[kernels][sequence]") {
  for (const SequenceCase &of : f32_cases(true, {2, 3, 5}, true)) {
    check_backward(of);
  }
}

TEST_CASE("no order of threads changes a backward sequence", "[kernels][sequence]") {
  const bool over_grid = GENERATE(false, true);
  const Storage storage = GENERATE(Storage::bf16, Storage::f32);
  check_orders<BackwardArrays>(rondo::kernels::kLstm, storage, Lengths::compact, over_grid, launch_case,
                               [](const BackwardArrays &arrays) { return arrays.dh.values(); });
}

}  // namespace
}  // namespace rondo_test
