// The interleaving of gates: column (block*G + g)*lanes + u is gate g of unit block*lanes + u.
#include "backend/cpu/dimensions.h"

namespace rondo::cpu {

Dimensions::Dimensions(const Spec &spec, int vector_lanes, int plain_panel_vectors)
    : I(spec.input_size),
      H(spec.hidden_size),
      P(spec.proj_size),
      O(spec.output()),
      L(spec.num_layers),
      D(spec.directions()),
      G(spec.gates()),
      lanes(vector_lanes),
      padded_H(round_up(H, lanes)),
      padded_O(round_up(O, lanes)),
      gates(G * padded_H),
      output(D * O),
      widest_input(std::max(I, L > 1 ? output : I)),
      plain_vectors(plain_panel_vectors),
      gate_panels{gates, kernels::gate_panel_vectors(static_cast<int>(G)), lanes},
      gate_rows(static_cast<size_t>(gates)),
      proj_rows(static_cast<size_t>(padded_O)) {
  for (int64_t column = 0; column < gates; ++column) {
    const int64_t block = column / (G * lanes);
    const int64_t gate = column / lanes % G;
    const int64_t unit = block * lanes + column % lanes;
    gate_rows[static_cast<size_t>(column)] = unit < H ? gate * H + unit : -1;
  }
  for (int64_t column = 0; column < padded_O; ++column) {
    proj_rows[static_cast<size_t>(column)] = column < P ? column : -1;
  }
}

}  // namespace rondo::cpu
