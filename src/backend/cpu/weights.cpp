// Packing by panels, the members taking turns: panel p is member p % count's, whatever matrix it is in.
#include "backend/cpu/weights.h"

#include "kernels/cpu/pack.h"

namespace rondo::cpu {
namespace {

using kernels::Storage;

Storage storage_of(const Spec &spec) { return static_cast<Storage>(spec.dtype); }

const void *parameter(const Spec &spec, const void *const *params, int64_t layer, int64_t direction, ParamKind kind) {
  return params[param_index(spec, layer, direction, kind)];
}

// Panels whose columns are the source's rows, as W^T is for x W^T; row_of(column) is -1 where there is none.
template <class C, class RowOf>
void pack_transposed(const Member &member, Storage storage, const void *source, int64_t K, RowOf row_of,
                     const Panels &panels, C *to) {
  kernels::with_storage(storage, source, [&](const auto *data) {
    for (int64_t panel = member.index; panel < panels.count(); panel += member.count) {
      const int64_t first = panel * panels.width();
      kernels::pack_transposed(
          data, K, [&](int64_t n) { return row_of(first + n); }, K, int64_t{panels.vectors_at(panel)} * panels.lanes,
          to + panels.offset(panel, K));
    }
  });
}

// Panels whose rows are the source's rows, as W is for dG W; row_of(k) is -1 where there is none.
template <class C, class RowOf>
void pack_rows(const Member &member, Storage storage, const void *source, int64_t columns, int64_t K, RowOf row_of,
               const Panels &panels, C *to) {
  kernels::with_storage(storage, source, [&](const auto *data) {
    for (int64_t panel = member.index; panel < panels.count(); panel += member.count) {
      const int64_t first = panel * panels.width();
      const int64_t width = int64_t{panels.vectors_at(panel)} * panels.lanes;
      const auto start_of = [&](int64_t k) {
        const int64_t row = row_of(k);
        return row < 0 ? nullptr : data + row * columns + first;
      };
      kernels::pack_rows(start_of, K, std::min(width, columns - first), width, to + panels.offset(panel, K));
    }
  });
}

// A bias in gate order; zeros where there is none.
template <class C>
void pack_bias(const Spec &spec, const Dimensions &dims, const void *const *params, int64_t layer, int64_t direction,
               ParamKind kind, C *to) {
  if (spec.bias == 0) {
    std::fill_n(to, dims.gates, C{0});
    return;
  }
  kernels::with_storage(storage_of(spec), parameter(spec, params, layer, direction, kind), [&](const auto *data) {
    for (int64_t column = 0; column < dims.gates; ++column) {
      const int64_t row = dims.gate_row(column);
      to[column] = row < 0 ? C{0} : kernels::from_storage<C>(data[row]);
    }
  });
}

}  // namespace

template <class C>
ForwardWeights<C>::ForwardWeights(Arena &arena, const Dimensions &dims, int64_t input)
    : ih(arena.take<C>(dims.gate_panels.elements(input))),
      hh(arena.take<C>(dims.gate_panels.elements(dims.O))),
      bias_x(arena.take<C>(dims.gates)),
      bias_h(arena.take<C>(dims.gates)),
      hr(arena.take<C>(dims.P > 0 ? dims.plain_panels(dims.O).elements(dims.H) : Checked(0))) {}

template <class C>
void ForwardWeights<C>::pack(const Member &member, const Spec &spec, const Dimensions &dims, const void *const *params,
                             int64_t layer, int64_t direction) const {
  const Storage storage = storage_of(spec);
  const auto source = [&](ParamKind kind) { return parameter(spec, params, layer, direction, kind); };
  const auto gate_row = [&](int64_t column) { return dims.gate_row(column); };
  pack_transposed(member, storage, source(ParamKind::weight_ih), dims.input(layer), gate_row, dims.gate_panels, ih);
  pack_transposed(member, storage, source(ParamKind::weight_hh), dims.O, gate_row, dims.gate_panels, hh);
  if (member.index == 0) {
    pack_bias(spec, dims, params, layer, direction, ParamKind::bias_ih, bias_x);
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
      hh(arena.take<C>(dims.hidden_panels().elements(dims.gates))),
      hr(arena.take<C>(dims.P > 0 ? dims.plain_panels(dims.H).elements(dims.P) : Checked(0))) {}

template <class C>
void BackwardWeights<C>::pack(const Member &member, const Spec &spec, const Dimensions &dims, const void *const *params,
                              int64_t layer, int64_t direction, bool with_ih) const {
  const Storage storage = storage_of(spec);
  const auto source = [&](ParamKind kind) { return parameter(spec, params, layer, direction, kind); };
  const auto gate_row = [&](int64_t k) { return dims.gate_row(k); };
  if (with_ih) {
    const int64_t input = dims.input(layer);
    pack_rows(member, storage, source(ParamKind::weight_ih), input, dims.gates, gate_row, dims.plain_panels(input), ih);
  }
  pack_rows(member, storage, source(ParamKind::weight_hh), dims.O, dims.gates, gate_row, dims.hidden_panels(), hh);
  if (dims.P > 0) {
    pack_rows(
        member, storage, source(ParamKind::weight_hr), dims.H, dims.P, [](int64_t k) { return k; },
        dims.plain_panels(dims.H), hr);
  }
}

template struct ForwardWeights<float>;
template struct ForwardWeights<double>;
template struct BackwardWeights<float>;
template struct BackwardWeights<double>;

}  // namespace rondo::cpu
