// Dimensions: the sizes of one spec on one instruction set, padded to whole vectors, and how matrices are cut into
// panels.
#pragma once

#include <algorithm>

#include "core/checked.h"
#include "core/problem.h"
#include "kernels/cpu/bf16_dot.h"
#include "kernels/cpu/kernels.h"

namespace rondo::cpu {

// The columns of a packed matrix in panels of V vectors; the last panel may be narrower. A panel of K rows is K * width
// elements.
struct Panels {
  int64_t columns;  // padded to lanes
  int vectors;
  int lanes;

  int64_t width() const { return int64_t{vectors} * lanes; }
  int64_t count() const { return divide_up(columns, width()); }
  int vectors_at(int64_t panel) const {
    return static_cast<int>(std::min<int64_t>(vectors, (columns - panel * width()) / lanes));
  }
  Checked elements(int64_t K) const { return Checked(K) * columns; }
  int64_t offset(int64_t panel, int64_t K) const { return panel * width() * K; }
};

struct Dimensions {
  // dot: the bf16 dot product where forward is to use it, or NULL.
  Dimensions(const Spec &spec, int lanes, int plain_vectors, const kernels::Bf16Kernels *dot);

  int64_t I, H, P, O, L, D, G;
  int lanes;
  int64_t padded_H, padded_O;
  int64_t gates;         // G * padded_H: gate columns, per block of lanes units each gate's lanes in turn
  int64_t output;        // D * O: the width of a layer's output
  int64_t widest_input;  // of all layers
  int plain_vectors;
  Panels gate_panels;
  const kernels::Bf16Kernels *dot;

  // Gate column to row of W_ih and W_hh, -1 for a unit that does not exist: column (block*G + g)*lanes + u is gate g of
  // unit block*lanes + u.
  int64_t gate_row(int64_t column) const {
    const int64_t vector = column / lanes;
    const int64_t unit = vector / G * lanes + column % lanes;
    return unit < H ? vector % G * H + unit : -1;
  }
  // Output column to row of W_hr, -1 beyond P.
  int64_t proj_row(int64_t column) const { return column < P ? column : -1; }
  int64_t input(int64_t layer) const { return layer == 0 ? I : output; }
  Panels plain_panels(int64_t columns) const { return {round_up(columns, lanes), plain_vectors, lanes}; }
  // Whether two directions may run side by side: small ones only, since each then needs room of its own.
  bool directions_apart(int64_t element_bytes) const { return D == 2 && gates * (O + I) * element_bytes <= 4 << 20; }
  // Of W_hh in backward: narrower where O is small, so that there are panels to share out.
  Panels hidden_panels() const {
    const bool wide = padded_O >= int64_t{8} * plain_vectors * lanes;
    return {padded_O, wide ? plain_vectors : std::max(1, plain_vectors / 2), lanes};
  }
  int64_t units_per_gate_panel() const { return gate_panels.width() / G; }
};

}  // namespace rondo::cpu
