// Gradients of a layer's input and parameters, over all rows at once: dx = dG W, dW = dG^T x, db = the sum of dG's
// rows. Each is complete in the type of arithmetic before it is rounded, once, into the caller's memory.
#include "backend/cuda/error.h"
#include "backend/fused/backward.h"
#include "kernels/cuda/arrays.h"

namespace rondo::fused {

using namespace kernels::cuda;

Status BackwardRun::input_gradients(const Layer &layer) const {
  if (layer.dx == nullptr) {
    return {};
  }
  const int64_t width = facts_.input(layer.index);
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    const void *weight = frame_.params.at(ParamKind::weight_ih, layer.index, direction);
    RONDO_TRY(frame_.products.run({rows_.S(),
                                   width,
                                   facts_.gates,
                                   {space_.dx_gates.at(direction * rows_.S() * facts_.gates), facts_.gates},
                                   {weight, width},
                                   layer.dx,
                                   width,
                                   direction == 1}));
  }
  return {};
}

void *BackwardRun::wanted(const Layer &layer, int64_t direction, ParamKind kind) const {
  return call_.args.dparams[param_index(facts_.spec, layer.index, direction, kind)];
}

Status BackwardRun::parameter_gradients(const Layer &layer) const {
  if (call_.args.dparams == nullptr) {
    return {};
  }
  if (rows_.S() == 0) {
    return call_.args.accumulate != 0 ? Status() : clear_gradients(layer);
  }
  const void *input = nullptr;
  if (wanted(layer, 0, ParamKind::weight_ih) != nullptr ||
      wanted(layer, facts_.D - 1, ParamKind::weight_ih) != nullptr) {
    const Array below = layer.index > 0 ? reserve_.history(layer.index - 1) : Array{};
    RONDO_TRY(frame_.layer_input(layer.index, call_.args.x, below, reserve_.dropout_record, space_.input, &input));
  }
  for (int64_t direction = 0; direction < facts_.D; ++direction) {
    RONDO_TRY(direction_gradients(layer, direction, input));
  }
  return {};
}

// A call without rows: products over no rows are left out, and the sums are zeros.
Status BackwardRun::clear_gradients(const Layer &layer) const {
  const int64_t count = params_per_direction(facts_.spec) * facts_.D;
  for (int64_t index = layer.index * count; index < (layer.index + 1) * count; ++index) {
    if (call_.args.dparams[index] != nullptr) {
      const Param shape = param_at(facts_.spec, index);
      const Piece piece{nullptr, call_.args.dparams[index], shape.rows * shape.columns};
      RONDO_CUDA(launch_copy_pieces(frame_.target, facts_.param_grad, &piece, 1, false));
    }
  }
  return {};
}

Status BackwardRun::direction_gradients(const Layer &layer, int64_t direction, const void *input) const {
  const int64_t S = rows_.S();
  const void *dx = space_.dx_gates.at(direction * S * facts_.gates);
  RONDO_TRY(
      weight_gradient(layer, direction, ParamKind::weight_ih, dx, facts_.gates, input, facts_.input(layer.index)));
  RONDO_TRY(recurrent_gradient(layer, direction));
  if (facts_.projects()) {
    RONDO_TRY(weight_gradient(layer, direction, ParamKind::weight_hr, space_.d_output.at(direction * S * facts_.P),
                              facts_.P, reserve_.projected(layer.index, direction).at(0), facts_.H));
  }
  if (facts_.spec.bias == 0) {
    return {};
  }
  RONDO_TRY(bias_gradient(layer, direction, ParamKind::bias_ih, dx));
  return bias_gradient(layer, direction, ParamKind::bias_hh, dh_gates().at(direction * S * facts_.gates));
}

Status BackwardRun::recurrent_gradient(const Layer &layer, int64_t direction) const {
  if (wanted(layer, direction, ParamKind::weight_hh) == nullptr) {
    return {};
  }
  const void *history = reserve_.history(layer.index).at(direction * facts_.O);
  RONDO_CUDA(launch_previous_rows(frame_.target, rows_.map(), direction == 1, facts_.storage, history, facts_.output,
                                  space_.h_initial.at(direction * rows_.N() * facts_.O), facts_.O,
                                  space_.previous.at(0)));
  return weight_gradient(layer, direction, ParamKind::weight_hh, dh_gates().at(direction * rows_.S() * facts_.gates),
                         facts_.gates, space_.previous.at(0), facts_.O);
}

Status BackwardRun::weight_gradient(const Layer &layer, int64_t direction, ParamKind kind, const void *a, int64_t M,
                                    const void *b, int64_t columns) const {
  void *to = wanted(layer, direction, kind);
  if (to == nullptr) {
    return {};
  }
  const bool accumulate = call_.args.accumulate != 0;
  const bool in_place = facts_.param_grad == facts_.arithmetic;
  void *product = in_place ? to : space_.d_weight.at(0);
  RONDO_TRY(frame_.products.run(
      {M, columns, rows_.S(), {a, M, true}, {b, columns}, product, columns, in_place && accumulate}));
  if (!in_place) {
    RONDO_CUDA(launch_finish_gradient(frame_.target, facts_.arithmetic, product, M * columns, facts_.param_grad, to,
                                      accumulate));
  }
  return {};
}

Status BackwardRun::bias_gradient(const Layer &layer, int64_t direction, ParamKind kind, const void *gates) const {
  void *to = wanted(layer, direction, kind);
  if (to == nullptr) {
    return {};
  }
  RONDO_CUDA(launch_column_sums(frame_.target, facts_.storage, gates, rows_.S(), facts_.gates, facts_.param_grad, to,
                                call_.args.accumulate != 0));
  return {};
}

}  // namespace rondo::fused
