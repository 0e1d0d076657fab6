// Layers, directions, lengths and dropout around the cell's step, one row at a time.
// Steps are numbered twice: t in time, s in the order a direction processes them (reverse: t = length - 1 - s).
#include "oracle.h"

#include "cell_step.h"
#include "philox.h"

namespace rondo::test {
namespace {

using std::int64_t;
using Doubles = std::vector<double>;

std::size_t to_size(int64_t value) { return static_cast<std::size_t>(value); }

// One direction of one layer over one row. Index 0 of h and c is the initial state.
struct Track {
  Doubles h, c;         // [length+1, O], [length+1, H]
  Doubles gates;        // [length, G*H]
  Doubles recurrent_n;  // [length, H]
  Doubles unprojected;  // [length, H]
};

class RowOracle {
 public:
  RowOracle(const Problem &problem, const Values &values, Results &results, int64_t row)
      : problem_(problem), values_(values), results_(results), row_(row), length_(problem.length(row)) {}

  void forward();
  void backward();

 private:
  template <class Value, class Arrays>
  LayerParams<Value> layer_params(Arrays &arrays, int64_t layer, int64_t direction) const;
  // First element of this row's state of a layer and direction in [L*D, N, width].
  int64_t state_offset(int64_t layer, int64_t direction, int64_t width) const {
    return ((layer * problem_.D + direction) * problem_.N + problem_.state_row(row_)) * width;
  }
  int64_t time_of(int64_t s, int64_t direction) const { return direction == 1 ? length_ - 1 - s : s; }
  double mask(int64_t layer, int64_t feature, int64_t t) const;
  double rounded(double value) const {
    return problem_.storage_rounding == nullptr ? value : problem_.storage_rounding(value);
  }
  StepRecord record(Track &track, int64_t layer, int64_t direction, int64_t s);
  void run_track(int64_t layer, int64_t direction, Doubles &output);
  void run_track_backward(int64_t layer, int64_t direction, const Doubles &doutput, Doubles &dinput);

