// What a barrier in shared memory says, and to whom: the moments that each of its phases carries, and no others.
#include "party_cases.h"

namespace {

using namespace rondo_emulator;

struct Layout {
  uint64_t barrier[2];
  uint32_t words[64];
};

Layout *layout() { return static_cast<Layout *>(dynamic_shared()); }

void make_barriers(uint32_t arrivals) {
  if (here().thread == 0) {
    barrier_init(&layout()->barrier[0], arrivals);
    barrier_init(&layout()->barrier[1], arrivals);
  }
  cluster_barrier();
}

// The first block's first thread sends a word for each of the second's barriers, which waits for one or both.
void two_sends(uint32_t *to, uint32_t waits, uint32_t reads) {
  Layout *shared = layout();
  make_barriers(1);
  if (cluster_rank() == 0 && here().thread == 0) {
    for (uint32_t k = 0; k < 2; ++k) {
      const uint32_t value = 7 + k;
      send(shared_of(1, &shared->words[k]), &value, 4, shared_of(1, &shared->barrier[k]));
    }
  }
  if (cluster_rank() == 1 && here().thread == 40) {
    for (uint32_t k = 0; k < 2; ++k) {
      barrier_expect(&shared->barrier[k], 4);
      if ((waits >> k & 1) != 0) {
        barrier_wait(&shared->barrier[k], 0);
      }
    }
    to[0] = get(&shared->words[reads]);
    barrier_wait(&shared->barrier[0], 0);
    barrier_wait(&shared->barrier[1], 0);
  }
}

// A word for each of two phases; the sender learns by its own barrier that the first is over.
void two_phases(uint32_t *to, bool waits) {
  Layout *shared = layout();
  make_barriers(1);
  if (here().thread != 0) {
    return;
  }
  for (uint32_t k = 0; k < 2; ++k) {
    if (cluster_rank() == 0) {
      send(shared_of(1, &shared->words[k]), &k, 4, shared_of(1, &shared->barrier[0]));
      barrier_wait(&shared->barrier[1], k);
    } else {
      barrier_expect(&shared->barrier[0], 4);
      if (waits || k == 0) {
        barrier_wait(&shared->barrier[0], k);
      }
      spin();  // what is sent may come meanwhile
      to[0] = get(&shared->words[k]);
      barrier_wait(&shared->barrier[0], k);
      barrier_arrive(shared_of(0, &shared->barrier[1]));
    }
  }
}

// The sender has its word no sooner than anybody else.
void read_back(uint32_t *to, bool waits) {
  Layout *shared = layout();
  make_barriers(1);
  if (cluster_rank() == 0 && here().thread == 0) {
    const uint32_t value = 9;
    barrier_expect(&shared->barrier[0], 4);
    send(&shared->words[0], &value, 4, &shared->barrier[0]);
    if (waits) {
      barrier_wait(&shared->barrier[0], 0);
    }
    to[0] = get(&shared->words[0]);
    barrier_wait(&shared->barrier[0], 0);
  }
}

// A barrier of threads says nothing of what is under way.
void meet_instead(uint32_t *to, bool waits) {
  Layout *shared = layout();
  make_barriers(1);
  const uint32_t value = 5;
  if (cluster_rank() == 0 && here().thread == 0) {
    send(shared_of(1, &shared->words[0]), &value, 4, shared_of(1, &shared->barrier[0]));
  }
  if (cluster_rank() == 1) {
    if (here().thread == 0) {
      barrier_expect(&shared->barrier[0], 4);
    }
    if (waits) {
      barrier_wait(&shared->barrier[0], 0);
    }
  }
  cluster_barrier();
  if (cluster_rank() == 1) {
    to[here().thread] = get(&shared->words[0]);
    barrier_wait(&shared->barrier[0], 0);
  }
}

// What is sent is still on its way when the barrier of threads lets go.
void leave_to(uint32_t) {
  Layout *shared = layout();
  make_barriers(1);
  const uint32_t value = 5;
  if (cluster_rank() == 0 && here().thread == 0) {
    send(shared_of(1, &shared->words[0]), &value, 4, shared_of(1, &shared->barrier[0]));
  }
  cluster_barrier();
}

void use_unseen(uint32_t user, bool meet) {
  if (here().thread == 0) {
    barrier_init(&layout()->barrier[0], 1);
  }
  if (meet) {
    block_barrier();
  }
  if (here().thread == user) {
    barrier_arrive(&layout()->barrier[0]);
  }
}

enum class Slip : uint32_t { none, lanes_apart, early };

// One warp fills words, the other reads them, a few times; a lane speaks for its warp after the warp's barrier.
void fill_and_read(uint32_t *to, uint32_t rounds, Slip slip) {
  Layout *shared = layout();
  make_barriers(1);
  const bool fills = here().thread < 32;
  const uint32_t lane = here().thread % 32;
  uint32_t sum = 0;
  for (uint32_t k = 0; k < rounds; ++k) {
    if (fills) {
      if (k != 0 && slip != Slip::early) {
        barrier_wait(&shared->barrier[1], (k - 1) % 2);
      }
      set(&shared->words[lane], k + lane);
    } else {
      barrier_wait(&shared->barrier[0], k % 2);
      sum += get(&shared->words[(lane + k) % 32]);
    }
    if (slip != Slip::lanes_apart) {
      warp_barrier();
    }
    if (lane == 0) {
      barrier_arrive(&shared->barrier[fills ? 0 : 1]);
    }
  }
  to[here().thread] = sum;
}

void send_oddly(uint32_t bytes, uint32_t rank_of_barrier) {
  Layout *shared = layout();
  make_barriers(1);
  const uint64_t value[4] = {};
  send(shared_of(1, &shared->words[0]), value, bytes, shared_of(rank_of_barrier, &shared->barrier[0]));
}

void make_oddly(uint32_t offset, uint32_t arrivals) {
  barrier_init(reinterpret_cast<char *>(layout()) + offset, arrivals);
}

void note_place(uint32_t *to) {
  const Coordinates at = here();
  to[at.block[0] + at.grid[0] * (at.block[1] + at.grid[1] * at.block[2])] = cluster_rank() * 10 + cluster_size();
}

constexpr PartyShape kPair{2, 64, 2, sizeof(Layout)}, kAlone{1, 64, 1, sizeof(Layout)};

}  // namespace

