// The packed block's layout, by formula: no table grows with the number of layers.
#include "backend/fused/params.h"

#include <vector>

#include "backend/cuda/error.h"
#include "backend/fused/layout.h"
#include "kernels/cuda/arrays.h"

namespace rondo::fused {
namespace {

int64_t elements_of(const Param &param) { return param.rows * param.columns; }

Checked tensor_bytes(const Spec &spec, int64_t index) {
  return round_up(Checked(elements_of(param_at(spec, index))) * dtype_size(spec.storage()), operand_alignment);
}

// The first `count` parameters of a layer's direction 0; the other direction has the same shapes.
Checked leading_bytes(const Spec &spec, int64_t layer, int64_t count) {
  const int64_t first = layer * spec.directions() * params_per_direction(spec);
  Checked bytes = 0;
  for (int64_t k = 0; k < count; ++k) {
    bytes = bytes + tensor_bytes(spec, first + k);
  }
  return bytes;
}

// Where parameter `index` begins; param_count gives the end.
Checked packed_offset(const Spec &spec, int64_t index) {
  const int64_t count = params_per_direction(spec);
  const int64_t D = spec.directions();
  const int64_t passes = index / count;
  const int64_t in_first_layer = std::min(passes, D);
  return leading_bytes(spec, 0, count) * in_first_layer + leading_bytes(spec, 1, count) * (passes - in_first_layer) +
         leading_bytes(spec, passes / D, index % count);
}

bool has(const Spec &spec, ParamKind kind) {
  switch (kind) {
    case ParamKind::bias_ih:
    case ParamKind::bias_hh:
      return spec.bias != 0;
    case ParamKind::weight_hr:
      return spec.proj_size > 0;
    default:
      return true;
  }
}

}  // namespace

const void *Params::at(ParamKind kind, int64_t layer, int64_t direction) const {
  if (!has(spec_, kind)) {
    return nullptr;
  }
  const int64_t index = param_index(spec_, layer, direction, kind);
  return packed_ == nullptr ? tensors_[index] : packed_ + packed_offset(spec_, index).value();
}

Checked packed_size(const Spec &spec) { return packed_offset(spec, param_count(spec)); }

Status pack_params(const Spec &spec, const void *const *tensors, void *packed, const kernels::cuda::Target &target) {
  std::vector<kernels::cuda::Piece> pieces;
  pieces.reserve(static_cast<size_t>(param_count(spec)));
  for (int64_t index = 0; index < param_count(spec); ++index) {
    pieces.push_back({tensors[index], static_cast<char *>(packed) + packed_offset(spec, index).value(),
                      elements_of(param_at(spec, index))});
  }
  RONDO_CUDA(kernels::cuda::launch_copy_pieces(target, static_cast<kernels::Storage>(spec.storage()), pieces.data(),
                                               static_cast<int64_t>(pieces.size()), false));
  return {};
}

}  // namespace rondo::fused
