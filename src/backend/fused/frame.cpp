// The moves between the caller's tensors and a layer's own order that both passes need.
#include "backend/fused/frame.h"

#include "backend/cuda/error.h"
#include "backend/fused/variants.h"
#include "kernels/cuda/arrays.h"
#include "kernels/cuda/rows.h"

namespace rondo::fused {

using namespace kernels::cuda;

Status Frame::sequence_layout(bool backward, SequenceLayout *layout) const {
  const auto found = fused::sequence_layout(*facts.tier, facts.spec, facts.device, backward, rows.N());
  if (!found) {
    return fail(RONDO_ERROR_UNSUPPORTED, "%s does not fit N %lld, though it fits the plan's", facts.tier->name,
                static_cast<long long>(rows.N()));
  }
  *layout = *found;
  return {};
}

Status Frame::weights(ParamKind kind, int64_t layer, const Array &copy, const void *(&of)[2]) const {
  of[0] = params.at(kind, layer, 0);
  if (facts.D == 1) {
    of[1] = nullptr;
    return {};
  }
  of[1] = params.at(kind, layer, 1);
  if (params.packed() || of[0] == nullptr || facts.tier != nullptr) {
    return {};
  }
  const Param shape = param_at(facts.spec, param_index(facts.spec, layer, 0, kind));
  const int64_t count = shape.rows * shape.columns;
  const Piece pieces[] = {{of[0], copy.at(0), count}, {of[1], copy.at(count), count}};
  RONDO_CUDA(launch_copy_pieces(target, facts.storage, pieces, 2, false));
  of[0] = pieces[0].to;
  of[1] = pieces[1].to;
  return {};
}

Status Frame::layer_input(int64_t layer, const void *x, const Array &below, const uint64_t *dropout_record,
                          const Array &space, const void **input) const {
  if (layer == 0 && direct()) {
    *input = x;
    return {};
  }
  if (layer > 0 && !facts.drops_out()) {
    *input = below.at(0);
    return {};
  }
  *input = space.at(0);
  if (layer == 0) {
    RONDO_CUDA(launch_gather_rows(target, rows.map(), facts.storage, x, facts.I, facts.storage, space.at(0), facts.I));
  } else {
    RONDO_CUDA(launch_dropout(target, rows.map(), dropout_record, layer - 1, facts.spec.dropout, facts.storage,
                              below.at(0), facts.output, facts.output, space.at(0), facts.output));
  }
  return {};
}

Status Frame::load_states(int64_t layer, const void *tensor, kernels::Storage tensor_type, int64_t width,
                          kernels::Storage type, const Array &to) const {
  for (int64_t direction = 0; direction < facts.D; ++direction) {
    const int64_t before = (layer * facts.D + direction) * rows.N() * width;
    RONDO_CUDA(launch_load_states(target, rows.map(), tensor_type, element(tensor, before, tensor_type), width, type,
                                  to.at(direction * rows.N() * width)));
  }
  return {};
}

Status Frame::store_states(int64_t layer, const Array &from, kernels::Storage type, int64_t width,
                           kernels::Storage tensor_type, void *tensor) const {
  for (int64_t direction = 0; tensor != nullptr && direction < facts.D; ++direction) {
    const int64_t before = (layer * facts.D + direction) * rows.N() * width;
    RONDO_CUDA(launch_store_states(target, rows.map(), type, from.at(direction * rows.N() * width), width, tensor_type,
                                   element(tensor, before, tensor_type)));
  }
  return {};
}

}  // namespace rondo::fused
