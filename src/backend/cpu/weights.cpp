// Packing in pieces of a panel, or of a few of a matrix's rows, which the members share out evenly. Who packs a piece
// does not show: packing computes nothing.
#include "backend/cpu/weights.h"

namespace rondo::cpu {
namespace {

using kernels::Storage;

Storage storage_of(const Spec &spec) { return static_cast<Storage>(spec.dtype); }

const void *parameter(const Spec &spec, const void *const *params, int64_t layer, int64_t direction, ParamKind kind) {
  return params[param_index(spec, layer, direction, kind)];
}

const void *element(Storage storage, const void *data, int64_t index) {
  return static_cast<const char *>(data) + index * dtype_size(static_cast<rondo_dtype_t>(storage));
}

// Panels whose columns are the source's rows, as W^T is for x W^T. row_of(column) is -1 where there is none; the
// columns of one vector are rows that follow one another.
template <class C, class RowOf>
void pack_piece(Storage storage, const void *source, int64_t K, RowOf row_of, const Panels &panels, int64_t panel,
                int64_t k, int64_t rows, C *to) {
  kernels::PanelColumns<C> part{};
  part.ld = K;
  part.K = rows;
  part.vectors = panels.vectors_at(panel);
  part.panel = to + k * part.vectors * panels.lanes;
  for (int v = 0; v < part.vectors; ++v) {
    const int64_t column = panels.column(panel) + int64_t{v} * panels.lanes;
    part.valid[v] = row_of(column + panels.lanes - 1) >= 0 ? panels.lanes : 0;
    while (part.valid[v] < panels.lanes && row_of(column + part.valid[v]) >= 0) {
      ++part.valid[v];
    }
    part.rows[v] = part.valid[v] == 0 ? nullptr : element(storage, source, row_of(column) * K + k);
  }
  kernels::kernels<C>().pack_columns[static_cast<int>(storage)](part);
}

template <class C, class RowOf>
void pack_transposed(const Member &member, Storage storage, const void *source, int64_t K, RowOf row_of,
                     const Panels &panels, C *to) {
  constexpr int64_t rows_per_piece = 128;
  const int64_t cuts = divide_up(K, rows_per_piece);
  const int64_t pieces = panels.count() * cuts;
  for (int64_t piece = member.first(pieces); piece < member.last(pieces); ++piece) {
    const int64_t panel = piece / cuts;
    const int64_t k = piece % cuts * rows_per_piece;
    pack_piece(storage, source, K, row_of, panels, panel, k, std::min(rows_per_piece, K - k),
               to + panels.offset(panel, K));
  }
}

// The same in pairs, for the bf16 dot product.
template <class C>
void pack_pairs(const Member &member, const Dimensions &dims, const kernels::Bf16 *source, const GateMatrix<C> &to) {
  const Panels &panels = dims.gate_panels;
  for (int64_t panel = member.first(panels.count()); panel < member.last(panels.count()); ++panel) {
    const int64_t first = panels.column(panel);
    kernels::pack_bf16_transposed(
        *dims.dot, source, to.K, [&](int64_t n) { return dims.gate_row(first + n); }, to.K, panels.width_at(panel),
        to.pairs + panels.offset(panel, kernels::bf16_even(to.K)));
  }
}

// Panels whose rows are the source's rows, as W is for dG W; row_of(k) is -1 where there is none.
template <class C, class RowOf>
void pack_rows(const Member &member, Storage storage, const void *source, int64_t columns, int64_t K, RowOf row_of,
               const Panels &panels, C *to) {
  const auto pack = kernels::kernels<C>().pack_row[static_cast<int>(storage)];
  for (int64_t k = member.first(K); k < member.last(K); ++k) {
    const int64_t row = row_of(k);
    const bool exists = row >= 0;
    pack({exists ? element(storage, source, row * columns) : nullptr, exists ? columns : 0, panels.columns,
          panels.count(), K, k, to});
  }
}

// A bias in gate order; zeros where there is none.
template <class C>
void pack_bias(const Spec &spec, const Dimensions &dims, const void *const *params, int64_t layer, int64_t direction,
               ParamKind kind, C *to) {
  std::fill_n(to, dims.gates, C{0});
  if (spec.bias == 0) {
    return;
  }
  const Storage storage = storage_of(spec);
  const void *data = parameter(spec, params, layer, direction, kind);
  const auto load = kernels::kernels<C>().load[static_cast<int>(storage)];
  for (int64_t column = 0; column < dims.gates; column += dims.lanes) {
    const int64_t row = dims.gate_row(column);
    load(element(storage, data, row), to + column, std::min<int64_t>(dims.lanes, dims.H - row % dims.H));
  }
}

}  // namespace

template <class C>
ForwardWeights<C>::ForwardWeights(Arena &arena, const Dimensions &dims, int64_t input)
    : ih(arena, dims, input),
      hh(arena, dims, dims.O),
      bias_x(arena.take<C>(dims.gates)),
      bias_h(arena.take<C>(dims.gates)),
      hr(arena.take<C>(dims.P > 0 ? dims.plain_panels(dims.O).elements(dims.H) : Checked(0))) {}

template <class C>
void ForwardWeights<C>::pack(const Member &member, const Packers &gates, const Spec &spec, const Dimensions &dims,
                             const void *const *params, int64_t layer, int64_t direction) const {
  const Storage storage = storage_of(spec);
  const auto source = [&](ParamKind kind) { return parameter(spec, params, layer, direction, kind); };
  const auto gate_row = [&](int64_t column) { return dims.gate_row(column); };
  const auto pack_gates = [&](const Member *packer, const GateMatrix<C> &matrix, ParamKind kind) {
    if (packer == nullptr) {
      return;
    }
    if (dims.dot != nullptr) {
      pack_pairs(*packer, dims, static_cast<const kernels::Bf16 *>(source(kind)), matrix);
    } else {
      pack_transposed(*packer, storage, source(kind), matrix.K, gate_row, dims.gate_panels, matrix.full);
    }
  };
  pack_gates(gates.ih, ih, ParamKind::weight_ih);
  pack_gates(gates.hh, hh, ParamKind::weight_hh);
  if (member.index == 0) {
    pack_bias(spec, dims, params, layer, direction, ParamKind::bias_ih, bias_x);
  }
  if (member.index == member.count - 1) {
    pack_bias(spec, dims, params, layer, direction, ParamKind::bias_hh, bias_h);
  }
  if (dims.P > 0) {
    pack_transposed(
        member, storage, source(ParamKind::weight_hr), dims.H, [&](int64_t column) { return dims.proj_row(column); },
        dims.plain_panels(dims.O), hr);
  }
}

template <class C>
BackwardWeights<C>::BackwardWeights(Arena &arena, const Dimensions &dims, int64_t input)
    : ih(arena.take<C>(dims.plain_panels(input).elements(dims.gates))),
      hh(arena.take<C>(dims.hidden_panels.elements(dims.gates))),
      hr(arena.take<C>(dims.P > 0 ? dims.plain_panels(dims.H).elements(dims.P) : Checked(0))) {}

template <class C>
void BackwardWeights<C>::pack(const Member &member, const Packers &gates, const Spec &spec, const Dimensions &dims,
                              const void *const *params, int64_t layer, int64_t direction) const {
  const Storage storage = storage_of(spec);
  const auto source = [&](ParamKind kind) { return parameter(spec, params, layer, direction, kind); };
  const auto gate_row = [&](int64_t k) { return dims.gate_row(k); };
  if (gates.ih != nullptr) {
    const int64_t input = dims.input(layer);
    pack_rows(*gates.ih, storage, source(ParamKind::weight_ih), input, dims.gates, gate_row, dims.plain_panels(input),
              ih);
  }
  if (gates.hh != nullptr) {
    pack_rows(*gates.hh, storage, source(ParamKind::weight_hh), dims.O, dims.gates, gate_row, dims.hidden_panels, hh);
  }
  if (dims.P > 0) {
    pack_rows(
        member, storage, source(ParamKind::weight_hr), dims.H, dims.P, [](int64_t k) { return k; },
        dims.plain_panels(dims.H), hr);
  }
}

template <class C>
void pack_gate_panel(const Spec &spec, const Dimensions &dims, const void *source, int64_t K, int64_t panel, C *to) {
  pack_piece(
      storage_of(spec), source, K, [&](int64_t column) { return dims.gate_row(column); }, dims.gate_panels, panel, 0, K,
      to);
}

template <class C>
void pack_rows_panel(const Dimensions &dims, const C *source, const Panels &panels, int64_t panel, C *to) {
  const auto copy = kernels::kernels<C>().gather_blocks;
  const int64_t lanes = panels.lanes;
  const int vectors = panels.vectors_at(panel);
  for (int64_t k = 0; k < dims.gates; k += lanes) {
    copy({source + dims.gate_row(k) * panels.columns + panels.column(panel), panels.columns, lanes, lanes, vectors,
          to + k * vectors * lanes, vectors * lanes});
  }
}

template void pack_gate_panel(const Spec &, const Dimensions &, const void *, int64_t, int64_t, float *);
template void pack_gate_panel(const Spec &, const Dimensions &, const void *, int64_t, int64_t, double *);
template void pack_rows_panel(const Dimensions &, const float *, const Panels &, int64_t, float *);
template void pack_rows_panel(const Dimensions &, const double *, const Panels &, int64_t, double *);
template struct ForwardWeights<float>;
template struct ForwardWeights<double>;
template struct BackwardWeights<float>;
template struct BackwardWeights<double>;

}  // namespace rondo::cpu
