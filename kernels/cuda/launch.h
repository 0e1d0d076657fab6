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
  uint32_t cluster = 1;       // blocks, along x; more than one from sm_90 on
  uint32_t shared_bytes = 0;  // dynamic; more than 48 KiB only where allow_shared has raised the kernel's bound
  bool together = false;      // all blocks run at once, or the launch is refused; it never overlaps the one before it
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
  config.dynamicSmemBytes = shape.shared_bytes;
  cudaLaunchAttribute attributes[2] = {};
  config.attrs = attributes;
  if (overlap && target.overlaps && !shape.together) {
    cudaLaunchAttribute &attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
  }
  if (shape.cluster > 1) {
    cudaLaunchAttribute &attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = shape.cluster;
    attribute.val.clusterDim.y = 1;
    attribute.val.clusterDim.z = 1;
  }
  if (shape.together) {
    cudaLaunchAttribute &attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeCooperative;
    attribute.val.cooperative = 1;
  }
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
}

// What a kernel needs to be told before a launch with so much dynamic shared memory or so large a cluster.
template <class... Parameters>
cudaError_t allow_shared(const Shape &shape, void (*kernel)(Parameters...)) {
  constexpr uint32_t kAlwaysBytes = 48 * 1024;
  constexpr uint32_t kPortableCluster = 8;
  cudaError_t error = cudaSuccess;
  if (shape.shared_bytes > kAlwaysBytes) {
    error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shape.shared_bytes));
  }
  if (error == cudaSuccess && shape.cluster > kPortableCluster) {
    error = cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
  }
  return error;
}

// As the driver counts them, of one SM.
template <class... Parameters>
cudaError_t blocks_at_once(const Shape &shape, void (*kernel)(Parameters...), int *blocks) {
  const cudaError_t error = allow_shared(shape, kernel);
  return error != cudaSuccess
             ? error
             : cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, reinterpret_cast<const void *>(kernel),
                                                             static_cast<int>(shape.threads), shape.shared_bytes);
}

inline cudaError_t clear(const Target &target, void *memory, int64_t bytes) {
  return cudaMemsetAsync(memory, 0, static_cast<size_t>(bytes), target.stream);
}

}  // namespace rondo::kernels::cuda
