// Blocks that talk: within a cluster through each other's shared memory, over the grid through flags.
#include <cstdint>
#include <vector>

#include "kernels/cuda/primitives.h"
#include "primitives_launch.h"

namespace {

using namespace rondo::kernels::cuda;
using namespace rondo_test;

constexpr uint32_t kThreads = 64;

enum class Miss { nothing, wait, bytes, start };

// Every block tells every block of its cluster a number per thread, step by step, in two buffers; a step's numbers are
// made from other threads' of the step before. Nobody has all of a step before everybody has read the one before it, so
// two buffers do.
template <class V>
RONDO_KERNEL void talk(float *to, uint32_t steps, Miss miss) {
  RONDO_DYNAMIC_SHARED(shared);
  constexpr uint32_t kWidth = sizeof(V) / sizeof(float);
  const uint32_t told = kThreads * kWidth;  // of one block
  const uint32_t all = told * cluster_blocks();
  const SharedSpan<float> words = shared.array<float>(16, 2 * all);
  const SharedBarrier barriers[2] = {{shared, 0}, {shared, 8}};
  if (thread() == 0) {
    for (const SharedBarrier &barrier : barriers) {
      barrier.init(1);
    }
    init_fence();
    for (const SharedBarrier &barrier : barriers) {
      barrier.expect(all * 4 - (miss == Miss::bytes ? 4 : 0));
    }
  }
  if (miss == Miss::start) {
    block_barrier();
  } else {
    cluster_barrier();
  }
  float mine = static_cast<float>(cluster_rank() + 1);
  for (uint32_t step = 0; step < steps; ++step) {
    const uint32_t buffer = step % 2;
    V value;
    for (uint32_t k = 0; k < kWidth; ++k) {
      value.item[k] = mine + static_cast<float>(k);
    }
    const uint32_t at = buffer * all + cluster_rank() * told + thread() * kWidth;
    for (uint32_t rank = 0; rank < cluster_blocks(); ++rank) {
      send(words, at, value, rank, barriers[buffer]);
    }
    if (miss != Miss::wait) {
      barriers[buffer].wait(step / 2 % 2);
    }
    if (thread() == 0 && step + 2 < steps) {
      barriers[buffer].expect(all * 4);
    }
    float sum = 0;
    for (uint32_t rank = 0; rank < cluster_blocks(); ++rank) {
      const uint32_t from = buffer * all + rank * told + (thread() + rank + 1) % kThreads * kWidth;
      for (uint32_t k = 0; k < kWidth; ++k) {
        sum += words.get(from + k);
      }
    }
    mine = sum / static_cast<float>(cluster_blocks() * kWidth) + static_cast<float>(cluster_rank());
  }
  to[block_x() * kThreads + thread()] = mine;
}

template <class V>
void check_talk(uint32_t cluster) {
  constexpr uint32_t kSteps = 7;
  constexpr uint32_t kWidth = sizeof(V) / sizeof(float);
  std::vector<float> to(size_t{2} * cluster * kThreads);
  const Blocks blocks{2 * cluster, kThreads, 16 + 2 * 4 * kThreads * kWidth * cluster, cluster};
  check_clean(blocks, talk<V>, to.data(), kSteps, Miss::nothing);
  // Whole numbers and their halves: (cluster - 1) / 2 is the mean of the ranks, (kWidth - 1) / 2 that of the items.
  double mean = 1 + (cluster - 1) / 2.0 + (kWidth - 1) / 2.0;
  for (uint32_t step = 1; step < kSteps; ++step) {
    mean += (cluster - 1) / 2.0 + (kWidth - 1) / 2.0;
  }
  for (size_t k = 0; k < to.size(); ++k) {
    REQUIRE(to[k] == static_cast<float>(mean) + static_cast<float>(k / kThreads % cluster));
  }
}

// Threads of one block meet at a barrier in shared memory, round by round.
RONDO_KERNEL void meet(uint32_t *to, uint32_t rounds, Miss miss) {
  RONDO_DYNAMIC_SHARED(shared);
  const SharedSpan<uint32_t> words = shared.array<uint32_t>(8, 2 * kThreads);
  const SharedBarrier barrier(shared, 0);
  if (thread() == 0) {
    barrier.init(kThreads);
  }
  block_barrier();
  uint32_t mine = thread();
  for (uint32_t round = 0; round < rounds; ++round) {
    const uint32_t half = round % 2 * kThreads;
    words.set(half + thread(), mine);
    barrier.arrive();
    if (miss != Miss::wait) {
      barrier.wait(round % 2);
    }
    mine = words.get(half + (thread() + 1) % kThreads) + 1;
  }
  to[thread()] = mine;
}

RONDO_KERNEL void ranks(uint32_t *to) {
  to[2 * block_x()] = cluster_rank();
  to[2 * block_x() + 1] = cluster_blocks();
}

// The first block waits until all others have counted.
RONDO_KERNEL void count_up(uint32_t *flag, uint32_t *seen, uint32_t wanted) {
  if (block_x() != 0) {
    flag_add(flag, 2);
    return;
  }
  Spin spin;
  while (flag_load(flag) < wanted) {
    spin.once();
  }
  *seen = flag_load(flag);
}

enum class Slip { nothing, count, wait };

// Every block tells four numbers and fetches what the next one told, round by round, in two copies.
RONDO_KERNEL void tell_over_grid(float *to, float *told, uint32_t *flag, uint32_t rounds, Slip slip) {
  RONDO_DYNAMIC_SHARED(shared);
  const SharedSpan<float> words = shared.array<float>(0, 4);
  float mine = static_cast<float>(block_x());
  for (uint32_t round = 0; round < rounds; ++round) {
    float *copy = told + round % 2 * 4 * grid_x();
    if (slip == Slip::count) {
      flag_add(flag, 1);
    }
    tell(Wide<float, 4>{{mine, mine + 1, mine + 2, mine + 3}}, copy + size_t{4} * block_x());
    if (slip != Slip::count) {
      flag_add(flag, 1);
    }
    Spin spin;
    while (slip != Slip::wait && flag_load(flag) < (round + 1) * grid_x()) {
      spin.once();
    }
    copy_told(copy + size_t{4} * ((block_x() + 1) % grid_x()), words, 0);
    commit_copies();
    wait_copies<0>();
    mine = words.get(round % 4);
  }
  to[block_x()] = mine;
}

}  // namespace

