// RNN:  h' = act(x + h), act = tanh or relu.  Backward:  da = dh act'(a), which both activations tell from h' itself.

template <class Activation>
struct RnnCell {
  enum Gate { kHidden, kGates };
  static constexpr bool kHasCellState = false;
  static constexpr bool kHasExtra = false;
  static constexpr bool kSplitsGradient = false;
  static constexpr bool kUsesPreviousHidden = false;

  template <class V>
  static RONDO_CELL_FN CellForward<V, kGates> forward(const V (&x)[kGates], const V (&h)[kGates], V /*h_prev*/,
                                                      V /*c_prev*/) {
    CellForward<V, kGates> out;
    out.gate[kHidden] = Activation::value(x[kHidden] + h[kHidden]);
    out.h = out.gate[kHidden];
    return out;
  }

  template <class V>
  static RONDO_CELL_FN CellBackward<V, kGates> backward(const V (&gate)[kGates], V /*extra*/, V /*c_prev*/,
                                                        V /*h_prev*/, V dh, V & /*dc*/) {
    CellBackward<V, kGates> out;
    out.dx[kHidden] = Activation::gradient(gate[kHidden], dh);
    return out;
  }
};

// tanh'(a) = 1 - tanh(a)^2.
struct TanhActivation {
  template <class V>
  static RONDO_CELL_FN V value(V a) {
    return tanh(a);
  }
  template <class V>
  static RONDO_CELL_FN V gradient(V h, V dh) {
    return dh * (one(dh) - h * h);
  }
};

// relu'(a) = 1 where a is positive (or NaN, as PyTorch has it), else 0.
struct ReluActivation {
  template <class V>
  static RONDO_CELL_FN V value(V a) {
    return relu(a);
  }
  template <class V>
  static RONDO_CELL_FN V gradient(V h, V dh) {
    return zero_unless_positive(h, dh);
  }
};

using RnnTanhCell = RnnCell<TanhActivation>;
using RnnReluCell = RnnCell<ReluActivation>;
