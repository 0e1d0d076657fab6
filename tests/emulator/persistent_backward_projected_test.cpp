// The backward sequence kernels of an LSTM with a projection against plain loops, in every tier and with every kind of
// lengths; and that no order of threads changes a bit.
#include "persistent_projected_cases.h"

namespace rondo_test {
namespace {

using namespace rondo::kernels::cuda;

struct BackwardArrays {
  BackwardArrays(const SequenceCase &given, const SequenceRows &rows, uint32_t seed) : of(given) {
    const int64_t H = of.H;
    dy = scaled_array(Storage::f32, rows.all() * of.history_row(), seed + 1, 0.5, of.shift);
    weight_hh = weight_of(of, of.P, 4 * H, seed + 2);  // as wide, transposed
    weight_hr = weight_of(of, H, of.P, seed + 3);
    dh = scaled_array(Storage::f32, of.N * of.P, seed + 4, 0.5, of.shift);
    dc = scaled_array(Storage::f32, of.N * H, seed + 5, 0.5, of.shift);
    gates = scaled_array(Storage::f32, rows.all() * 4 * H, seed + 6, 0.5, of.shift);
    extra = scaled_array(Storage::f32, rows.all() * H, seed + 7, 0.5, of.shift);
    c_initial = scaled_array(Storage::f32, of.N * H, seed + 8, 0.5, of.shift);
    dx = Array(of.storage, rows.all() * 4 * H, of.shift);
    d_output = Array(of.storage, rows.all() * of.P, of.shift);
  }
  BackwardSequenceDirection direction() {
    return {dy.data(),    of.history_row(), weight_hh.data(), dh.data(),        dc.data(),
            gates.data(), extra.data(),     c_initial.data(), nullptr,          0,
            nullptr,      dx.data(),        nullptr,          weight_hr.data(), d_output.data()};
  }

  SequenceCase of;
  Array dy, weight_hh, weight_hr, dh, dc, gates, extra, c_initial, dx, d_output;
};

class BackwardLoops {
 public:
  BackwardLoops(const BackwardArrays &given, const SequenceRows &rows, int direction)
      : given_(given),
        rows_(rows),
        direction_(direction),
        weight_hh_(given.weight_hh.values()),
        weight_hr_(given.weight_hr.values()),
        dh_(given.dh.values()),
        dc_(given.dc.values()),
        dx_(given.dx.values()),
        d_output_(given.d_output.values()) {
    for (int64_t position = given.of.T - 1; position >= 0; --position) {
      const int64_t t = rows.step_at(direction, position);
      for (int64_t r = 0; r < rows.places(t); ++r) {
        row(position, r);
      }
    }
  }

  void check() const {
    check_near("dh", given_.of, given_.dh, dh_);
    check_near("dc", given_.of, given_.dc, dc_);
    check_near("dx", given_.of, given_.dx, dx_);
    check_near("d_output", given_.of, given_.d_output, d_output_);
  }

 private:
  void row(int64_t position, int64_t r) {
    const SequenceCase &of = given_.of;
    const int64_t t = rows_.step_at(direction_, position);
    const int64_t place = rows_.offset(t) + r;
    const bool runs = rows_.runs(t, r);
    Values of_outputs(static_cast<size_t>(of.P));
    for (int64_t p = 0; p < of.P; ++p) {
      const double whole = item(dh_, r * of.P + p) + given_.dy.at(place * of.history_row() + p);
      item(d_output_, place * of.P + p) = runs ? whole : 0;
      item(of_outputs, p) = rounded(of, whole);
      item(dh_, r * of.P + p) = runs ? 0 : item(dh_, r * of.P + p);
    }
    for (int64_t j = 0; j < of.H; ++j) {
      double dh = 0;
      for (int64_t p = 0; p < of.P; ++p) {
        dh += item(weight_hr_, p * of.H + j) * item(of_outputs, p);
      }
      unit(position, r, j, dh);
    }
  }

  void unit(int64_t position, int64_t r, int64_t j, double dh) {
    const SequenceCase &of = given_.of;
    const int64_t t = rows_.step_at(direction_, position);
    const int64_t before = rows_.step_at(direction_, position - 1);
    const int64_t place = rows_.offset(t) + r;
    const bool runs = rows_.runs(t, r);
    double gate[4];
    for (int g = 0; g < 4; ++g) {
      gate[g] = given_.gates.at((place * 4 + g) * of.H + j);
    }
    const double c_before = rows_.runs(before, r) ? given_.extra.at((rows_.offset(before) + r) * of.H + j)
                                                  : given_.c_initial.at(r * of.H + j);
    double dc = item(dc_, r * of.H + j);
    const auto out = LstmCell::backward(gate, given_.extra.at(place * of.H + j), c_before, 0.0, dh, dc);
    item(dc_, r * of.H + j) = runs ? dc : item(dc_, r * of.H + j);
    for (int g = 0; g < 4; ++g) {
      item(dx_, (place * 4 + g) * of.H + j) = runs ? out.dx[g] : 0;
      for (int64_t p = 0; runs && p < of.P; ++p) {
        item(dh_, r * of.P + p) += item(weight_hh_, (g * of.H + j) * of.P + p) * rounded(of, out.dx[g]);
      }
    }
  }

  const BackwardArrays &given_;
  const SequenceRows &rows_;
  int direction_;
  Values weight_hh_, weight_hr_, dh_, dc_, dx_, d_output_;
};

void launch_all(const SequenceCase &of, const SequenceRows &rows, std::vector<BackwardArrays> &arrays) {
  auto sequence = sequence_of<BackwardSequence>(of, rows);
  for (int k = 0; k < of.directions; ++k) {
    sequence.direction[k] = arrays[static_cast<size_t>(k)].direction();
  }
  const SequenceMeeting meeting(of, true);
  sequence.memory = of.over_grid ? meeting.memory() : SequenceMemory{};
  finish_sequence(launch_backward_sequence(kTarget, layout_of(of, true), sequence));
}

void check_backward(const SequenceCase &of) {
  check_projected<BackwardArrays, BackwardLoops>(compiled(of, true), launch_all);
}

TEST_CASE("backward sequences with a projection in single blocks", "[kernels][sequence]") {
  for (const SequenceCase &of : projected_cases({1})) {
    check_backward(of);
  }
}

TEST_CASE("backward sequences with a projection in clusters", "[kernels][sequence]") {
  for (const SequenceCase &of : projected_cases({2, 4, 8})) {
    check_backward(of);
  }
  check_backward(wide_projection(120, 100, 8, false));
  check_backward(wide_projection(240, 17, 16, false));
  check_backward(wide_projection(90, 12, 2, false));
}

TEST_CASE("backward sequences with a projection over a grid", "[kernels][sequence]") {
  for (const SequenceCase &of : projected_cases({2, 3, 5}, true)) {
    check_backward(of);
  }
  check_backward(wide_projection(120, 100, 13, true));
  check_backward(wide_projection(240, 17, 15, true));
}

TEST_CASE("no order of threads changes a backward sequence with a projection", "[kernels][sequence]") {
  const bool over_grid = GENERATE(false, true);
  check_same<BackwardArrays>(over_grid, launch_all, [](const BackwardArrays &all) { return all.dh.values(); });
}

}  // namespace
}  // namespace rondo_test
