// The forward sequence kernels of an LSTM with a projection against plain loops, in every tier and with every kind of
// lengths; and that no order of threads changes a bit.
#include "persistent_projected_cases.h"

namespace rondo_test {
namespace {

using namespace rondo::kernels::cuda;

struct ForwardArrays {
  ForwardArrays(const SequenceCase &given, const SequenceRows &rows, uint32_t seed) : of(given) {
    const int64_t H = of.H;
    pre = random_array(Storage::f32, rows.all() * 4 * H, seed + 1, of.shift);
    weight_hh = weight_of(of, 4 * H, of.P, seed + 2);
    weight_hr = weight_of(of, of.P, H, seed + 3);
    if (seed % 2 == 0) {
      bias_ih = scaled_array(of.storage, 4 * H, seed + 4, 0.3, of.shift);
    }
    bias_hh = scaled_array(of.storage, 4 * H, seed + 5, 0.3, of.shift);
    state = scaled_array(of.storage, of.N * of.P, seed + 6, 0.5, of.shift);
    c = random_array(Storage::f32, of.N * H, seed + 7, of.shift);
    history = Array(of.storage, rows.all() * of.history_row(), of.shift);
    if (of.training) {
      gates = Array(Storage::f32, rows.all() * 4 * H, of.shift);
      extra = Array(Storage::f32, rows.all() * H, of.shift);
      projected = Array(of.storage, rows.all() * H, of.shift);
    }
  }
  ForwardSequenceDirection direction(int64_t first_row) {
    return {static_cast<const float *>(pre.data()) + first_row * 4 * of.H,
            weight_hh.data(),
            bias_ih.data(),
            bias_hh.data(),
            state.data(),
            c.data(),
            history.data(),
            of.history_row(),
            gates.data(),
            extra.data(),
            weight_hr.data(),
            projected.data()};
  }

  SequenceCase of;
  Array pre, weight_hh, weight_hr, bias_ih, bias_hh, state, c, history, gates, extra, projected;
};

class ForwardLoops {
 public:
  ForwardLoops(const ForwardArrays &given, const SequenceRows &rows, int direction)
      : given_(given),
        weight_hh_(given.weight_hh.values()),
        weight_hr_(given.weight_hr.values()),
        state_(given.state.values()),
        c_(given.c.values()),
        history_(given.history.values()),
        gates_(given.gates.values()),
        extra_(given.extra.values()),
        projected_(given.projected.values()) {
    for (int64_t position = 0; position < given.of.T; ++position) {
      const int64_t t = rows.step_at(direction, position);
      for (int64_t r = 0; r < rows.places(t); ++r) {
        row(rows.offset(t) + r, r, rows.runs(t, r));
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
      check_near("projected", given_.of, given_.projected, projected_);
    }
  }

 private:
  void row(int64_t place, int64_t r, bool runs) {
    const SequenceCase &of = given_.of;
    Values h(static_cast<size_t>(of.H));
    for (int64_t j = 0; j < of.H; ++j) {
      item(h, j) = unit(place, r, j, runs);
    }
    for (int64_t p = 0; p < of.P; ++p) {
      double sum = 0;
      for (int64_t j = 0; j < of.H; ++j) {
        sum += item(weight_hr_, p * of.H + j) * item(h, j);
      }
      item(history_, place * of.history_row() + p) = runs ? sum : 0;
      double &state = item(state_, r * of.P + p);
      state = runs ? rounded(of, sum) : state;
    }
  }

  // The unit's o*tanh(c).
  double unit(int64_t place, int64_t r, int64_t j, bool runs) {
    const SequenceCase &of = given_.of;
    double x[4];
    double h[4];
    for (int g = 0; g < 4; ++g) {
      const int64_t column = g * of.H + j;
      x[g] = given_.pre.at(place * 4 * of.H + column) + given_.bias_ih.at(column);
      h[g] = given_.bias_hh.at(column);
      for (int64_t k = 0; k < of.P; ++k) {
        h[g] += item(weight_hh_, column * of.P + k) * item(state_, r * of.P + k);
      }
    }
    double &c = item(c_, r * of.H + j);
    const auto out = LstmCell::forward(x, h, 0.0, c);
    c = runs ? out.extra : c;
    if (of.training) {
      for (int g = 0; g < 4; ++g) {
        item(gates_, (place * 4 + g) * of.H + j) = runs ? out.gate[g] : 0;
      }
      item(extra_, place * of.H + j) = c;
      item(projected_, place * of.H + j) = runs ? out.h : 0;
    }
    return rounded(of, out.h);
  }

  const ForwardArrays &given_;
  Values weight_hh_, weight_hr_, state_, c_, history_, gates_, extra_, projected_;
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

void check_forward(const SequenceCase &of) {
  check_projected<ForwardArrays, ForwardLoops>(compiled(of, false), launch_all);
}

TEST_CASE("forward sequences with a projection in single blocks", "[kernels][sequence]") {
  for (const SequenceCase &of : projected_cases({1})) {
    check_forward(of);
  }
}

TEST_CASE("forward sequences with a projection in clusters", "[kernels][sequence]") {
  for (const SequenceCase &of : projected_cases({2, 4, 8})) {
    check_forward(of);
  }
  check_forward(wide_projection(120, 100, 8, false));
  check_forward(wide_projection(240, 17, 16, false));
  check_forward(wide_projection(90, 12, 2, false));
}

TEST_CASE("forward sequences with a projection over a grid", "[kernels][sequence]") {
  for (const SequenceCase &of : projected_cases({2, 3, 5}, true)) {
    check_forward(of);
  }
  check_forward(wide_projection(120, 100, 13, true));
  check_forward(wide_projection(240, 17, 15, true));
}

TEST_CASE("no order of threads changes a forward sequence with a projection", "[kernels][sequence]") {
  const bool over_grid = GENERATE(false, true);
  check_same<ForwardArrays>(over_grid, launch_all, [](const ForwardArrays &all) { return all.history.values(); });
}

TEST_CASE("a projection that no kernel takes", "[kernels][sequence]") {
  SequenceCase of = wide_projection(48, 20, 1, false);
  const SequenceRows rows(of);
  auto sequence = sequence_of<ForwardSequence>(of, rows);
  sequence.last = of.T;
  const SequenceLayout layout = layout_of(of, false);
  const int64_t before = rondo_emulator::operations_run();
  const auto refused = [&](auto change) {
    ForwardSequence other = sequence;
    change(other);
    return launch_forward_sequence(kTarget, layout, other) == cudaErrorInvalidValue;
  };
  CHECK(refused([](ForwardSequence &other) { other.P = 48; }));
  CHECK(refused([](ForwardSequence &other) { other.P = -1; }));
  CHECK(refused([](ForwardSequence &other) { other.cell = rondo::kernels::kGru; }));
  CHECK(refused([](ForwardSequence &other) { other.storage = Storage::f32; }));
  SequenceLayout held = layout;
  held.held = 8;
  CHECK(launch_forward_sequence(kTarget, held, sequence) == cudaErrorInvalidValue);
  CHECK(rondo_emulator::operations_run() == before);
}

}  // namespace
}  // namespace rondo_test