  const Problem &problem_;
  const Values &values_;
  Results &results_;
  const int64_t row_, length_;
  std::vector<Doubles> inputs_;  // per layer: [length, in], after dropout
  std::vector<Track> tracks_;    // per layer and direction
};

template <class Value, class Arrays>
LayerParams<Value> RowOracle::layer_params(Arrays &arrays, int64_t layer, int64_t direction) const {
  const int64_t each = 2 + (problem_.bias ? 2 : 0) + (problem_.P > 0 ? 1 : 0);
  std::size_t index = to_size((layer * problem_.D + direction) * each);
  LayerParams<Value> params;
  params.weight_ih = arrays[index++].data();
  params.weight_hh = arrays[index++].data();
  if (problem_.bias) {
    params.bias_ih = arrays[index++].data();
    params.bias_hh = arrays[index++].data();
  }
  if (problem_.P > 0) params.weight_hr = arrays[index].data();
  return params;
}

double RowOracle::mask(int64_t layer, int64_t feature, int64_t t) const {
  if (!problem_.training || problem_.dropout <= 0) return 1.0;
  return dropout_factor(problem_.dropout, problem_.seed, problem_.offset, {layer, feature, row_, t});
}

StepRecord RowOracle::record(Track &track, int64_t layer, int64_t direction, int64_t s) {
  const int64_t H = problem_.H;
  const int64_t O = problem_.O();
  StepRecord step;
  step.x = inputs_[to_size(layer)].data() + time_of(s, direction) * problem_.layer_input(layer);
  step.h_before = track.h.data() + s * O;
  step.c_before = track.c.data() + s * H;
  step.gates = track.gates.data() + s * problem_.gates() * H;
  step.recurrent_n = track.recurrent_n.data() + s * H;
  step.c = track.c.data() + (s + 1) * H;
  step.unprojected = track.unprojected.data() + s * H;
  step.h = track.h.data() + (s + 1) * O;
  return step;
}

void RowOracle::run_track(int64_t layer, int64_t direction, Doubles &output) {
  const int64_t H = problem_.H;
  const int64_t O = problem_.O();
  Track &track = tracks_[to_size(layer * problem_.D + direction)];
  track.h.assign(to_size((length_ + 1) * O), 0.0);
  track.c.assign(to_size((length_ + 1) * H), 0.0);
  track.gates.assign(to_size(length_ * problem_.gates() * H), 0.0);
  track.recurrent_n.assign(to_size(length_ * H), 0.0);
  track.unprojected.assign(to_size(length_ * H), 0.0);
  const int64_t h_offset = state_offset(layer, direction, O);
  const int64_t c_offset = state_offset(layer, direction, H);
  if (!values_.h0.empty()) {
    for (int64_t k = 0; k < O; ++k) track.h[to_size(k)] = values_.h0[to_size(h_offset + k)];
  }
  if (!values_.c0.empty()) {
    for (int64_t k = 0; k < H; ++k) track.c[to_size(k)] = values_.c0[to_size(c_offset + k)];
  }
  const auto params = layer_params<const double>(values_.params, layer, direction);
  for (int64_t s = 0; s < length_; ++s) {
    StepRecord step = record(track, layer, direction, s);
    step_forward(problem_, problem_.layer_input(layer), params, step);
    const int64_t at = time_of(s, direction) * problem_.width() + direction * O;
    for (int64_t k = 0; k < O; ++k) output[to_size(at + k)] = step.h[k];
  }
  for (int64_t k = 0; k < O; ++k) results_.hn[to_size(h_offset + k)] = track.h[to_size(length_ * O + k)];
  if (!problem_.is_lstm()) return;
  for (int64_t k = 0; k < H; ++k) results_.cn[to_size(c_offset + k)] = track.c[to_size(length_ * H + k)];
}

void RowOracle::forward() {
  tracks_.resize(to_size(problem_.L * problem_.D));
  Doubles input;
  for (int64_t t = 0; t < length_; ++t) {
    const int64_t from = problem_.position(t, row_) * problem_.I;
    for (int64_t k = 0; k < problem_.I; ++k) input.push_back(values_.x[to_size(from + k)]);
  }
  for (int64_t layer = 0; layer < problem_.L; ++layer) {
    inputs_.push_back(input);
    Doubles output(to_size(length_ * problem_.width()));
    for (int64_t direction = 0; direction < problem_.D; ++direction) run_track(layer, direction, output);
    if (layer + 1 < problem_.L) {
      for (int64_t k = 0; k < length_ * problem_.width(); ++k) {
        output[to_size(k)] = rounded(output[to_size(k)] * mask(layer, k % problem_.width(), k / problem_.width()));
      }
    }
    input = output;
  }
  for (int64_t t = 0; t < length_; ++t) {
    const int64_t to = problem_.position(t, row_) * problem_.width();
    for (int64_t k = 0; k < problem_.width(); ++k) {
      results_.y[to_size(to + k)] = input[to_size(t * problem_.width() + k)];
    }
  }
}

void RowOracle::run_track_backward(int64_t layer, int64_t direction, const Doubles &doutput, Doubles &dinput) {
  const int64_t H = problem_.H;
  const int64_t O = problem_.O();
  const int64_t in = problem_.layer_input(layer);
  Track &track = tracks_[to_size(layer * problem_.D + direction)];
  const int64_t h_offset = state_offset(layer, direction, O);
  const int64_t c_offset = state_offset(layer, direction, H);
  Doubles dh(to_size(O), 0.0);
  Doubles dc(to_size(H), 0.0);
  if (!values_.dhn.empty()) {
    for (int64_t k = 0; k < O; ++k) dh[to_size(k)] = values_.dhn[to_size(h_offset + k)];
  }
  if (problem_.is_lstm() && !values_.dcn.empty()) {
    for (int64_t k = 0; k < H; ++k) dc[to_size(k)] = values_.dcn[to_size(c_offset + k)];
  }
  const auto params = layer_params<const double>(values_.params, layer, direction);
  const auto gradients = layer_params<double>(results_.dparams, layer, direction);
  for (int64_t s = length_ - 1; s >= 0; --s) {
    const int64_t t = time_of(s, direction);
    for (int64_t k = 0; k < O; ++k) dh[to_size(k)] += doutput[to_size(t * problem_.width() + direction * O + k)];
    const StepRecord step = record(track, layer, direction, s);
    step_backward(problem_, in, params, step, dh.data(), dc.data(), dinput.data() + t * in, gradients);
  }
  for (int64_t k = 0; k < O; ++k) results_.dh0[to_size(h_offset + k)] = dh[to_size(k)];
  if (!problem_.is_lstm()) return;
  for (int64_t k = 0; k < H; ++k) results_.dc0[to_size(c_offset + k)] = dc[to_size(k)];
}

void RowOracle::backward() {
  Doubles doutput(to_size(length_ * problem_.width()), 0.0);
  if (!values_.dy.empty()) {
    for (int64_t t = 0; t < length_; ++t) {
      const int64_t from = problem_.position(t, row_) * problem_.width();
      for (int64_t k = 0; k < problem_.width(); ++k) {
        doutput[to_size(t * problem_.width() + k)] = values_.dy[to_size(from + k)];
      }
    }
  }
  for (int64_t layer = problem_.L - 1; layer >= 0; --layer) {
    Doubles dinput(to_size(length_ * problem_.layer_input(layer)), 0.0);
    for (int64_t direction = 0; direction < problem_.D; ++direction) {
      run_track_backward(layer, direction, doutput, dinput);
    }
    if (layer > 0) {
      for (int64_t k = 0; k < length_ * problem_.width(); ++k) {
        dinput[to_size(k)] = rounded(dinput[to_size(k)]) * mask(layer - 1, k % problem_.width(), k / problem_.width());
      }
    }
    doutput = dinput;
  }
  for (int64_t t = 0; t < length_; ++t) {
    const int64_t to = problem_.position(t, row_) * problem_.I;
    for (int64_t k = 0; k < problem_.I; ++k) {
      results_.dx[to_size(to + k)] = doutput[to_size(t * problem_.I + k)];
    }
  }
}

}  // namespace

Results run_oracle(const Problem &problem, const Values &values, Direction direction) {
  const bool backward = direction == Direction::forward_and_backward;
  Results results;
  results.y.assign(to_size(problem.positions() * problem.width()), problem.padding_value);
  results.hn.assign(to_size(problem.state_size()), 0.0);
  results.cn.assign(to_size(problem.cell_state_size()), 0.0);
  if (backward) {
    results.dx.assign(to_size(problem.positions() * problem.I), 0.0);
    results.dh0.assign(to_size(problem.state_size()), 0.0);
    results.dc0.assign(to_size(problem.cell_state_size()), 0.0);
    for (const ParamShape &shape : problem.param_shapes()) results.dparams.emplace_back(to_size(shape.size()), 0.0);
  }
  for (int64_t row = 0; row < problem.N; ++row) {
    RowOracle oracle(problem, values, results, row);
    oracle.forward();
    if (backward) oracle.backward();
  }
  return results;
}

}  // namespace rondo::test
