// LSTM, gates i f g o:  i, f, o = sigmoid(x + h), g = tanh(x + h);  c' = f c + i g;  h' = o tanh(c').
// Backward:  dc' += dh o (1 - tanh(c')^2);  di = dc' g i(1-i), df = dc' c f(1-f), dg = dc' i (1-g^2), do = dh tanh(c')
// o(1-o);  dc = dc' f.

struct LstmCell {
  enum Gate { kInput, kForget, kCandidate, kOutput, kGates };
  static constexpr bool kHasCellState = true;  // extra = c'
  static constexpr bool kHasExtra = true;
  static constexpr bool kSplitsGradient = false;
  static constexpr bool kUsesPreviousHidden = false;

  template <class V>
  static RONDO_CELL_FN CellForward<V, kGates> forward(const V (&x)[kGates], const V (&h)[kGates], V /*h_prev*/,
                                                      V c_prev) {
    CellForward<V, kGates> out;
    out.gate[kInput] = sigmoid(x[kInput] + h[kInput]);
    out.gate[kForget] = sigmoid(x[kForget] + h[kForget]);
    out.gate[kCandidate] = tanh(x[kCandidate] + h[kCandidate]);
    out.gate[kOutput] = sigmoid(x[kOutput] + h[kOutput]);
    out.extra = out.gate[kForget] * c_prev + out.gate[kInput] * out.gate[kCandidate];
    out.h = out.gate[kOutput] * tanh(out.extra);
    return out;
  }

  template <class V>
  static RONDO_CELL_FN CellBackward<V, kGates> backward(const V (&gate)[kGates], V c, V c_prev, V /*h_prev*/, V dh,
                                                        V &dc) {
    const V i = gate[kInput];
    const V f = gate[kForget];
    const V g = gate[kCandidate];
    const V o = gate[kOutput];
    const V tanh_c = tanh(c);
    const V dc_new = dc + dh * o * (one(c) - tanh_c * tanh_c);
    CellBackward<V, kGates> out;
    out.dx[kInput] = dc_new * g * i * (one(i) - i);
    out.dx[kForget] = dc_new * c_prev * f * (one(f) - f);
    out.dx[kCandidate] = dc_new * i * (one(g) - g * g);
    out.dx[kOutput] = dh * tanh_c * o * (one(o) - o);
    dc = dc_new * f;
    return out;
  }
};
