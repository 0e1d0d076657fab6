// The forward kernel of a step against plain loops: masks, absent inputs, training or not, both directions at once.
// Rows that a direction does not have stay poisoned.
#include "kernel_cases.h"

namespace rondo_test {
namespace {

using namespace rondo::kernels::cuda;

// Arrays of one direction; G of the cell. A row count below N leaves the rows beyond untouched.
struct Forward {
  Forward(const Case &given, int64_t gates, int64_t of_rows, bool has_recurrent, bool training)
      : of(given), G(gates), rows(of_rows) {
    const Storage C = of.arithmetic();
    pre = random_array(C, rows * G * of.H, 1, of.shift);
    bias_ih = random_array(of.storage, G * of.H, 2);
    if (has_recurrent) {
      recurrent = random_array(C, rows * G * of.H, 3);
      bias_hh = random_array(of.storage, G * of.H, 4);
    }
    state = random_array(of.storage, of.N * of.H, 5);
    c = random_array(C, of.N * of.H, 6);
    history = Array(of.storage, rows * of.row);
    projected = Array(of.storage, rows * of.H);
    if (training) {
      gates_out = Array(C, rows * G * of.H);
      extra = Array(C, rows * of.H);
    }
  }
  ForwardDirection direction() {
    return {rows,     of.t,           pre.data(), recurrent.data(), bias_ih.data(),   bias_hh.data(), state.data(),
            c.data(), history.data(), of.row,     projected.data(), gates_out.data(), extra.data()};
  }

  Case of;
  int64_t G, rows;
  Array pre, recurrent, bias_ih, bias_hh, state, c, history, projected, gates_out, extra;
};

template <class Cell>
class ForwardExpected {
 public:
  explicit ForwardExpected(Forward &given)
      : given_(given),
        state_(given.state.values()),
        c_(given.c.values()),
        history_(given.history.values()),
        projected_(given.projected.values()),
        gates_(given.gates_out.values()),
        extra_(given.extra.values()) {
    for (int64_t r = 0; r < given.rows; ++r) {
      for (int64_t j = 0; j < given.of.H; ++j) {
        unit(r, j);
      }
    }
  }

  void check() const {
    check_values(given_.state, state_, kRoundings);
    check_values(given_.c, c_, kRoundings);
    check_values(given_.history, history_, kRoundings);
    check_values(given_.projected, projected_, kRoundings);
    if (!given_.gates_out.is_absent()) {
      check_values(given_.gates_out, gates_, kRoundings);
      check_values(given_.extra, extra_, kRoundings);
    }
  }

 private:
  void unit(int64_t r, int64_t j) {
    constexpr int G = Cell::kGates;
    const Case &of = given_.of;
    const int64_t element = r * of.H + j;
    double x[G];
    double h[G];
    for (int g = 0; g < G; ++g) {
      const int64_t column = g * of.H + j;
      x[g] = given_.pre.at(r * G * of.H + column) + given_.bias_ih.at(column);
      h[g] = given_.recurrent.at(r * G * of.H + column) + given_.bias_hh.at(column);
    }
    const bool masked = of.is_masked(r, of.t);
    const auto out = Cell::forward(x, h, item(state_, element), item(c_, element));
    double &h_new = of.projects ? item(projected_, element) : item(history_, r * of.row + j);
    h_new = masked ? 0 : out.h;
    if (!masked && !of.projects) {
      item(state_, element) = out.h;
    }
    if (!masked && Cell::kHasCellState) {
      item(c_, element) = out.extra;
    }
    if (!gates_.empty()) {
      for (int g = 0; g < G; ++g) {
        item(gates_, (r * G + g) * of.H + j) = masked ? 0 : out.gate[g];
      }
      if (Cell::kHasExtra) {
        item(extra_, element) = Cell::kHasCellState ? item(c_, element) : masked ? 0 : out.extra;
      }
    }
  }

