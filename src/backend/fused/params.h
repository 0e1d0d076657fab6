// Params: where a call's parameters lie, in PyTorch's order and shapes either way: the caller's tensors, or one packed
// block, each tensor of which begins at a multiple of 256 bytes.
#pragma once

#include "core/checked.h"
#include "core/parameters.h"
#include "kernels/cuda/launch.h"

namespace rondo::fused {

class Params {
 public:
  // One of the two pointers is given.
  Params(const Spec &spec, const void *const *tensors, const void *packed)
      : spec_(spec), tensors_(tensors), packed_(static_cast<const char *>(packed)) {}

  // NULL where the spec has no such parameter.
  const void *at(ParamKind kind, int64_t layer, int64_t direction) const;
  bool packed() const { return packed_ != nullptr; }

 private:
  const Spec &spec_;
  const void *const *tensors_;
  const char *packed_;
};

// Bytes of a packed block; overflow shows.
Checked packed_size(const Spec &spec);
// The caller's tensors into a packed block.
Status pack_params(const Spec &spec, const void *const *tensors, void *packed, const kernels::cuda::Target &target);

}  // namespace rondo::fused
