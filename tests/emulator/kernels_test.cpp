// Device code on the emulator: what its threads do wrong is found in every order, and what they do right is not
// doubted. Kernels here are written as those of kernels/cuda are, through primitives.h.
#include <cuda_runtime.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "control.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/primitives.h"
#include "support/catch.h"

namespace {

using namespace rondo::kernels::cuda;
using Catch::Matchers::Contains;

constexpr uint32_t kThreads = 64;

// Each thread hands its number to its neighbour through shared memory.
RONDO_KERNEL void hand_on(uint32_t *to, bool barrier) {
  wait_for_previous();
  RONDO_SHARED(uint32_t, kThreads, words);
  words.set(thread(), thread() + 1);
  if (barrier) {
    block_barrier();
  }
  to[block_x() * threads() + thread()] = words.get((thread() + 1) % threads());
}

// Reads what others wrote, then overwrites it; the second barrier keeps the two apart.
RONDO_KERNEL void read_then_write(float *to, bool second_barrier) {
  RONDO_SHARED(float, kThreads, words);
  words.set(thread(), static_cast<float>(thread()));
  block_barrier();
  float sum = 0;
  for (uint32_t k = 0; k < threads(); ++k) {
    sum += words.get(k);
  }
  if (second_barrier) {
    block_barrier();
  }
  words.set(thread(), sum);
  to[thread()] = words.get(thread());
}

RONDO_KERNEL void tree_sum(const float *from, float *to) {
  RONDO_SHARED(float, kThreads, words);
  words.set(thread(), from[thread()]);
  for (uint32_t half = threads() / 2; half != 0; half /= 2) {
    block_barrier();
    if (thread() < half) {
      words.set(thread(), words.get(thread()) + words.get(thread() + half));
    }
  }
  if (thread() == 0) {
    *to = words.get(0);
  }
}

RONDO_KERNEL void halves_side_by_side(uint32_t *to) {
  RONDO_SHARED(rondo::kernels::F16, kThreads, words);
  words.set(thread(), rondo::kernels::F16{static_cast<uint16_t>(thread())});
  to[thread()] = words.get(thread()).bits;
}

RONDO_KERNEL void both_write(uint32_t) {
  RONDO_SHARED(uint32_t, 1, word);
  word.set(0, 7);
}

RONDO_KERNEL void index_too_large(uint32_t past) {
  RONDO_SHARED(uint32_t, kThreads, words);
  words.set(thread() + past, 1);
}

RONDO_KERNEL void some_leave_early(uint32_t leaving) {
  if (thread() < leaving) {
    return;
  }
  block_barrier();
}

RONDO_KERNEL void some_skip_the_second(uint32_t skipping) {
  block_barrier();
  if (thread() >= skipping) {
    block_barrier();
  }
}

RONDO_KERNEL void reads_unwritten(uint32_t *to) {
  RONDO_SHARED(uint32_t, kThreads, words);
  to[thread()] = words.get(thread());
}

RONDO_KERNEL void asks_unequally(uint32_t *to) {
  if (thread() == 5) {
    RONDO_SHARED(uint32_t, 2, words);
    words.set(1, 1);
  } else {
    RONDO_SHARED(uint32_t, kThreads, words);
    words.set(thread(), 1);
  }
  to[0] = 0;
}

RONDO_KERNEL void waits_in_all_but(uint32_t not_in) {
  if (thread() != not_in) {
    wait_for_previous();
  }
}

RONDO_KERNEL void add_one(uint32_t *to, uint32_t count) {
  const uint32_t at = block_x() * threads() + thread();
  if (at < count) {
    ++to[at];
  }
}

template <class T>
struct OnDevice {
  T *data = nullptr;
  size_t count;
  explicit OnDevice(size_t items) : count(items) { REQUIRE(cudaMalloc(&data, count * sizeof(T)) == cudaSuccess); }
  OnDevice(const OnDevice &) = delete;
  OnDevice &operator=(const OnDevice &) = delete;
  ~OnDevice() { cudaFree(data); }
  std::vector<T> values() const {
    std::vector<T> host(count);
    REQUIRE(cudaMemcpy(host.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return host;
  }
};

template <class... P, class... A>
cudaError_t run(bool overlap, uint32_t blocks, void (*kernel)(P...), A... arguments) {
  const Shape shape{{blocks, 1, 1}, kThreads};
  const cudaError_t error = launch({nullptr, true}, overlap, shape, kernel, arguments...);
  return error != cudaSuccess ? error : cudaDeviceSynchronize();
}

// In many orders; every one ends in the same fault, which the runtime's error then tells.
template <class... P, class... A>
void check_fault(const std::string &words, bool overlap, void (*kernel)(P...), A... arguments) {
  rondo_emulator::Settings settings = rondo_emulator::settings();
  for (settings.seed = 1; settings.seed <= 50; ++settings.seed) {
    rondo_emulator::configure(settings);
    const cudaError_t error = run(overlap, 3, kernel, arguments...);
    CHECK(error == cudaErrorLaunchFailure);
    CHECK_THAT(rondo_emulator::faults(), Contains(words));
    CHECK_THAT(std::string(cudaGetErrorString(error)), Contains(words));
    CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
    rondo_emulator::forget_fault();
  }
}

template <class... P, class... A>
void check_clean(bool overlap, void (*kernel)(P...), A... arguments) {
  rondo_emulator::Settings settings = rondo_emulator::settings();
  for (settings.seed = 1; settings.seed <= 50; ++settings.seed) {
    rondo_emulator::configure(settings);
    CHECK(run(overlap, 3, kernel, arguments...) == cudaSuccess);
    CHECK(rondo_emulator::faults().empty());
  }
}

}  // namespace

TEST_CASE("a missing barrier is found in every order", "[kernels]") {
  OnDevice<uint32_t> to(3 * kThreads);
  check_fault("race on byte", false, hand_on, to.data, false);
  check_clean(false, hand_on, to.data, true);
  const auto values = to.values();
  int wrong = 0;
  for (uint32_t k = 0; k < to.count; ++k) {
    wrong += values[k] == (k % kThreads + 1) % kThreads + 1 ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a write after the reads of others needs a barrier too", "[kernels]") {
  OnDevice<float> to(kThreads);
  check_fault("without a barrier between them", false, read_then_write, to.data, false);
  check_clean(false, read_then_write, to.data, true);
  CHECK(to.values()[3] == kThreads * (kThreads - 1) / 2.0f);
}

TEST_CASE("two writes of one word are a race, of neighbouring halves none", "[kernels]") {
  OnDevice<uint32_t> to(kThreads);
  check_fault("write by thread", false, both_write, 0u);
  check_clean(false, halves_side_by_side, to.data);
  CHECK(to.values()[17] == 17);
}

TEST_CASE("a sum by halves is right", "[kernels]") {
  OnDevice<float> from(kThreads);
  OnDevice<float> to(1);
  const std::vector<float> ones(kThreads, 1.5f);
  REQUIRE(cudaMemcpy(from.data, ones.data(), kThreads * sizeof(float), cudaMemcpyHostToDevice) == cudaSuccess);
  check_clean(false, tree_sum, from.data, to.data);
  CHECK(to.values()[0] == 1.5f * kThreads);
}

TEST_CASE("an index past a shared array is found", "[kernels]") {
  check_fault("index 64 of a shared array of 64", false, index_too_large, 1u);
  check_clean(false, index_too_large, 0u);
}

TEST_CASE("a thread that returned without its neighbours' barrier is found", "[kernels]") {
  check_fault("without coming to the barrier", false, some_leave_early, 1u);
  check_fault("without coming to the barrier", false, some_leave_early, kThreads - 1);
  check_fault("without coming to the barrier", false, some_skip_the_second, 1u);
  check_clean(false, some_leave_early, 0u);
  check_clean(false, some_leave_early, kThreads);
  check_clean(false, some_skip_the_second, kThreads);
}

TEST_CASE("shared memory is not read before it is written and has one shape", "[kernels]") {
  OnDevice<uint32_t> to(kThreads);
  check_fault("before anything was written", false, reads_unwritten, to.data);
  check_fault("shared array 0 has", false, asks_unequally, to.data);
}

TEST_CASE("a kernel launched to overlap waits in every thread", "[kernels]") {
  OnDevice<uint32_t> to(3 * kThreads);
  check_fault("did not wait for it, in thread 9", true, waits_in_all_but, 9u);
  check_fault("did not wait", true, waits_in_all_but, 0u);
  check_clean(true, waits_in_all_but, kThreads);
  check_clean(false, waits_in_all_but, 9u);
  check_clean(true, hand_on, to.data, true);
}

TEST_CASE("devices before 9.0 refuse to overlap, and every launch has a shape", "[kernels]") {
  const rondo_emulator::Settings before = rondo_emulator::settings();
  rondo_emulator::Settings old = before;
  old.capability = 80;
  rondo_emulator::configure(old);
  CHECK(run(true, 1, waits_in_all_but, kThreads) == cudaErrorNotSupported);
  CHECK(run(false, 1, waits_in_all_but, kThreads) == cudaSuccess);
  rondo_emulator::configure(before);
  CHECK(run(false, 0, waits_in_all_but, kThreads) == cudaErrorInvalidConfiguration);
  CHECK(launch({nullptr, true}, false, {{1, 65536, 1}, 1}, both_write, 0u) == cudaErrorInvalidConfiguration);
  CHECK(launch({nullptr, true}, false, {{1, 1, 1}, 1025}, both_write, 0u) == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("a parameter that points to another device's memory is found", "[kernels]") {
  OnDevice<uint32_t> to(kThreads);
  REQUIRE(cudaSetDevice(1) == cudaSuccess);
  CHECK(run(false, 1, add_one, to.data, kThreads) == cudaErrorLaunchFailure);
  CHECK_THAT(rondo_emulator::faults(), Contains("memory of device 0"));
  rondo_emulator::forget_fault();
  REQUIRE(cudaSetDevice(0) == cudaSuccess);
}

TEST_CASE("every thread of every block runs once", "[kernels]") {
  constexpr uint32_t kCount = 100 * kThreads - 5;
  OnDevice<uint32_t> to(kCount);
  REQUIRE(cudaMemset(to.data, 0, kCount * sizeof(uint32_t)) == cudaSuccess);
  check_clean(false, add_one, to.data, 0u);
  REQUIRE(run(false, 100, add_one, to.data, kCount) == cudaSuccess);
  CHECK(to.values() == std::vector<uint32_t>(kCount, 1));
}

TEST_CASE("what launches and threads cost", "[.][speed]") {
  const auto seconds = [](auto &&work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  OnDevice<uint32_t> to(1000 * kThreads);
  const double small = seconds([&] {
    for (int k = 0; k < 20000; ++k) {
      launch({nullptr, true}, false, {{1, 1, 1}, 1}, add_one, to.data, 1u);
    }
    cudaDeviceSynchronize();
  });
  const double large = seconds([&] {
    for (int k = 0; k < 20; ++k) {
      run(false, 1000, add_one, to.data, 1000 * kThreads);
    }
  });
  const double barriers = seconds([&] { run(false, 1000, hand_on, to.data, true); });
  WARN("launch " << small / 20000 * 1e6 << " us, thread " << large / (20 * 1000 * kThreads) * 1e9
                 << " ns, thread with a barrier " << barriers / (1000 * kThreads) * 1e9 << " ns");
}
