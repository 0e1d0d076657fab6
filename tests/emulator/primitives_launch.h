// Launches for the tests of primitives: with dynamic shared memory and clusters, in many orders of the threads.
// Device memory of the emulator is host memory, so kernels here take the addresses of vectors.
#pragma once

#include <string>

#include "party_cases.h"

namespace rondo_test {

struct Blocks {
  uint32_t count, threads, shared_bytes;
  uint32_t cluster = 1;
  bool together = false;  // cooperative: all blocks run at once
};

template <class... P, class... A>
cudaError_t run_blocks(const Blocks &blocks, void (*kernel)(P...), A... arguments) {
  return rondo_emulator::run({blocks.count, blocks.threads, blocks.cluster, blocks.shared_bytes, blocks.together},
                             kernel, arguments...);
}

constexpr uint64_t kOrders = 20;

template <class... P, class... A>
void check_clean(const Blocks &blocks, void (*kernel)(P...), A... arguments) {
  rondo_emulator::in_orders(kOrders, [&] {
    CHECK(run_blocks(blocks, kernel, arguments...) == cudaSuccess);
    CHECK(rondo_emulator::faults() == "");
  });
}

// In every order the launch ends in a fault of these words.
template <class... P, class... A>
void check_fault(const std::string &words, const Blocks &blocks, void (*kernel)(P...), A... arguments) {
  rondo_emulator::in_orders(kOrders, [&] {
    CHECK(run_blocks(blocks, kernel, arguments...) == cudaErrorLaunchFailure);
    CHECK_THAT(rondo_emulator::faults(), Catch::Matchers::Contains(words));
    rondo_emulator::forget_fault();
  });
}

}  // namespace rondo_test
