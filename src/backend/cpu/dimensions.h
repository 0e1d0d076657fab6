// Dimensions: the sizes of one spec on one instruction set, padded to whole vectors, and how matrices are cut into
// panels.
#pragma once

#include <algorithm>

#include "core/checked.h"
#include "core/problem.h"
#include "kernels/cpu/bf16_dot.h"
#include "kernels/cpu/kernels.h"

namespace rondo::cpu {

// The columns of a packed matrix in panels of nearly equal width, of at most V vectors: members who share them out have
// about the same work. A panel of K rows is K * width_at(panel) elements.
class Panels {
 public:
  int64_t columns;  // padded to lanes
  int lanes;

  Panels(int64_t all_columns, int vector_lanes, int64_t panels)
      : columns(all_columns),
        lanes(vector_lanes),
        count_(panels),
        vectors_(divide_up(columns / lanes, panels)),
        width_(vectors_ * lanes),
        even_(columns == panels * width_) {}
  // As few as can be; of several an even number, as most machines have an even number of threads.
  static Panels of_columns(int64_t columns, int vectors, int lanes) {
    const int64_t least = divide_up(columns / lanes, int64_t{vectors});
    return {columns, lanes, least == 1 ? 1 : std::min(round_up(least, 2), columns / lanes)};
  }
  // Each of these panels cut further, until none has more vectors.
  Panels finer(int vectors) const {
    return {columns, lanes, std::min(count_ * divide_up(width_ / lanes, int64_t{vectors}), columns / lanes)};
  }

  int64_t count() const { return count_; }
  bool even() const { return even_; }       // whether all are as wide
  int64_t width() const { return width_; }  // of the widest
  int64_t column(int64_t panel) const {
    return even_ ? panel * width_ : kernels::panel_begin(columns / lanes, count_, panel) * lanes;
  }
  int64_t width_at(int64_t panel) const { return even_ ? width_ : column(panel + 1) - column(panel); }
  int vectors_at(int64_t panel) const { return static_cast<int>(even_ ? vectors_ : width_at(panel) / lanes); }
  // The panel that begins at this column; of their end, padded or not, how many there are.
  int64_t panel_at(int64_t column) const { return divide_up(divide_up(column, lanes) * count_, columns / lanes); }
  Checked elements(int64_t K) const { return Checked(K) * columns; }
  int64_t offset(int64_t panel, int64_t K) const { return column(panel) * K; }

 private:
  int64_t count_;
  int64_t vectors_, width_;  // of the widest
  bool even_;
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
  // Of W_hh in backward: narrower where O is small, so that there are panels to share out. Without a projection their
  // columns are units, and whole gate panels are whole panels here or the reverse.
  Panels hidden_panels;
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
  Panels plain_panels(int64_t columns) const {
    return Panels::of_columns(round_up(columns, lanes), plain_vectors, lanes);
  }
  // W_ih of so wide an input and W_hh.
  int64_t gate_bytes(int64_t input_width, int64_t element_bytes) const {
    return gates * (O + input_width) * element_bytes;
  }
  // Up to which two passes may run side by side: small ones only, since each then needs room of its own.
  static constexpr int64_t most_apart = 4 << 20;
  // Whether two directions may.
  bool directions_apart(int64_t element_bytes) const { return D == 2 && gate_bytes(I, element_bytes) <= most_apart; }
  // Whether two layers may, one some steps behind the other.
  bool layers_apart(int64_t element_bytes) const {
    return L > 1 && D == 1 && P == 0 && gate_bytes(widest_input, element_bytes) <= most_apart;
  }
  // Of a gate panel, or the padded end. Every small step asks twice: by a number that the compiler knows it does not
  // divide, and the last way is for a cell of yet another kind.
  int64_t first_unit(int64_t gate_panel) const {
    const int64_t column = gate_panels.column(gate_panel);
    return G == 1 ? column : G == 4 ? column / 4 : G == 3 ? column / 3 : column / G;
  }
};

}  // namespace rondo::cpu
