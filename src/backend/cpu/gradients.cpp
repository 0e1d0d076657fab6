// Gradients of the parameters of one layer and direction: dW = dG^T x over all valid rows at once, db = the sum of dG's
// rows. Each is complete in f32 or f64 before it is rounded, once, into the caller's memory.
#include "backend/cpu/backward.h"
#include "backend/cpu/gradient_product.h"

namespace rondo::cpu {

template <class C>
void *BackwardRun<C>::wanted(const Pass &pass, ParamKind kind) const {
  return call_.args.dparams[param_index(facts_.spec, pass.layer, pass.direction, kind)];
}

template <class C>
void BackwardRun<C>::put(const C *values, int64_t n, void *to, int64_t element) const {
  const auto dtype = facts_.spec.param_grad_dtype();
  const auto store = call_.args.accumulate != 0 ? facts_.kernel.store_sum[dtype] : facts_.kernel.store[dtype];
  store(values, static_cast<char *>(to) + element * dtype_size(dtype), n);
}

// Straight into the caller's memory where that is C and a sum needs no place until it is complete.
template <class C>
template <class RowOf>
void BackwardRun<C>::weight_gradient(const Member &member, const Pass &pass, ParamKind kind, const C *g, int64_t g_row,
                                     int64_t gates, int64_t units, RowOf x, int64_t columns) const {
  void *to = wanted(pass, kind);
  if (to == nullptr) {
    return;
  }
  const Panels panels = dims_.plain_panels(columns);
  // The packed weights are free once dx is done, which the product's first meeting makes sure of.
  const int64_t room = dims_.gates * (round_up(dims_.input(pass.layer), dims_.lanes) + dims_.padded_O);
  const bool direct =
      panels.columns == columns && dtype_size(facts_.spec.param_grad_dtype()) == int64_t{sizeof(C)} &&
      (call_.args.accumulate == 0 || space_.map.S() <= gradient_block_rows<C>(panels.columns, room / panels.columns));
  C *c = direct ? static_cast<C *>(to) : space_.d_weight;
  const auto finish = [&](int64_t row, int64_t count, int64_t column, int64_t n) {
    for (int64_t last = row + count; !direct && row < last; ++row) {
      put(c + row * panels.columns + column, n, to, row * columns + column);
    }
  };
  GradientProduct<C, RowOf, decltype(finish)>{g,
                                              g_row,
                                              gates,
                                              units,
                                              x,
                                              space_.map.S(),
                                              columns,
                                              panels,
                                              pass.weights.ih,
                                              room,
                                              c,
                                              panels.columns,
                                              direct && call_.args.accumulate != 0,
                                              finish}
      .run(facts_.kernel, member);
}

template <class C>
void BackwardRun<C>::bias_gradient(const Member &member, const C *g, void *to, void *also) const {
  if (to == nullptr && also == nullptr) {
    return;
  }
  const int64_t lanes = dims_.lanes;
  const int64_t blocks = dims_.gates / lanes;
  const int64_t first = member.first(blocks) * lanes;
  const int64_t last = member.last(blocks) * lanes;
  facts_.kernel.sum_rows(g + first, dims_.gates, space_.map.S(), last - first, space_.d_bias + first);
  for (int64_t column = first; column < last; column += lanes) {
    const int64_t row = dims_.gate_row(column);
    for (void *target : {to, also}) {
      if (target != nullptr) {
        put(space_.d_bias + column, std::min(lanes, dims_.H - row % dims_.H), target, row);
      }
    }
  }
}

// Each packed row's previous h, for weight_hh's gradient.
template <class C>
void BackwardRun<C>::find_previous(const Member &member, const Pass &pass) const {
  const Rows<C> rows(facts_, space_.map, member);
  const C *history = reserve_.history(pass.layer) + pass.direction * dims_.O;
  rows.each([&](int64_t p, int64_t t, int64_t r) {
    const bool from_steps = r < rows_with_previous(pass, t);
    space_.h_prev[p] = from_steps ? history + (space_.map.offset(previous(pass, t)) + r) * dims_.output
                                  : space_.h0 + r * dims_.padded_O;
  });
}

template <class C>
void BackwardRun<C>::parameter_gradients(const Member &member, const Pass &pass) const {
  find_previous(member, pass);
  weight_gradient(
      member, pass, ParamKind::weight_ih, pass.dx_gates, dims_.gates, dims_.G, dims_.H,
      [&](int64_t p) { return pass.source + p * pass.source_row; }, dims_.input(pass.layer));
  weight_gradient(
      member, pass, ParamKind::weight_hh, dh_gates(pass), dims_.gates, dims_.G, dims_.H,
      [&](int64_t p) { return space_.h_prev[p]; }, dims_.O);
  if (dims_.P > 0) {
    const C *projected = reserve_.projected(pass.layer, pass.direction);
    weight_gradient(
        member, pass, ParamKind::weight_hr, space_.d_output, dims_.padded_O, 1, dims_.P,
        [&](int64_t p) { return projected + p * dims_.padded_H; }, dims_.H);
  }
  if (facts_.spec.bias != 0) {
    void *ih = wanted(pass, ParamKind::bias_ih);
    void *hh = wanted(pass, ParamKind::bias_hh);
    const bool same_sums = dh_gates(pass) == pass.dx_gates;
    bias_gradient(member, pass.dx_gates, ih, same_sums ? hh : nullptr);
    bias_gradient(member, dh_gates(pass), same_sums ? nullptr : hh, nullptr);
  }
}

template class BackwardRun<float>;
template class BackwardRun<double>;

}  // namespace rondo::cpu
