// The backward kernel of a step and the kernels around the projection, against plain loops. The step before is the
// history or, for rows that began here, the initial state.
#include "kernel_cases.h"

namespace rondo_test {
namespace {

using namespace rondo::kernels::cuda;

// One row's previous c and h come from the step before only where it ran there.
struct Backward {
  Backward(const Case &given, int64_t gates_of_cell, bool splits, int64_t of_rows, int64_t of_previous_t)
      : of(given), G(gates_of_cell), rows(of_rows), previous_t(of_previous_t) {
    const Storage C = of.arithmetic();
    if (of.projects) {
      d_projected = random_array(C, rows * of.H, 1);
    } else {
      dy = random_array(C, rows * of.row, 2, of.shift);
      dh = random_array(C, of.N * of.H, 3);
    }
    dc = random_array(C, of.N * of.H, 4);
    gates = random_array(C, rows * G * of.H, 5);
    extra = random_array(C, rows * of.H, 6);
    c_before = random_array(C, of.N * of.H, 7);
    c_initial = random_array(C, of.N * of.H, 8);
    h_before = random_array(of.storage, of.N * of.row, 9);
    h_initial = random_array(of.storage, of.N * of.H, 10);
    dx = Array(of.storage, rows * G * of.H);
    if (splits) {
      dh_gates = Array(of.storage, rows * G * of.H);
    }
  }
  BackwardDirection direction() {
    return {rows,
            of.t,
            previous_t,
            from_steps,
            dy.data(),
            of.row,
            d_projected.data(),
            dh.data(),
            dc.data(),
            gates.data(),
            extra.data(),
            c_before.data(),
            c_initial.data(),
            h_before.data(),
            of.row,
            h_initial.data(),
            dx.data(),
            dh_gates.data()};
  }

  Case of;
  int64_t G, rows, previous_t, from_steps = 2;
  Array dy, d_projected, dh, dc, gates, extra, c_before, c_initial, h_before, h_initial, dx, dh_gates;
};

template <class Cell>
class BackwardExpected {
 public:
  explicit BackwardExpected(Backward &given)
      : given_(given),
        dh_(given.dh.values()),
        dc_(given.dc.values()),
        dx_(given.dx.values()),
        dh_gates_(given.dh_gates.values()) {
    for (int64_t r = 0; r < given.rows; ++r) {
      for (int64_t j = 0; j < given.of.H; ++j) {
        unit(r, j);
      }
    }
  }

  void check() const {
    check_values(given_.dh, dh_, kRoundings);
    check_values(given_.dc, dc_, kRoundings);
    check_values(given_.dx, dx_, kRoundings);
    check_values(given_.dh_gates, dh_gates_, kRoundings);
  }

 private:
  void unit(int64_t r, int64_t j) {
    constexpr int G = Cell::kGates;
    const Case &of = given_.of;
    const int64_t element = r * of.H + j;
    double gate[G];
    for (int g = 0; g < G; ++g) {
      gate[g] = given_.gates.at((r * G + g) * of.H + j);
    }
    const bool masked = of.is_masked(r, of.t);
    const bool from_step = r < given_.from_steps && !of.is_masked(r, given_.previous_t);
    const double c = from_step ? given_.c_before.at(element) : given_.c_initial.at(element);
    const double h = from_step ? given_.h_before.at(r * of.row + j) : given_.h_initial.at(element);
    const double dh = of.projects ? given_.d_projected.at(element) : item(dh_, element) + given_.dy.at(r * of.row + j);
    double dc = item(dc_, element);
    const auto out = Cell::backward(gate, given_.extra.at(element), c, h, dh, dc);
    for (int g = 0; g < G; ++g) {
      item(dx_, (r * G + g) * of.H + j) = masked ? 0 : out.dx[g];
      if (Cell::kSplitsGradient) {
        item(dh_gates_, (r * G + g) * of.H + j) = masked ? 0 : out.dh_gate[g];
      }
    }
    if (!masked && !of.projects) {
      item(dh_, element) = Cell::kUsesPreviousHidden ? out.direct : 0;
    }
    if (!masked && Cell::kHasCellState) {
      item(dc_, element) = dc;
    }
  }

  const Backward &given_;
  std::vector<double> dh_, dc_, dx_, dh_gates_;
};

template <class Cell>
void check_backward(int64_t cell) {
  CAPTURE(cell);
  for_each_case(cell == rondo::kernels::kLstm, [&](const Case &of) {
    Backward first(of, Cell::kGates, Cell::kSplitsGradient, 3, of.t - 1);
    Backward second(of, Cell::kGates, Cell::kSplitsGradient, 2, of.t + 1);
    const BackwardExpected<Cell> expected[] = {BackwardExpected<Cell>(first), BackwardExpected<Cell>(second)};
    finish(launch_backward_step(
        kTarget, {cell, of.storage, of.H, of.projects, of.mask(), 2, {first.direction(), second.direction()}}));
    expected[0].check();
    expected[1].check();
  });
}

TEST_CASE("a backward step of every cell", "[kernels]") {
  check_backward<RnnTanhCell>(rondo::kernels::kRnnTanh);
  check_backward<RnnReluCell>(rondo::kernels::kRnnRelu);
  check_backward<LstmCell>(rondo::kernels::kLstm);
  check_backward<GruCell>(rondo::kernels::kGru);
}

TEST_CASE("what is around the projection's products", "[kernels]") {
  for_each_case(false, [](const Case &of) {
    const Storage C = of.arithmetic();
    Array product = random_array(C, of.N * of.H, 1, of.shift);
    Array state = random_array(of.storage, of.N * of.H, 2);
    Array history(of.storage, of.N * of.row);
    Array dy = random_array(C, of.N * of.row, 3);
    Array dh = random_array(C, of.N * of.H, 4, of.shift);
    Array d_output(of.storage, of.N * of.H);
    std::vector<double> state_after = state.values();
    std::vector<double> history_after = history.values();
    std::vector<double> dh_after = dh.values();
    std::vector<double> d_output_after = d_output.values();
    std::vector<double> h = product.values();
    std::vector<double> gradient = dy.values();
    for (int64_t r = 0; r < of.N; ++r) {
      for (int64_t j = 0; j < of.H; ++j) {
        const int64_t k = r * of.H + j;
        const bool masked = of.is_masked(r, of.t);
        item(history_after, r * of.row + j) = masked ? 0 : item(h, k);
        item(state_after, k) = masked ? item(state_after, k) : item(h, k);
        item(d_output_after, k) = masked ? 0 : item(dh_after, k) + item(gradient, r * of.row + j);
        item(dh_after, k) = masked ? item(dh_after, k) : 0;
      }
    }
    const ProjectionDirection direction{of.N,   of.t,      product.data(), state.data(), history.data(),
                                        of.row, dy.data(), of.row,         dh.data(),    d_output.data()};
    const ProjectionStep step{of.storage, of.H, of.mask(), 1, {direction, {}}};
    finish(launch_projected_state(kTarget, step));
    check_values(state, state_after, 1);
    check_values(history, history_after, 1);
    finish(launch_projection_gradient(kTarget, step));
    check_values(d_output, d_output_after, 2);
    check_values(dh, dh_after);
  });
}

}  // namespace
}  // namespace rondo_test
