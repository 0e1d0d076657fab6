// GRU, gates r z n, reset after the product:  r, z = sigmoid(x + h);  n = tanh(x_n + r h_n);  h' = (1-z) n + z h.
// Backward:  dn = dh (1-z) (1-n^2), dz = dh (h - n) z(1-z), dr = dn h_n r(1-r);  the product with W_hh sees dn r;  dh
// reaches h by z.

struct GruCell {
  enum Gate { kReset, kUpdate, kNew, kGates };
  static constexpr bool kHasCellState = false;
  static constexpr bool kHasExtra = true;  // extra = W_hn h + b_hn
  static constexpr bool kSplitsGradient = true;
  static constexpr bool kUsesPreviousHidden = true;

  template <class V>
  static RONDO_CELL_FN CellForward<V, kGates> forward(const V (&x)[kGates], const V (&h)[kGates], V h_prev,
                                                      V /*c_prev*/) {
    CellForward<V, kGates> out;
    out.gate[kReset] = sigmoid(x[kReset] + h[kReset]);
    out.gate[kUpdate] = sigmoid(x[kUpdate] + h[kUpdate]);
    out.extra = h[kNew];
    out.gate[kNew] = tanh(x[kNew] + out.gate[kReset] * h[kNew]);
    const V z = out.gate[kUpdate];
    out.h = (one(z) - z) * out.gate[kNew] + z * h_prev;
    return out;
  }

  template <class V>
  static RONDO_CELL_FN CellBackward<V, kGates> backward(const V (&gate)[kGates], V h_new, V /*c_prev*/, V h_prev, V dh,
                                                        V & /*dc*/) {
    const V r = gate[kReset];
    const V z = gate[kUpdate];
    const V n = gate[kNew];
    CellBackward<V, kGates> out;
    out.dx[kNew] = dh * (one(z) - z) * (one(n) - n * n);
    out.dx[kUpdate] = dh * (h_prev - n) * z * (one(z) - z);
    out.dx[kReset] = out.dx[kNew] * h_new * r * (one(r) - r);
    out.dh_gate[kReset] = out.dx[kReset];
    out.dh_gate[kUpdate] = out.dx[kUpdate];
    out.dh_gate[kNew] = out.dx[kNew] * r;
    out.direct = dh * z;
    return out;
  }
};
