// Plain accesses of global memory: every primitive that makes one is followed, and what orders blocks of one launch
// orders them.
#include <vector>

#include "kernels/cuda/primitives.h"
#include "primitives_launch.h"

namespace {

using namespace rondo::kernels::cuda;
using namespace rondo_test;
using rondo::kernels::F16;

enum class Way : uint32_t { one, narrow, wide, move, copy, told };
enum class Order : uint32_t { none, flag, cluster, late_flag };

constexpr uint32_t kWide = 16 / sizeof(float);
using Whole = Wide<float, kWide>;

// The primitive's read of the words from `from` on, or its write.
RONDO_DEVICE void access(Way way, bool writes, float *words, float *own) {
  float four[kWide] = {};
  switch (way) {
    case Way::one:
      writes ? store_whole(1.0f, words) : static_cast<void>(load_whole(words));
      return;
    case Way::narrow:
      writes ? store_narrow(1.0f, reinterpret_cast<F16 *>(words))
             : static_cast<void>(load_whole(reinterpret_cast<const F16 *>(words)));
      return;
    case Way::wide:
      writes ? write_wide<float, kWide>(four, words) : read_wide<float, kWide>(words, four);
      return;
    case Way::move:
      writes ? move_wide<kWide>(own, words) : move_wide<kWide>(words, own);
      return;
    case Way::told:
      if (writes) {
        tell(Whole{}, words);
        return;
      }
      [[fallthrough]];
    case Way::copy:
      if (writes) {
        store_whole(Whole{}, reinterpret_cast<Whole *>(words));
        return;
      }
      RONDO_DYNAMIC_SHARED(shared);
      const SharedSpan<float> to = shared.array<float>(0, kWide);
      way == Way::told ? copy_told(words, to, 0) : copy_async(words, to, 0);
      commit_copies();
      wait_copies<0>();
  }
}

// One thread of the first block, then one of the second.
RONDO_KERNEL void one_after_the_other(float *words, uint32_t *flag, Way way, bool first, bool second, Order order) {
  float *own = words + kWide * (1 + block_x());
  if (block_x() == 0 && thread() == 0) {
    if (order == Order::late_flag) {
      flag_add(flag, 1);
    }
    access(way, first, words, own);
    if (order == Order::flag) {
      flag_add(flag, 1);
    }
  }
  if (order == Order::cluster) {
    cluster_barrier();
  }
  if (block_x() == 1 && thread() == 0) {
    while ((order == Order::flag || order == Order::late_flag) && flag_load(flag) == 0) {
      Spin().once();
    }
    access(way, second, words, own);
  }
}

// How many of the orders in which blocks ran show a race.
uint64_t races(const Blocks &blocks, Way way, bool first, bool second, Order order) {
  alignas(16) float words[3 * kWide] = {};
  uint64_t found = 0;
  rondo_emulator::in_orders(kOrders, [&] {
    uint32_t flag = 0;
    const cudaError_t error = run_blocks(blocks, one_after_the_other, words, &flag, way, first, second, order);
    const std::string fault = rondo_emulator::faults();
    CHECK((error == cudaSuccess) == fault.empty());
    if (!fault.empty()) {
      CHECK_THAT(fault, Catch::Matchers::Contains("race on global memory"));
      ++found;
    }
    rondo_emulator::forget_fault();
  });
  return found;
}

constexpr Blocks kAlone{2, 2, 16};
constexpr Blocks kTogether{2, 2, 16, 1, true};
constexpr Blocks kCluster{2, 2, 16, 2};

TEST_CASE("every access of global memory is followed", "[primitives][global]") {
  for (const Way way : {Way::one, Way::narrow, Way::wide, Way::move, Way::copy, Way::told}) {
    for (const bool first : {false, true}) {
      for (const bool second : {false, true}) {
        CAPTURE(static_cast<int>(way), first, second);
        const uint64_t all = first || second ? kOrders : 0;
        for (const Blocks &blocks : {kAlone, kTogether, kCluster}) {
          CHECK(races(blocks, way, first, second, Order::none) == all);
        }
        CHECK(races(kTogether, way, first, second, Order::late_flag) == all);
        CHECK(races(kTogether, way, first, second, Order::flag) == 0);
        CHECK(races(kCluster, way, first, second, Order::cluster) == 0);
      }
    }
  }
}

// Neighbours read each other's words, and write their own.
RONDO_KERNEL void turn_round(float *words, bool meets) {
  const uint32_t all = threads();
  const uint32_t next = (thread() + 1) % all;
  const float theirs = load_whole(words + next);
  if (meets) {
    block_barrier();
  }
  store_whole(theirs, words + thread());
}

TEST_CASE("threads of a block meet between reads and writes of what others read", "[primitives][global]") {
  std::vector<float> words(64);
  check_clean({1, 64, 0}, turn_round, words.data(), true);
  check_fault("race on global memory", {1, 64, 0}, turn_round, words.data(), false);
}

TEST_CASE("a launch comes after the one before it", "[primitives][global]") {
  std::vector<float> words(64);
  for (uint32_t k = 0; k < 3; ++k) {
    check_clean({1, 64, 0}, turn_round, words.data(), true);
    check_clean({1, 32, 0}, turn_round, words.data(), true);
  }
}

}  // namespace
