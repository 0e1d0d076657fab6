// One value into storage of any type, for what core itself writes: initial values and padding.
#pragma once

#include "core/spec.h"
#include "kernels/cell/dtype.h"

namespace rondo {

inline void store_element(rondo_dtype_t dtype, double value, void *to, int64_t element) {
  switch (dtype) {
    case RONDO_F64:
      static_cast<double *>(to)[element] = value;
      break;
    case RONDO_F32:
      static_cast<float *>(to)[element] = static_cast<float>(value);
      break;
    case RONDO_F16:
      static_cast<kernels::F16 *>(to)[element] = kernels::to_storage<kernels::F16>(value);
      break;
    default:
      static_cast<kernels::Bf16 *>(to)[element] = kernels::to_storage<kernels::Bf16>(value);
      break;
  }
}

}  // namespace rondo
