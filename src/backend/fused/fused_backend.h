// The fused back end: our own kernels around cuBLAS products, for every cell, type and option, on the current CUDA
// device.
#pragma once

#include "backend/backend.h"

namespace rondo::fused {

const Backend &fused_backend();

}  // namespace rondo::fused
