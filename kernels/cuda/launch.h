// Launching a kernel: where, how many threads, and whether it may overlap the one before it.
// The one place where a kernel meets the CUDA runtime.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace rondo::kernels::cuda {

// The stream of a call, and whether its device can start a kernel while the one before it drains (sm_90 and later).
struct Target {
  cudaStream_t stream;
  bool overlaps;
};

struct Shape {
  uint32_t blocks[3];
  uint32_t threads;
};

inline constexpr uint32_t kMaxGridYZ = 65535;

// Kernels called through here begin with wait_for_previous() wherever they are launched with `overlap`.
template <class... Parameters, class... Arguments>
cudaError_t launch(const Target &target, bool overlap, const Shape &shape, void (*kernel)(Parameters...),
                   Arguments &&...arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(shape.blocks[0], shape.blocks[1], shape.blocks[2]);
  config.blockDim = dim3(shape.threads, 1, 1);
  config.stream = target.stream;
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  if (overlap && target.overlaps) {
    config.attrs = &attribute;
    config.numAttrs = 1;
  }
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
}

}  // namespace rondo::kernels::cuda