TEST_CASE("blocks know their rank in the cluster", "[primitives]") {
  std::vector<uint32_t> to(16);
  check_clean({8, 1, 0, 4}, ranks, to.data());
  CHECK(to == std::vector<uint32_t>{0, 4, 1, 4, 2, 4, 3, 4, 0, 4, 1, 4, 2, 4, 3, 4});
  check_clean({8, 1, 0}, ranks, to.data());
  CHECK(to == std::vector<uint32_t>{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
}

TEST_CASE("blocks of a cluster exchange values of every size", "[primitives]") {
  check_talk<Wide<float, 1>>(2);
  check_talk<Wide<float, 2>>(4);
  check_talk<Wide<float, 4>>(8);
  check_talk<Wide<float, 4>>(1);
}

TEST_CASE("what an exchange within a cluster forgets is found", "[primitives]") {
  std::vector<float> to(2 * kThreads);
  const Blocks blocks{2, kThreads, 16 + 4 * 4 * kThreads, 2};
  check_fault("shared memory", blocks, talk<Wide<float, 1>>, to.data(), 2u, Miss::wait);
  check_fault("race on byte", blocks, talk<Wide<float, 1>>, to.data(), 2u, Miss::bytes);
  check_fault("may not have started", blocks, talk<Wide<float, 1>>, to.data(), 2u, Miss::start);
}

TEST_CASE("threads meet at a barrier in shared memory", "[primitives]") {
  std::vector<uint32_t> to(kThreads);
  const Blocks blocks{1, kThreads, 8 + 2 * 4 * kThreads};
  check_clean(blocks, meet, to.data(), 5u, Miss::nothing);
  for (uint32_t k = 0; k < kThreads; ++k) {
    REQUIRE(to[k] == (k + 5) % kThreads + 5);
  }
  check_fault("race on byte", blocks, meet, to.data(), 5u, Miss::wait);
}

TEST_CASE("a flag counts over the grid", "[primitives]") {
  for (const uint32_t others : {1u, 5u}) {
    for (int k = 0; k < 10; ++k) {
      uint32_t flag = 0;
      uint32_t seen = 0;
      CHECK(run_blocks({others + 1, 1, 0, 1, true}, count_up, &flag, &seen, 2 * others) == cudaSuccess);
      CHECK(rondo_emulator::faults() == "");
      CHECK(seen == 2 * others);
    }
  }
}

TEST_CASE("what is told over the grid is there once a flag says so, and not before", "[primitives]") {
  constexpr uint32_t kBlocks = 5;
  constexpr uint32_t kRounds = 6;
  float to[kBlocks] = {};
  alignas(16) float told[2 * 4 * kBlocks] = {};
  uint32_t flag = 0;
  const auto run = [&](Slip slip) {
    flag = 0;
    return run_blocks({kBlocks, 1, 16, 1, true}, tell_over_grid, to, told, &flag, kRounds, slip);
  };
  rondo_emulator::in_orders(kOrders, [&] {
    CHECK(run(Slip::nothing) == cudaSuccess);
    CHECK(rondo_emulator::faults() == "");
    for (uint32_t block = 0; block < kBlocks; ++block) {
      // Each round gives the next block's, and 0, 1, 2, 3, 0, 1 more.
      CHECK(to[block] == static_cast<float>((block + kRounds) % kBlocks + 7));
    }
    for (const Slip slip : {Slip::count, Slip::wait}) {
      CHECK(run(slip) == cudaErrorLaunchFailure);
      CHECK_THAT(rondo_emulator::faults(), Catch::Matchers::Contains("race on global memory"));
      rondo_emulator::forget_fault();
    }
  });
}