  const Forward &given_;
  std::vector<double> state_, c_, history_, projected_, gates_, extra_;
};

template <class Cell>
void check_forward(int64_t cell) {
  CAPTURE(cell);
  for_each_case(cell == rondo::kernels::kLstm, [&](const Case &of) {
    for (const bool training : {false, true}) {
      Forward first(of, Cell::kGates, 3, training, training);
      Forward second(of, Cell::kGates, 2, true, !training);
      const ForwardExpected<Cell> expected[] = {ForwardExpected<Cell>(first), ForwardExpected<Cell>(second)};
      finish(launch_forward_step(
          kTarget, {cell, of.storage, of.H, of.projects, of.mask(), 2, {first.direction(), second.direction()}}));
      expected[0].check();
      expected[1].check();
    }
  });
}

TEST_CASE("a forward step of every cell", "[kernels]") {
  check_forward<RnnTanhCell>(rondo::kernels::kRnnTanh);
  check_forward<RnnReluCell>(rondo::kernels::kRnnRelu);
  check_forward<LstmCell>(rondo::kernels::kLstm);
  check_forward<GruCell>(rondo::kernels::kGru);
}

TEST_CASE("a step shows NaN and bears infinities", "[kernels]") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Storage storage : kAllStorages) {
    for (const int64_t cell : {int64_t{rondo::kernels::kRnnTanh}, int64_t{rondo::kernels::kRnnRelu}}) {
      Array pre(arithmetic_of(storage), {kPoison, infinity, -infinity, 1000});
      Array state(storage, std::vector<double>(4, 0));
      Array history(storage, 4);
      ForwardDirection direction{};
      direction.rows = 1;
      direction.pre = pre.data();
      direction.state = state.data();
      direction.history = history.data();
      direction.history_row = 4;
      finish(launch_forward_step(kTarget, {cell, storage, 4, false, nullptr, 1, {direction, {}}}));
      const bool bounded = cell == rondo::kernels::kRnnTanh;
      check_values(history, {kPoison, bounded ? 1 : infinity, bounded ? -1.0 : 0.0, bounded ? 1.0 : 1000.0});
    }
    Array pre(arithmetic_of(storage), {1000, -1000, infinity, -infinity, kPoison, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1});
    Array state(storage, {1, 1, 1, 1, 1});
    Array history(storage, 5);
    Array gates(arithmetic_of(storage), 15);
    Array extra(arithmetic_of(storage), 5);
    ForwardDirection direction{};
    direction.rows = 1;
    direction.pre = pre.data();
    direction.state = state.data();
    direction.history = history.data();
    direction.history_row = 5;
    direction.gates = gates.data();
    direction.extra = extra.data();
    finish(launch_forward_step(kTarget, {rondo::kernels::kGru, storage, 5, false, nullptr, 1, {direction, {}}}));
    std::vector<double> reset = gates.values();
    reset.resize(5);
    check_values(Array(Storage::f64, reset), {1, 0, 1, 0, kPoison});
  }
}

TEST_CASE("a step of no rows, of no such cell or of no such storage", "[kernels]") {
  ForwardStep step{rondo::kernels::kLstm, Storage::f32, 4, false, nullptr, 2, {}};
  const int64_t before = rondo_emulator::operations_run();
  finish(launch_forward_step(kTarget, step));
  CHECK(rondo_emulator::operations_run() == before);
  step.cell = rondo::kernels::kCells;
  CHECK(launch_forward_step(kTarget, step) == cudaErrorInvalidValue);
  step.storage = static_cast<Storage>(rondo::kernels::kStorages);
  CHECK(launch_forward_step(kTarget, step) == cudaErrorInvalidValue);
}

TEST_CASE("kernels and the cells' own facts agree", "[kernels]") {
  CHECK(cell_facts(rondo::kernels::kGru).gates == GruCell::kGates);
  CHECK(cell_facts(rondo::kernels::kGru).splits_gradient);
  CHECK(cell_facts(rondo::kernels::kLstm).has_cell_state);
  CHECK_FALSE(cell_facts(rondo::kernels::kRnnRelu).has_extra);
}

}  // namespace
}  // namespace rondo_test
