// Failures of the CUDA runtime as Status, with the call and the runtime's own words.
#pragma once

#include <cuda_runtime.h>

#include "core/status.h"

namespace rondo::cuda {

// The runtime's last error is taken back, so that the caller's next check does not see it.
Status cuda_failure(const char *call, cudaError_t error);

}  // namespace rondo::cuda

#define RONDO_CUDA(call)                                            \
  do {                                                              \
    if (const cudaError_t error_ = (call); error_ != cudaSuccess) { \
      return ::rondo::cuda::cuda_failure(#call, error_);            \
    }                                                               \
  } while (false)
