// One backward call: the mirror image of forward, from the last layer down, with dx, dW and db of a layer as large
// products after its steps, which a tier takes in one launch. The reserve is only read, whatever consume_reserve
// allows.
#pragma once

#include "backend/fused/frame.h"
#include "kernels/cuda/sequence.h"

namespace rondo::fused {

class BackwardRun {
 public:
  BackwardRun(const Frame &frame, const BackwardCall &call, const BackwardSpace &space, const Reserve &reserve)
      : frame_(frame), facts_(frame.facts), rows_(frame.rows), call_(call), space_(space), reserve_(reserve) {}

  Status run() const;

 private:
  struct Layer {
    int64_t index;
    const void *dy;  // [S, D*O] arithmetic
    void *dx;        // [S, input(index)] arithmetic, or NULL: not wanted
    const void *hh[2], *hr[2];
  };
  // One step of one direction.
  struct Place {
    int64_t direction, t, rows, row;  // rows that run, from `row` on
    int64_t previous_t;               // the step before it in its direction; -1 or T beyond the ends
    int64_t from_steps;               // rows that have a step before it
  };

  Status output_gradient(const void **dy) const;
  void *input_gradient(int64_t layer) const;
  Status run_layer(const Layer &layer) const;
  Status load_states(const Layer &layer) const;
  Status store_states(const Layer &layer) const;
  Status store_input_gradient(const Layer &layer) const;
  Place place(int64_t direction, int64_t position) const;
  Status run_steps(const Layer &layer) const;
  Status run_sequence(const Layer &layer) const;
  kernels::cuda::BackwardSequenceDirection sequence_direction(const Layer &layer, int64_t direction) const;
  Status projection_gradients(const Layer &layer, int64_t position) const;
  Status cell_step(const Layer &layer, int64_t position) const;
  kernels::cuda::BackwardDirection cell_direction(const Layer &layer, const Place &at) const;
  Status hidden_products(const Layer &layer, int64_t position) const;
  // [S, gates] of a direction.
  const Array &dh_gates() const { return facts_.cell.splits_gradient ? space_.dh_gates : space_.dx_gates; }
  int64_t gates_row(const Place &at) const { return at.direction * rows_.S() + at.row; }

  // In gradients.cpp.
  Status input_gradients(const Layer &layer) const;
  Status parameter_gradients(const Layer &layer) const;
  Status direction_gradients(const Layer &layer, int64_t direction, const void *input) const;
  Status recurrent_gradient(const Layer &layer, int64_t direction) const;
  // kind's gradient = a^T b, a [S, M] and b [S, columns].
  Status weight_gradient(const Layer &layer, int64_t direction, ParamKind kind, const void *a, int64_t M, const void *b,
                         int64_t columns) const;
  Status bias_gradient(const Layer &layer, int64_t direction, ParamKind kind, const void *gates) const;
  Status clear_gradients(const Layer &layer) const;
  void *wanted(const Layer &layer, int64_t direction, ParamKind kind) const;

  const Frame &frame_;
  const Facts &facts_;
  const cuda::CallRows &rows_;
  const BackwardCall &call_;
  const BackwardSpace &space_;
  const Reserve &reserve_;
};

}  // namespace rondo::fused
