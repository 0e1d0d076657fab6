// One layer and direction's parameters as the kernels read them: panels for the products, biases in gate order.
#pragma once

#include "backend/cpu/dimensions.h"
#include "backend/cpu/team.h"
#include "core/arena.h"
#include "core/parameters.h"

namespace rondo::cpu {

// Gate panels of K rows: of C, or of pairs of rows where forward uses the bf16 dot product.
template <class C>
struct GateMatrix {
  int64_t K;
  C *full;
  kernels::Bf16 *pairs;

  GateMatrix(Arena &arena, const Dimensions &dims, int64_t rows)
      : K(rows),
        full(arena.take<C>(dims.dot == nullptr ? dims.gate_panels.elements(K) : Checked(0))),
        pairs(arena.take<kernels::Bf16>(dims.dot != nullptr ? dims.gate_panels.elements(kernels::bf16_even(K))
                                                            : Checked(0))) {}
};

// As whom a member packs a part of W_ih and W_hh; NULL where it has none: others pack them, or the products do, panel
// by panel.
struct Packers {
  const Member *ih, *hh;
};

template <class C>
struct ForwardWeights {
  GateMatrix<C> ih, hh;  // K = input, K = O
  C *bias_x, *bias_h;    // [gates]; zeros without bias
  C *hr;                 // K = H; plain panels over O, with projection only

  ForwardWeights(Arena &arena, const Dimensions &dims, int64_t input);
  // Packs this member's part; the team meets before anyone reads.
  void pack(const Member &member, const Packers &gates, const Spec &spec, const Dimensions &dims,
            const void *const *params, int64_t layer, int64_t direction) const;
};

template <class C>
struct BackwardWeights {
  C *ih;  // K = gates; plain panels over the input
  C *hh;  // K = gates; hidden panels
  C *hr;  // K = P; plain panels over H, with projection only

  BackwardWeights(Arena &arena, const Dimensions &dims, int64_t input);
  void pack(const Member &member, const Packers &gates, const Spec &spec, const Dimensions &dims,
            const void *const *params, int64_t layer, int64_t direction) const;
};

// One panel of W^T (x W^T's) or of W (dG W's) alone, for a call that reads it once: packed where the last one was, it
// never leaves the near caches. `source` is W, of `dims.gates` rows that exist and K, or `columns`, elements.
template <class C>
void pack_gate_panel(const Spec &spec, const Dimensions &dims, const void *source, int64_t K, int64_t panel, C *to);
// Of C, whose columns and units are whole vectors.
template <class C>
void pack_rows_panel(const Dimensions &dims, const C *source, const Panels &panels, int64_t panel, C *to);
template <class C>
bool packs_rows_panel(const Spec &spec, const Dimensions &dims, int64_t columns) {
  return dtype_size(spec.storage()) == int64_t{sizeof(C)} && columns % dims.lanes == 0 && dims.H % dims.lanes == 0;
}

}  // namespace rondo::cpu
