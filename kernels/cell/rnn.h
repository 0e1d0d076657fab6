// RNN:  h' = act(x + h), act = tanh or relu.  Backward:  da = dh (1 - h'^2), or dh where h' is positive (or NaN) and 0
// elsewhere.

struct RnnTanhCell {
  enum Gate { kHidden, kGates };
  static constexpr bool kHasCellState = false;
  static constexpr bool kHasExtra = false;
  static constexpr bool kSplitsGradient = false;
  static constexpr bool kUsesPreviousHidden = false;

  template <class V>
  static RONDO_CELL_FN CellForward<V, kGates> forward(const V (&x)[kGates], const V (&h)[kGates], V /*h_prev*/,
                                                      V /*c_prev*/) {
    CellForward<V, kGates> out;
    out.gate[kHidden] = tanh(x[kHidden] + h[kHidden]);
    out.h = out.gate[kHidden];
    return out;
  }

  template <class V>
  static RONDO_CELL_FN CellBackward<V, kGates> backward(const V (&gate)[kGates], V /*extra*/, V /*c_prev*/,
                                                        V /*h_prev*/, V dh, V & /*dc*/) {
    CellBackward<V, kGates> out;
    out.dx[kHidden] = dh * (one(dh) - gate[kHidden] * gate[kHidden]);
    return out;
  }
};

struct RnnReluCell {
  enum Gate { kHidden, kGates };
  static constexpr bool kHasCellState = false;
  static constexpr bool kHasExtra = false;
  static constexpr bool kSplitsGradient = false;
  static constexpr bool kUsesPreviousHidden = false;

  template <class V>
  static RONDO_CELL_FN CellForward<V, kGates> forward(const V (&x)[kGates], const V (&h)[kGates], V /*h_prev*/,
                                                      V /*c_prev*/) {
    CellForward<V, kGates> out;
    out.gate[kHidden] = relu(x[kHidden] + h[kHidden]);
    out.h = out.gate[kHidden];
    return out;
  }

  template <class V>
  static RONDO_CELL_FN CellBackward<V, kGates> backward(const V (&gate)[kGates], V /*extra*/, V /*c_prev*/,
                                                        V /*h_prev*/, V dh, V & /*dc*/) {
    CellBackward<V, kGates> out;
    out.dx[kHidden] = zero_unless_positive(gate[kHidden], dh);
    return out;
  }
};
