// The sizes that follow from a spec and an instruction set.
#include "backend/cpu/dimensions.h"

namespace rondo::cpu {
namespace {

Panels hidden_panels_of(const Dimensions &dims) {
  const bool wide = dims.padded_O >= int64_t{8} * dims.plain_vectors * dims.lanes;
  const int vectors = wide ? dims.plain_vectors : std::max(1, dims.plain_vectors / 2);
  return dims.G == 1 ? dims.gate_panels.finer(vectors) : Panels::of_columns(dims.padded_O, vectors, dims.lanes);
}

}  // namespace

Dimensions::Dimensions(const Spec &spec, int vector_lanes, int plain_panel_vectors, const kernels::Bf16Kernels *bf16)
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
      gate_panels(G == 1 ? Panels::of_columns(gates, kernels::kMaxPanelVectors, lanes)
                         : Panels(gates, lanes, padded_H / lanes)),
      hidden_panels(hidden_panels_of(*this)),
      dot(bf16) {}

}  // namespace rondo::cpu
