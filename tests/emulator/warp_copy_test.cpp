// Warps and copies into shared memory on the emulator: what they order and what they do not.
#include "party_cases.h"

namespace {

using namespace rondo_emulator;

constexpr uint32_t kThreads = 96;

void exchange_lanes(uint32_t *to, uint32_t rounds) {
  uint32_t value = here().thread;
  for (uint32_t k = 0; k < rounds; ++k) {
    uint32_t all[32];
    warp_exchange(&value, sizeof value, all);
    value = all[(here().thread + 1) % 32] + all[0];
  }
  to[here().block[0] * here().threads + here().thread] = value;
}

// Each lane hands a word to the next; the warp's barrier orders that, an exchange does not.
void hand_on(uint32_t *to, bool barrier, bool own_warp) {
  auto *words = static_cast<uint32_t *>(shared_memory(kThreads * 4));
  const uint32_t thread = here().thread;
  set(&words[thread], thread);
  if (barrier) {
    warp_barrier();
  } else {
    uint32_t all[32];
    warp_exchange(&thread, sizeof thread, all);
  }
  to[thread] = get(&words[own_warp ? thread / 32 * 32 + (thread + 1) % 32 : (thread + 32) % kThreads]);
}

void leave_before(uint32_t lane, bool exchange) {
  if (here().thread == lane) {
    return;
  }
  if (exchange) {
    uint32_t all[32];
    warp_exchange(&lane, sizeof lane, all);
  } else {
    warp_barrier();
  }
}

void meet_differently(uint32_t lane) {
  uint64_t value = 0, all[32];
  if (here().thread == lane) {
    warp_exchange(&value, 4, all);
  } else {
    warp_exchange(&value, 8, all);
  }
}

void cross(uint32_t) {
  if (here().thread == 0) {
    block_barrier();
  }
  warp_barrier();
  block_barrier();
}

enum class Slip : uint32_t { none, no_wait, no_commit, one_left, no_barrier, reads_too_early, overwrites };

// Every thread brings four groups of 16 bytes, then reads its neighbour's.
void bring(const uint32_t *from, uint32_t *to, Slip slip) {
  auto *words = static_cast<uint32_t *>(dynamic_shared());
  const uint32_t thread = here().thread, threads = here().threads;
  for (uint32_t k = 0; k < 4; ++k) {
    copy_async(words + 4 * (k * threads + thread), from + 4 * (k * threads + thread), 16);
    if (slip != Slip::no_commit || k != 3) {
      copy_commit();
    }
  }
  if (slip == Slip::reads_too_early) {
    to[thread] = get(words + 4 * thread);
  }
  if (slip == Slip::overwrites) {
    set(words + 4 * thread, 1);
  }
  if (slip != Slip::no_wait) {
    copy_wait(1);
    if (slip != Slip::one_left) {
      copy_wait(0);
    }
  }
  if (slip != Slip::no_barrier) {
    block_barrier();
  }
  uint32_t sum = 0;
  for (uint32_t k = 0; k < 16; ++k) {
    sum += get(words + 4 * (k / 4 * threads + (thread + 1) % threads) + k % 4);
  }
  to[thread] = sum;
}

void copy_oddly(const uint32_t *from, uint32_t bytes, uint32_t offset) {
  copy_async(static_cast<char *>(dynamic_shared()) + offset, from, bytes);
}

void read_past(uint32_t words) { get(static_cast<uint32_t *>(dynamic_shared()) + words); }

void ask_for_more(uint32_t words) { shared_memory(words * 4); }

}  // namespace

TEST_CASE("a warp's lanes get what each has", "[warp]") {
  OnDevice<uint32_t> to(2 * kThreads);
  check_clean({2, kThreads}, exchange_lanes, to.get(), 3u);
  std::vector<uint32_t> values(kThreads);
  for (uint32_t k = 0; k < kThreads; ++k) {
    values[k] = k;
  }
  for (int round = 0; round < 3; ++round) {
    const std::vector<uint32_t> before = values;
    for (uint32_t k = 0; k < kThreads; ++k) {
      values[k] = before[k / 32 * 32 + (k + 1) % 32] + before[k / 32 * 32];
    }
  }
  values.insert(values.end(), values.begin(), values.begin() + kThreads);
  CHECK(to.values() == values);
}

TEST_CASE("a warp's barrier orders its lanes, an exchange does not", "[warp]") {
  OnDevice<uint32_t> to(kThreads);
  check_clean({1, kThreads}, hand_on, to.get(), true, true);
  CHECK(to.values()[63] == 32);
  check_found({"race on byte", "before anything was written"}, {1, kThreads}, hand_on, to.get(), false, true);
  check_found({"race on byte", "before anything was written"}, {1, kThreads}, hand_on, to.get(), true, false);
}

TEST_CASE("a lane that is not there when its warp meets is found", "[warp]") {
  for (const bool exchange : {false, true}) {
    check_found({"lanes of its warp wait for it", "of which 1 lanes returned"}, {2, 64}, leave_before, 37u, exchange);
    check_clean({2, 64}, leave_before, 64u, exchange);
    check_found({"no multiple of 32"}, {1, 40}, leave_before, 64u, exchange);
  }
  check_found({"came to another meeting of its warp"}, {1, 32}, meet_differently, 3u);
  check_found({"deadlock: nobody can go on", "lanes of its warp"}, {1, 64}, cross, 0u);
}

TEST_CASE("copies are there for their thread after waiting, for others after a barrier", "[copies]") {
  std::vector<uint32_t> host(16 * kThreads);
  for (uint32_t k = 0; k < host.size(); ++k) {
    host[k] = 3 * k;
  }
  OnDevice<uint32_t> from(host.size()), to(kThreads);
  REQUIRE(cudaMemcpy(from.get(), host.data(), host.size() * 4, cudaMemcpyHostToDevice) == cudaSuccess);
  const PartyShape shape{1, kThreads, 1, host.size() * 4};
  check_clean(shape, bring, from.get(), to.get(), Slip::none);
  uint32_t sum = 0;
  for (uint32_t k = 0; k < 16; ++k) {
    sum += 3 * (4 * (k / 4 * kThreads + 6) + k % 4);
  }
  CHECK(to.values()[5] == sum);
  for (const Slip slip :
       {Slip::no_wait, Slip::no_commit, Slip::one_left, Slip::no_barrier, Slip::reads_too_early, Slip::overwrites}) {
    check_found({"race on byte"}, shape, bring, from.get(), to.get(), slip);
  }
}

TEST_CASE("copies and accesses have places", "[copies]") {
  OnDevice<uint32_t> from(8);
  check_found({"a copy of 12 bytes"}, {1, 1, 1, 64}, copy_oddly, from.get(), 12u, 0u);
  check_found({"a copy of 16 bytes to byte 8"}, {1, 1, 1, 64}, copy_oddly, from.get(), 16u, 8u);
  check_found({"access of 16 bytes at byte 48 of dynamic shared memory, which has 52"}, {1, 1, 1, 52}, copy_oddly,
              from.get(), 16u, 48u);
  check_found({"access outside of shared memory"}, {1, 1, 1, 64}, read_past, 16u);
  check_found({"launch that asked for none"}, {1, 1}, read_past, 0u);
  check_found({"shared arrays of 49156 bytes"}, {1, 1}, ask_for_more, 12289u);
  check_clean({1, 1}, ask_for_more, 12288u);
}