TEST_CASE("each barrier tells of its own sends only", "[barrier]") {
  OnDevice<uint32_t> to(1);
  for (uint32_t k = 0; k < 2; ++k) {
    check_clean(kPair, two_sends, to.get(), 3u, k);
    check_clean(kPair, two_sends, to.get(), 1u << k, k);
    CHECK(to.values()[0] == 7 + k);
    check_found({"race on byte", "before anything was written"}, kPair, two_sends, to.get(), 2u >> k, k);
  }
}

TEST_CASE("a phase tells nothing of the next", "[barrier]") {
  OnDevice<uint32_t> to(1);
  check_clean(kPair, two_phases, to.get(), true);
  CHECK(to.values()[0] == 1);
  check_found({"race on byte", "before anything was written"}, kPair, two_phases, to.get(), false);
}

TEST_CASE("neither the sender nor a barrier of threads knows what is under way", "[barrier]") {
  OnDevice<uint32_t> to(64);
  for (const PartyShape &shape : {kPair, kAlone}) {
    check_clean(shape, read_back, to.get(), true);
    CHECK(to.values()[0] == 9);
    check_found({"race on byte"}, shape, read_back, to.get(), false);
  }
  check_clean(kPair, meet_instead, to.get(), true);
  CHECK(to.values()[63] == 5);
  check_found({"race on byte", "before anything was written"}, kPair, meet_instead, to.get(), false);
}

TEST_CASE("a block waits for what is sent to it before it returns", "[barrier]") {
  check_found({"returned while its shared memory may still be touched", "which has returned"}, kPair, leave_to, 0u);
}

TEST_CASE("a barrier is there for who knows that it was made", "[barrier]") {
  check_found({"race on byte 0", "no barrier was made"}, kAlone, use_unseen, 50u, false);
  check_clean(kAlone, use_unseen, 50u, true);
  check_clean(kAlone, use_unseen, 0u, false);
}

TEST_CASE("a lane speaks for its warp after the warp's barrier only", "[barrier]") {
  OnDevice<uint32_t> to(64);
  check_clean(kAlone, fill_and_read, to.get(), 5u, Slip::none);
  CHECK(to.values()[32 + 3] == 3 + 4 + 5 + 6 + 7 + 0 + 1 + 2 + 3 + 4);
  check_found({"race on byte", "before anything was written"}, kAlone, fill_and_read, to.get(), 5u, Slip::lanes_apart);
  check_found({"race on byte"}, kAlone, fill_and_read, to.get(), 5u, Slip::early);
}

TEST_CASE("sends and barriers have places and sizes", "[barrier]") {
  const PartyShape one_thread{2, 1, 2, sizeof(Layout)};
  check_found({"a send of 12 bytes"}, one_thread, send_oddly, 12u, 1u);
  check_found({"counts on a barrier of block (0, 0, 0)"}, one_thread, send_oddly, 4u, 0u);
  check_found({"a barrier for 1 arrivals cannot be made at byte 4"}, {1, 1, 1, 64}, make_oddly, 4u, 1u);
  check_found({"a barrier for 0 arrivals cannot be made"}, {1, 1, 1, 64}, make_oddly, 0u, 0u);
  check_found({"access of 8 bytes at byte 64"}, {1, 1, 1, 68}, make_oddly, 64u, 1u);
}

TEST_CASE("ranks count along x, then y, then z", "[barrier]") {
  OnDevice<uint32_t> to(4 * 4 * 2);
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {2, 2, 2};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(4, 4, 2);
  config.blockDim = dim3(1);
  config.attrs = &attribute;
  config.numAttrs = 1;
  REQUIRE(cudaLaunchKernelEx(&config, note_place, to.get()) == cudaSuccess);
  const std::vector<uint32_t> values = to.values();
  for (uint32_t k = 0; k < values.size(); ++k) {
    const uint32_t x = k % 4, y = k / 4 % 4, z = k / 16;
    CHECK(values[k] == (x % 2 + 2 * (y % 2) + 4 * z) * 10 + 8);
  }
}
