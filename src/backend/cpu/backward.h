// One backward call on the CPU: the mirror image of forward, with dx, dW and db as large products after the steps of a
// layer.
#pragma once

#include "backend/cpu/rows.h"
#include "backend/cpu/split.h"

namespace rondo::cpu {

template <class C>
class BackwardRun {
 public:
  BackwardRun(const Facts<C> &facts, const BackwardCall &call, const BackwardSpace<C> &space, const Reserve<C> &reserve,
              Sharing sharing)
      : facts_(facts),
        dims_(facts.dims),
        call_(call),
        space_(space),
        reserve_(reserve),
        gradient_row_(space.gradient_row(facts.dims)),
        split_(sharing.split),
        piece_steps_(sharing.piece_steps) {}

  void operator()(const Member &member) const;

 private:
  struct Pass {  // one layer and direction
    int64_t layer, direction;
    const C *source;  // the layer's input, [S, source_row]
    int64_t source_row;
    const C *dy;  // [S, dy_row], the whole layer's output
    int64_t dy_row;
    C *dx;  // [S, dx_row], or NULL
    int64_t dx_row;
    C *dx_gates;  // [S, gates]
    BackwardWeights<C> weights;
  };

  void load_source(const Member &member, int64_t layer, const C **source, int64_t *row) const;
  void run_pass(const Member &member, const Pass &pass) const;
  void load_states(const Member &member, const Pass &pass, const Share &share) const;
  void store_states(const Member &member, const Pass &pass, const Share &share) const;
  void find_previous(const Member &member, const Pass &pass) const;
  void run_steps(const Member &member, const Pass &pass, const Share &share, const Range &positions) const;
  void run_beside(const Member &member, const Roles &roles, const Pass &pass, const Share &share) const;
  void input_gradient(const Member &member, const Pass &pass, const Range &positions) const;
  void step(const Member &member, const Pass &pass, const Share &share, int64_t t, bool backwards) const;
  void hidden_product(const Pass &pass, const Share &share, int64_t t, bool backwards) const;
  void cell_rows(const Pass &pass, const Share &share, int64_t t, int64_t panel, int64_t first, int64_t last) const;
  void output_gradient(const Member &member, const Pass &pass, int64_t t) const;
  void parameter_gradients(const Member &member, const Pass &pass) const;
  template <class RowOf>
  void weight_gradient(const Member &member, const Pass &pass, ParamKind kind, const C *g, int64_t g_row, int64_t gates,
                       int64_t units, RowOf x, int64_t columns) const;
  void bias_gradient(const Member &member, const C *g, void *to, void *also) const;
  const C *weight(const Pass &pass, ParamKind kind) const;
  void *wanted(const Pass &pass, ParamKind kind) const;
  void put(const C *values, int64_t n, void *to, int64_t element) const;

  // The step whose h this one read, in either direction; -1 or T beyond the ends.
  static int64_t previous(const Pass &pass, int64_t t) { return pass.direction == 0 ? t - 1 : t + 1; }
  // How many of step t's rows had a step before it; the others began with h0.
  int64_t rows_with_previous(const Pass &pass, int64_t t) const {
    const int64_t before = previous(pass, t);
    return before < 0 || before >= space_.map.T() ? 0 : std::min(space_.map.active(t), space_.map.active(before));
  }
  C *dh_gates(const Pass &pass) const { return facts_.cell().splits_gradient ? space_.dh_gates : pass.dx_gates; }

  const Facts<C> &facts_;
  const Dimensions &dims_;
  const BackwardCall &call_;
  const BackwardSpace<C> &space_;
  const Reserve<C> &reserve_;
  int64_t gradient_row_;
  Split split_;
  int64_t piece_steps_;
  // Whether a sequence of one step packs a panel when its one product comes: of W_hh, of W_ih.
  bool packs_panels(int64_t columns) const {
    return space_.map.T() == 1 && split_ != Split::rows && dims_.P == 0 &&
           packs_rows_panel<C>(facts_.spec, dims_, columns);
  }
};

}  // namespace rondo::cpu
