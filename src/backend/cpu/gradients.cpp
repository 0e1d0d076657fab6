// Gradients of the parameters of one layer and direction: dW = dG^T x over all valid rows at once, db = the sum of dG's
// rows. Each is complete in f32 or f64 before it is rounded, once, into the caller's memory.
#include "backend/cpu/backward.h"
#include "backend/cpu/products.h"

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

// place(m) is the weight's row that column m of g belongs to, or -1.
template <class C>
template <class Place, class RowOf>
void BackwardRun<C>::weight_gradient(const Member &member, const Pass &pass, ParamKind kind, const C *g, int64_t g_row,
                                     int64_t M, Place place, RowOf x, int64_t columns) const {
  void *to = wanted(pass, kind);
  if (to == nullptr) {
    return;
  }
  const Panels panels = dims_.plain_panels(columns);
  member.sync();  // d_weight may still be read for the gradient before
  GradientProduct<C, RowOf>{g, g_row, M, x, space_.map.S(), columns, panels, space_.d_weight, panels.columns}.run(
      facts_.kernel, member);
  member.sync();
  for (int64_t m = member.first(M); m < member.last(M); ++m) {
    const int64_t row = place(m);
    if (row >= 0) {
      put(space_.d_weight + m * panels.columns, columns, to, row * columns);
    }
  }
}

template <class C>
void BackwardRun<C>::bias_gradient(const Member &member, const Pass &pass, ParamKind kind, const C *g) const {
  void *to = wanted(pass, kind);
  if (to == nullptr) {
    return;
  }
  const int64_t blocks = dims_.gates / dims_.lanes;
  for (int64_t block = member.first(blocks); block < member.last(blocks); ++block) {
    C *sums = space_.d_bias + block * dims_.lanes;
    facts_.kernel.sum_rows(g + block * dims_.lanes, dims_.gates, space_.map.S(), dims_.lanes, sums);
    for (int64_t lane = 0; lane < dims_.lanes; ++lane) {
      const int64_t row = dims_.gate_row(block * dims_.lanes + lane);
      if (row >= 0) {
        put(sums + lane, 1, to, row);
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
  const auto gate_row = [&](int64_t column) { return dims_.gate_row(column); };
  weight_gradient(
      member, pass, ParamKind::weight_ih, pass.dx_gates, dims_.gates, dims_.gates, gate_row,
      [&](int64_t p) { return pass.source + p * pass.source_row; }, dims_.input(pass.layer));
  weight_gradient(
      member, pass, ParamKind::weight_hh, dh_gates(pass), dims_.gates, dims_.gates, gate_row,
      [&](int64_t p) { return space_.h_prev[p]; }, dims_.O);
  if (dims_.P > 0) {
    const C *projected = reserve_.projected(pass.layer, pass.direction);
    weight_gradient(
        member, pass, ParamKind::weight_hr, space_.d_output, dims_.padded_O, dims_.P,
        [&](int64_t column) { return dims_.proj_row(column); },
        [&](int64_t p) { return projected + p * dims_.padded_H; }, dims_.H);
  }
  if (facts_.spec.bias != 0) {
    bias_gradient(member, pass, ParamKind::bias_ih, pass.dx_gates);
    bias_gradient(member, pass, ParamKind::bias_hh, dh_gates(pass));
  }
}

template class BackwardRun<float>;
template class BackwardRun<double>;

}  // namespace rondo::cpu
