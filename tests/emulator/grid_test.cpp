// Cooperative launches on the emulator: all blocks together, talking through global memory and flags.
#include "party_cases.h"

namespace {

using namespace rondo_emulator;

enum class Slip : uint32_t { none, no_flag, no_block_barrier, one_too_many };

void set_global(uint32_t *word, uint32_t value) {
  on_global_write(word, 4);
  *word = value;
}

uint32_t get_global(const uint32_t *word) {
  on_global_read(word, 4);
  return *word;
}

// A barrier of the whole grid by one counter, as the grid tier's would be.
void grid_barrier(uint32_t *flag, uint32_t round, Slip slip) {
  if (slip != Slip::no_block_barrier) {
    block_barrier();
  }
  if (here().thread == 0 && slip != Slip::no_flag) {
    flag_add(flag, 1);
    const uint32_t wanted = here().grid[0] * (round + 1) + (slip == Slip::one_too_many ? 1 : 0);
    while (flag_load(flag) < wanted) {
      spin();
    }
  }
  block_barrier();
}

void steps(uint32_t *values, uint32_t *flag, uint32_t count, Slip slip) {
  const uint32_t at = here().block[0] * here().threads + here().thread;
  const uint32_t all = here().grid[0] * here().threads;
  set_global(&values[at], at);
  for (uint32_t k = 0; k < count; ++k) {
    grid_barrier(flag, k, slip);
    const uint32_t mine = get_global(&values[k % 2 * all + at]);
    const uint32_t other = get_global(&values[k % 2 * all + (at + here().threads) % all]);
    set_global(&values[(k + 1) % 2 * all + at], mine + other);
  }
}

void wait_for_none(uint32_t *flag) {
  while (flag_load(flag) == 0) {
    spin();
  }
}

// Threads wait for each other in the order of their numbers.
void one_by_one(uint32_t *flag) {
  const uint32_t at = here().block[0] * here().threads + here().thread;
  while (flag_load(flag) != at) {
    spin();
  }
  flag_add(flag, 1);
}

// The first block's word for the others, with its flag after it or, wrongly, before.
void tell(uint32_t *word, uint32_t *flag, bool after) {
  if (here().thread != 0) {
    return;
  }
  if (here().block[0] != 0) {
    while (flag_load(flag) == 0) {
      spin();
    }
    get_global(word);
    return;
  }
  if (after) {
    set_global(word, 1);
  }
  flag_add(flag, 1);
  if (!after) {
    set_global(word, 1);
  }
}

void touch_same(uint32_t *word, bool writes) {
  if (here().thread == 0) {
    if (writes && here().block[0] == 1) {
      set_global(word, 1);
    } else {
      get_global(word);
    }
  }
}

}  // namespace

TEST_CASE("blocks of a cooperative launch wait for each other", "[grid]") {
  const PartyShape shape{6, 64, 1, 0, true};
  const auto run_steps = [&](Slip slip, bool clean) {
    OnDevice<uint32_t> values(2 * 6 * 64), flag(60);
    Settings settings = rondo_emulator::settings();
    for (settings.seed = 1; settings.seed <= kOrders / 2; ++settings.seed) {
      configure(settings);
      REQUIRE(cudaMemset(flag.get(), 0, 4) == cudaSuccess);
      const cudaError_t error = run(shape, steps, values.get(), flag.get(), 3u, slip);
      const std::string found = faults();
      INFO(found);
      CHECK((error == cudaSuccess) == clean);
      if (slip == Slip::one_too_many) {
        CHECK(found.find("deadlock: nobody can go on") != std::string::npos);
      } else if (!clean) {
        CHECK(found.find("race on global memory") != std::string::npos);
      }
      forget_fault();
    }
    return values.values();
  };
  const std::vector<uint32_t> got = run_steps(Slip::none, true);
  const auto at = [&](uint32_t k) { return k % (6 * 64); };
  const uint32_t k = 70;
  CHECK(got[6 * 64 + k] == at(k) + 3 * at(k + 64) + 3 * at(k + 128) + at(k + 192));
  run_steps(Slip::no_flag, false);
  run_steps(Slip::no_block_barrier, false);
  run_steps(Slip::one_too_many, false);
}

TEST_CASE("a spin that nobody ends is found", "[grid]") {
  OnDevice<uint32_t> flag(1);
  check_found({"deadlock: nobody can go on"}, {3, 32, 1, 0, true}, wait_for_none, flag.get());
  check_found({"deadlock: nobody can go on"}, {3, 32}, wait_for_none, flag.get());
}

TEST_CASE("a spin that another one ends is not", "[grid]") {
  OnDevice<uint32_t> flag(1);
  Settings settings = rondo_emulator::settings();
  for (settings.seed = 1; settings.seed <= (kOrders + 11) / 12; ++settings.seed) {
    configure(settings);
    REQUIRE(cudaMemset(flag.get(), 0, 4) == cudaSuccess);
    CHECK(run({4, 16, 1, 0, true}, one_by_one, flag.get()) == cudaSuccess);
    INFO(faults());
    CHECK(flag.values()[0] == 64);
    forget_fault();
  }
}

TEST_CASE("a flag carries what came before it only", "[grid]") {
  OnDevice<uint32_t> word(1), flag(1);
  Settings settings = rondo_emulator::settings();
  for (settings.seed = 1; settings.seed <= kOrders; ++settings.seed) {
    for (const bool after : {true, false}) {
      configure(settings);
      REQUIRE(cudaMemset(flag.get(), 0, 4) == cudaSuccess);
      CHECK((run({3, 2, 1, 0, true}, tell, word.get(), flag.get(), after) == cudaSuccess) == after);
      CHECK((faults().find("race on global memory") != std::string::npos) != after);
      forget_fault();
    }
  }
}

TEST_CASE("blocks that do not run together must not talk", "[grid]") {
  OnDevice<uint32_t> word(1);
  check_found({"race on global memory"}, {3, 32}, touch_same, word.get(), true);
  check_found({"race on global memory"}, {4, 32, 2}, touch_same, word.get(), true);
  check_found({"race on global memory"}, {3, 32, 1, 0, true}, touch_same, word.get(), true);
  check_clean({3, 32}, touch_same, word.get(), false);
}
