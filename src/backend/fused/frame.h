// Frame: one call's facts, rows, parameters and stream, and what forward and backward both do with them.
#pragma once

#include "backend/fused/layout.h"
#include "backend/fused/params.h"
#include "backend/fused/products.h"

namespace rondo::fused {

struct Frame {
  const Facts &facts;
  const cuda::CallRows &rows;
  const Params &params;
  const Products &products;
  const kernels::cuda::Target &target;

  // Step order is the caller's own and every row is valid, so that x, y and their gradients can be used as they lie.
  bool direct() const { return rows.direct() && !rows.masked(); }
  // The step at a position of the order in which a direction runs.
  int64_t step_at(int64_t direction, int64_t position) const {
    return direction == 0 ? position : rows.T() - 1 - position;
  }
  bool runs_rows(int64_t position) const {
    return rows.active(position) > 0 || (facts.D == 2 && rows.active(rows.T() - 1 - position) > 0);
  }

  // What a tier makes of this call.
  Status sequence_layout(bool backward, kernels::cuda::SequenceLayout *layout) const;
  // A weight of each direction: for a product of both at once in one block, packed or copied to `copy`; for a tier as
  // they lie.
  Status weights(ParamKind kind, int64_t layer, const Array &copy, const void *(&of)[2]) const;
  // What a layer's input products read, [S, input(layer)] storage: x, or the output of the layer below after dropout;
  // as it lies, or in `space`.
  Status layer_input(int64_t layer, const void *x, const Array &below, const uint64_t *dropout_record,
                     const Array &space, const void **input) const;
  // A layer's part of the caller's [L*D,N,width] to sorted rows [D][N,width] and back. NULL: zeros; not wanted.
  Status load_states(int64_t layer, const void *tensor, kernels::Storage tensor_type, int64_t width,
                     kernels::Storage type, const Array &to) const;
  Status store_states(int64_t layer, const Array &from, kernels::Storage type, int64_t width,
                      kernels::Storage tensor_type, void *tensor) const;
};

}  // namespace rondo::fused
