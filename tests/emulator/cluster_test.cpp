// Clusters on the emulator: blocks that run together, their barrier, each other's shared memory, and values sent from
// block to block. What is right is not doubted in any order; what is missing is found in every one.
#include <chrono>

#include "party_cases.h"

namespace {

using namespace rondo_emulator;

// Dynamic shared memory of the kernels here.
struct Layout {
  uint64_t barrier[2];
  uint32_t words[2][8 * 256];
};

Layout *layout() { return static_cast<Layout *>(dynamic_shared()); }

// Each thread hands its number to the same thread of the next block.
void pass_on(uint32_t *to, bool first, bool second, uint32_t farther) {
  if (first) {
    cluster_barrier();
  }
  uint32_t *mine = &layout()->words[0][here().thread];
  const uint32_t next = (cluster_rank() + 1) % cluster_size();
  set(static_cast<uint32_t *>(shared_of(next + farther, mine)), cluster_rank() * 100 + here().thread);
  if (second) {
    cluster_barrier();
  }
  to[here().block[0] * here().threads + here().thread] = get(mine);
}

enum class Slip : uint32_t {
  none,
  no_wait,
  one_wait_less,
  other_parity,
  fewer_bytes,
  more_bytes,
  no_first_barrier,
  wait_of_one,
  one_buffer,
  no_last_wait,
  wrong_rank,
  wrong_place,
  arrives_twice,
};

// Steps in which every block gives every block a word of each thread: the sequence kernels' exchange. A thread sums
// what it got and sends on.
void exchange(uint32_t *to, uint32_t steps, Slip slip) {
  Layout *shared = layout();
  const uint32_t blocks = cluster_size(), rank = cluster_rank(), thread = here().thread, threads = here().threads;
  const uint32_t words = blocks * threads;
  if (thread == 0) {
    barrier_init(&shared->barrier[0], 1);
    barrier_init(&shared->barrier[1], 1);
    for (int k = 0; k < 2; ++k) {
      barrier_expect(&shared->barrier[k], words * 4);
    }
  }
  if (slip != Slip::no_first_barrier) {
    cluster_barrier();
  }
  uint32_t value = rank + thread;
  for (uint32_t step = 0; step < steps; ++step) {
    const uint32_t k = slip == Slip::one_buffer ? 0 : step % 2;
    const uint32_t shift = slip == Slip::wrong_rank ? 1 : 0;
    const uint32_t part = slip == Slip::wrong_place ? rank + 1 : rank;
    for (uint32_t other = 0; other < blocks; ++other) {
      void *place = shared_of(other + shift, &shared->words[k][part * threads + thread]);
      send(place, &value, 4, shared_of(other + shift, &shared->barrier[step % 2]));
    }
    if (slip == Slip::no_last_wait && step + 1 == steps) {
      return;
    }
    const bool waits = slip != Slip::no_wait && (slip != Slip::one_wait_less || step != 3) &&
                       (slip != Slip::wait_of_one || thread == 0);
    if (waits) {
      barrier_wait(&shared->barrier[step % 2], (step / 2 + (slip == Slip::other_parity ? 1 : 0)) % 2);
    }
    if (thread == 0 && step + 2 < steps) {
      const uint32_t bytes = words * 4 + (slip == Slip::more_bytes ? 4 : 0) - (slip == Slip::fewer_bytes ? 4 : 0);
      barrier_expect(&shared->barrier[step % 2], bytes);
      if (slip == Slip::arrives_twice) {
        barrier_arrive(&shared->barrier[step % 2]);
      }
    }
    value = 0;
    for (uint32_t other = 0; other < blocks; ++other) {
      value += get(&shared->words[k][other * threads + (thread + step) % threads]);
    }
  }
  to[here().block[0] * threads + thread] = value;
}

std::vector<uint32_t> exchanged(uint32_t clusters, uint32_t blocks, uint32_t threads, uint32_t steps) {
  std::vector<uint32_t> values(blocks * threads);
  for (uint32_t k = 0; k < values.size(); ++k) {
    values[k] = k / threads + k % threads;
  }
  for (uint32_t step = 0; step < steps; ++step) {
    std::vector<uint32_t> next(values.size(), 0);
    for (uint32_t k = 0; k < values.size(); ++k) {
      for (uint32_t other = 0; other < blocks; ++other) {
        next[k] += values[other * threads + (k % threads + step) % threads];
      }
    }
    values = next;
  }
  std::vector<uint32_t> all;
  for (uint32_t k = 0; k < clusters; ++k) {
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

void note_places(uint32_t *to) {
  if (here().thread == 0) {
    to[here().block[0]] = cluster_rank() * 100 + cluster_size();
  }
}

void leave_early(uint32_t *to, bool stays) {
  uint32_t *mine = &layout()->words[0][here().thread];
  cluster_barrier();
  if (cluster_rank() == 1) {
    // Late enough for the other block to be gone, in some orders.
    uint32_t all[32];
    for (int k = 0; k < 50; ++k) {
      warp_exchange(&k, sizeof k, all);
    }
    set(static_cast<uint32_t *>(shared_of(0, mine)), 7);
  }
  if (stays) {
    cluster_barrier();
  }
  to[here().thread] = 1;
}

void skip_cluster_barrier(uint32_t skipping) {
  if (cluster_rank() == 1 && here().thread < skipping) {
    return;
  }
  cluster_barrier();
}

// Arrivals of every thread of every block at the first block's barrier, which then reads what they wrote there.
void gather(uint32_t *to, bool arrives_before) {
  Layout *shared = layout();
  const uint32_t at = cluster_rank() * here().threads + here().thread;
  if (cluster_rank() == 0 && here().thread == 0) {
    barrier_init(&shared->barrier[0], cluster_size() * here().threads);
  }
  cluster_barrier();
  void *barrier = shared_of(0, &shared->barrier[0]);
  if (arrives_before) {
    barrier_arrive(barrier);
  }
  set(static_cast<uint32_t *>(shared_of(0, &shared->words[0][at])), at);
  if (!arrives_before) {
    barrier_arrive(barrier);
  }
  if (cluster_rank() == 0) {
    barrier_wait(&shared->barrier[0], 0);
    uint32_t sum = 0;
    for (uint32_t k = 0; k < cluster_size() * here().threads; ++k) {
      sum += get(&shared->words[0][k]);
    }
    to[here().thread] = sum;
  }
  cluster_barrier();
}

void wait_at_others(uint32_t) {
  Layout *shared = layout();
  if (here().thread == 0) {
    barrier_init(&shared->barrier[0], 1);
  }
  cluster_barrier();
  barrier_wait(shared_of(1 - cluster_rank(), &shared->barrier[0]), 1);
  cluster_barrier();
}

void use_without_barrier(uint32_t) {
  if (here().thread == 0) {
    barrier_arrive(&layout()->barrier[0]);
  }
}

// What a warp's product costs here: its lanes read rows of 16 bytes and give each other 48.
void meet_often(uint32_t *to, uint32_t count) {
  Layout *shared = layout();
  uint32_t *words = shared->words[0];
  for (uint32_t k = here().thread; k < 8 * 256; k += here().threads) {
    set(words + k, k);
  }
  block_barrier();
  uint32_t mine[12] = {here().thread}, all[32][12];
  for (uint32_t k = 0; k < count; ++k) {
    on_read(words + (k * 32 + here().thread % 32) % 512 * 4, 16);
    warp_exchange(mine, sizeof mine, all);
    mine[0] += all[k % 32][0];
  }
  to[here().block[0] * here().threads + here().thread] = mine[0];
}

constexpr size_t kBytes = sizeof(Layout);
constexpr PartyShape kTwo{2, 32, 2, kBytes}, kFour{8, 64, 4, kBytes};

}  // namespace

TEST_CASE("blocks of a cluster know their place", "[cluster]") {
  OnDevice<uint32_t> to(8);
  check_clean({8, 32, 4}, note_places, to.get());
  CHECK(to.values() == std::vector<uint32_t>{4, 104, 204, 304, 4, 104, 204, 304});
  check_clean({8, 32}, note_places, to.get());
  CHECK(to.values() == std::vector<uint32_t>(8, 1));
}

TEST_CASE("shared memory of another block is there between two cluster barriers", "[cluster]") {
  OnDevice<uint32_t> to(8 * 64);
  check_clean(kFour, pass_on, to.get(), true, true, 0u);
  CHECK(to.values()[64 + 5] == 5);
  CHECK(to.values()[5] == 305);
  check_found({"race on byte", "before anything was written"}, kFour, pass_on, to.get(), true, false, 0u);
  check_found({"which may not have started", "which has returned"}, kFour, pass_on, to.get(), false, true, 0u);
  check_found({"rank 4 of a cluster of 4"}, kFour, pass_on, to.get(), true, true, 1u);
}

TEST_CASE("steps that send to every block are right", "[cluster]") {
  for (const uint32_t cluster : {1u, 2u, 4u, 8u}) {
    for (const uint32_t steps : {1u, 2u, 5u}) {
      OnDevice<uint32_t> to(2 * cluster * 64);
      check_clean({2 * cluster, 64, cluster, kBytes}, exchange, to.get(), steps, Slip::none);
      CHECK(to.values() == exchanged(2, cluster, 64, steps));
    }
  }
}

TEST_CASE("what is missing between sending and reading is found", "[cluster]") {
  OnDevice<uint32_t> to(8 * 64);
  const auto check = [&](const std::vector<std::string> &words, Slip slip) {
    check_found(words, kFour, exchange, to.get(), 6u, slip);
  };
  check({"race on byte", "before anything was written", "more than 1 arrivals"}, Slip::no_wait);
  check({"race on byte", "more than 1 arrivals"}, Slip::one_wait_less);
  check({"race on byte", "before anything was written", "more than 1 arrivals"}, Slip::other_parity);
  check({"race on byte", "deadlock: nobody can go on", "may still be touched", "more than 1 arrivals"},
        Slip::fewer_bytes);
  check({"deadlock: nobody can go on"}, Slip::more_bytes);
  check({"may not have started", "which has returned", "no barrier was made"}, Slip::no_first_barrier);
  check({"race on byte", "before anything was written"}, Slip::wait_of_one);
  check({"race on byte"}, Slip::one_buffer);
  check({"returned while its shared memory may still be touched", "which has returned"}, Slip::no_last_wait);
  check({"rank 4 of a cluster of 4"}, Slip::wrong_rank);
  check({"race on byte", "before anything was written"}, Slip::wrong_place);
  check({"more than 1 arrivals", "race on byte", "deadlock"}, Slip::arrives_twice);
}

TEST_CASE("a block stays until nobody touches its shared memory", "[cluster]") {
  OnDevice<uint32_t> to(32);
  check_clean(kTwo, leave_early, to.get(), true);
  check_found({"returned while its shared memory may still be touched", "which has returned"}, kTwo, leave_early,
              to.get(), false);
}

TEST_CASE("a thread that returned without the cluster's barrier is found", "[cluster]") {
  check_clean(kTwo, skip_cluster_barrier, 0u);
  check_found({"returned without coming to the cluster's barrier"}, kTwo, skip_cluster_barrier, 1u);
  check_found({"returned without coming to the cluster's barrier"}, kTwo, skip_cluster_barrier, 32u);
}

TEST_CASE("a barrier carries what was done before arriving", "[cluster]") {
  OnDevice<uint32_t> to(64);
  check_clean(kFour, gather, to.get(), false);
  CHECK(to.values()[9] == 255 * 256 / 2);
  check_found({"race on byte", "before anything was written"}, kFour, gather, to.get(), true);
  check_found({"waits at a barrier of another block"}, kTwo, wait_at_others, 0u);
  check_found({"no barrier was made"}, kTwo, use_without_barrier, 0u);
}

TEST_CASE("what steps of a cluster cost", "[.][speed]") {
  OnDevice<uint32_t> to(8 * 256);
  const auto seconds = [](auto &&work) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(work() == cudaSuccess);
    INFO(faults());
    CHECK(faults().empty());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (int k = 0; k < 5; ++k) {
    const double steps = seconds([&] { return run({8, 256, 8, kBytes}, exchange, to.get(), 10u, Slip::none); });
    const double warps = seconds([&] { return run({8, 256, 8, kBytes}, meet_often, to.get(), 100u); });
    WARN("8 blocks of 256 threads: 10 steps " << steps << " s, 100 meetings of every warp " << warps << " s");
  }
}
