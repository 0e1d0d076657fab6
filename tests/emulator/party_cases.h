// Launching a test's kernel on the emulator with what a party needs, in many orders: it is right in all, or its fault
// is found in all. A kernel here is a plain function that calls the emulator.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <string>
#include <vector>

#include "api/sanitizers.h"
#include "control.h"
#include "rondo_emulator/kernel.h"
#include "support/catch.h"

namespace rondo_emulator {

struct PartyShape {
  uint32_t blocks;  // along x
  uint32_t threads;
  uint32_t cluster = 1;
  size_t dynamic_bytes = 0;
  bool cooperative = false;
};

// The launch alone.
template <class... P, class... A>
cudaError_t start(const PartyShape &shape, cudaStream_t stream, void (*kernel)(P...), A... arguments) {
  cudaLaunchAttribute attributes[2] = {};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(shape.blocks);
  config.blockDim = dim3(shape.threads);
  config.dynamicSmemBytes = shape.dynamic_bytes;
  config.stream = stream;
  config.attrs = attributes;
  if (shape.cluster > 1) {
    attributes[config.numAttrs].id = cudaLaunchAttributeClusterDimension;
    attributes[config.numAttrs++].val.clusterDim = {shape.cluster, 1, 1};
  }
  if (shape.cooperative) {
    attributes[config.numAttrs].id = cudaLaunchAttributeCooperative;
    attributes[config.numAttrs++].val.cooperative = 1;
  }
  return cudaLaunchKernelEx(&config, kernel, static_cast<P>(arguments)...);
}

template <class... P, class... A>
cudaError_t run(const PartyShape &shape, void (*kernel)(P...), A... arguments) {
  const cudaError_t error = start(shape, nullptr, kernel, arguments...);
  return error != cudaSuccess ? error : cudaDeviceSynchronize();
}

// Fewer under sanitizers, which look for something else: each thread's fiber costs them up to a tenth of a millisecond.
constexpr uint64_t kOrders = TEST_UNDER_TSAN ? 2 : TEST_UNDER_ASAN ? 8 : 60;

// what() in so many orders of blocks and threads.
template <class What>
void in_orders(uint64_t orders, const What &what) {
  Settings settings = rondo_emulator::settings();
  for (settings.seed = 1; settings.seed <= orders; ++settings.seed) {
    configure(settings);
    what();
  }
}

// One of the words, whatever the order: which of a fault's faces shows first may depend on it.
template <class... P, class... A>
void check_found(const std::vector<std::string> &words, const PartyShape &shape, void (*kernel)(P...), A... arguments) {
  in_orders(kOrders, [&] {
    CHECK(run(shape, kernel, arguments...) == cudaErrorLaunchFailure);
    const std::string found = faults();
    bool told = false;
    for (const std::string &word : words) {
      told = told || found.find(word) != std::string::npos;
    }
    INFO(found);
    CHECK(told);
    forget_fault();
  });
}

template <class... P, class... A>
void check_clean(const PartyShape &shape, void (*kernel)(P...), A... arguments) {
  in_orders(kOrders, [&] {
    const cudaError_t error = run(shape, kernel, arguments...);
    INFO(faults());
    CHECK(error == cudaSuccess);
    forget_fault();
  });
}

template <class T>
class OnDevice {
 public:
  explicit OnDevice(size_t count) : count_(count) {
    REQUIRE(cudaMalloc(&data_, count * sizeof(T)) == cudaSuccess);
    REQUIRE(cudaMemset(data_, 0, count * sizeof(T)) == cudaSuccess);
  }
  OnDevice(const OnDevice &) = delete;
  OnDevice &operator=(const OnDevice &) = delete;
  ~OnDevice() { cudaFree(data_); }
  T *get() const { return data_; }
  std::vector<T> values() const {
    std::vector<T> host(count_);
    REQUIRE(cudaMemcpy(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return host;
  }

 private:
  T *data_ = nullptr;
  size_t count_;
};

// Words of shared memory, checked.
inline uint32_t get(const uint32_t *word) {
  on_read(word, sizeof *word);
  return *word;
}
inline void set(uint32_t *word, uint32_t value) {
  on_write(word, sizeof *word);
  *word = value;
}

}  // namespace rondo_emulator
