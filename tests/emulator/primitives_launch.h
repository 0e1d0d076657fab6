// Launches for the tests of primitives: with dynamic shared memory and clusters, in many orders of the threads.
// Device memory of the emulator is host memory, so kernels here take the addresses of vectors.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <string>

#include "control.h"
#include "support/catch.h"

namespace rondo_test {

struct Blocks {
  uint32_t count, threads, shared_bytes;
  uint32_t cluster = 1;
  bool together = false;  // cooperative: all blocks run at once
};

template <class... P, class... A>
cudaError_t run_blocks(const Blocks &blocks, void (*kernel)(P...), A... arguments) {
  cudaLaunchAttribute attributes[2] = {};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks.count, 1, 1);
  config.blockDim = dim3(blocks.threads, 1, 1);
  config.dynamicSmemBytes = blocks.shared_bytes;
  config.attrs = attributes;
  if (blocks.cluster > 1) {
    attributes[config.numAttrs].id = cudaLaunchAttributeClusterDimension;
    attributes[config.numAttrs].val.clusterDim.x = blocks.cluster;
    attributes[config.numAttrs].val.clusterDim.y = 1;
    attributes[config.numAttrs++].val.clusterDim.z = 1;
  }
  if (blocks.together) {
    attributes[config.numAttrs].id = cudaLaunchAttributeCooperative;
    attributes[config.numAttrs++].val.cooperative = 1;
  }
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, static_cast<P>(arguments)...);
  return error != cudaSuccess ? error : cudaDeviceSynchronize();
}

constexpr int kOrders = 20;

template <class... P, class... A>
void check_clean(const Blocks &blocks, void (*kernel)(P...), A... arguments) {
  rondo_emulator::Settings settings = rondo_emulator::settings();
  for (settings.seed = 1; settings.seed <= kOrders; ++settings.seed) {
    rondo_emulator::configure(settings);
    CHECK(run_blocks(blocks, kernel, arguments...) == cudaSuccess);
    CHECK(rondo_emulator::faults() == "");
  }
}

// In every order the launch ends in a fault of these words.
template <class... P, class... A>
void check_fault(const std::string &words, const Blocks &blocks, void (*kernel)(P...), A... arguments) {
  rondo_emulator::Settings settings = rondo_emulator::settings();
  for (settings.seed = 1; settings.seed <= kOrders; ++settings.seed) {
    rondo_emulator::configure(settings);
    CHECK(run_blocks(blocks, kernel, arguments...) == cudaErrorLaunchFailure);
    CHECK_THAT(rondo_emulator::faults(), Catch::Matchers::Contains(words));
    rondo_emulator::forget_fault();
  }
}

}  // namespace rondo_test
