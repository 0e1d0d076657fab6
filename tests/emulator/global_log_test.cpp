// The log of global memory by itself: what two agents, two parties and two launches may do to a word.
#include "global_log.h"

#include "support/catch.h"

namespace {

using rondo_emulator::Clocks;
using rondo_emulator::Epoch;
using rondo_emulator::GlobalLog;

// A party of four agents, and memory that lies across two of the log's pages.
struct Fixture {
  explicit Fixture(uint32_t offset = 0) : at(memory + 4096 - reinterpret_cast<uintptr_t>(memory) % 4096 + offset) {
    start_launch();
  }
  void start_launch() {
    log.start_launch();
    start_party();
  }
  void start_party() {
    log.start_party();
    clocks.start(4);
  }
  bool read(uint32_t agent, uint32_t offset, uint32_t bytes) {
    return log.read(clocks.view(agent), clocks.now(agent), at + offset, bytes);
  }
  bool write(uint32_t agent, uint32_t offset, uint32_t bytes) {
    return log.write(clocks.view(agent), at + offset, bytes);
  }
  bool access(uint32_t agent, bool writes) { return writes ? write(agent, 8, 4) : read(agent, 8, 4); }

  char memory[4 * 4096];
  char *at;
  GlobalLog log;
  Clocks clocks;
};

}  // namespace

TEST_CASE("two agents conflict over a word where one writes and nothing orders them", "[global]") {
  for (const bool first : {false, true}) {
    for (const bool second : {false, true}) {
      CAPTURE(first, second);
      Fixture unordered;
      CHECK(unordered.access(1, first));
      CHECK(unordered.access(2, second) == (!first && !second));
      if (first || second) {
        CHECK(unordered.log.race().earlier.agent == 1);
        CHECK(unordered.log.race().earlier_wrote == first);
      }
      Fixture ordered;
      CHECK(ordered.access(1, first));
      ordered.clocks.join_all();
      CHECK(ordered.access(2, second));
      Fixture alone;
      CHECK(alone.access(1, first));
      CHECK(alone.access(1, second));
    }
  }
}

TEST_CASE("whatever lies between, a writer must know of every reader", "[global]") {
  Fixture fixture;
  for (uint32_t agent = 0; agent < 4; ++agent) {
    CHECK(fixture.read(agent, 0, 4));
  }
  fixture.clocks.join(0, 3);
  CHECK_FALSE(fixture.write(0, 0, 4));
  CHECK(fixture.log.race().earlier.agent == 3);
}

TEST_CASE("parties of one launch have no order, launches have", "[global]") {
  for (const bool first : {false, true}) {
    for (const bool second : {false, true}) {
      CAPTURE(first, second);
      Fixture fixture;
      CHECK(fixture.access(1, first));
      fixture.start_party();
      CHECK(fixture.access(1, second) == (!first && !second));
      if (first || second) {
        CHECK(fixture.log.race().earlier.time == 0);
        CHECK(fixture.log.race().earlier_wrote == first);
      }
      Fixture later;
      CHECK(later.access(1, first));
      later.start_launch();
      CHECK(later.access(2, second));
    }
  }
}

TEST_CASE("a read of an earlier party is not forgotten for that of a later one", "[global]") {
  Fixture fixture;
  CHECK(fixture.access(0, false));
  fixture.start_party();
  CHECK(fixture.access(0, false));
  CHECK_FALSE(fixture.access(0, true));
  fixture.start_launch();
  CHECK(fixture.access(0, false));
  CHECK(fixture.access(0, true));
}

TEST_CASE("neighbours are words of their own, and a large access is of all its words", "[global]") {
  for (const uint32_t offset : {0u, 4096u - 8}) {  // the latter across two pages
    Fixture fixture(offset);
    CHECK(fixture.write(0, 0, 16));
    fixture.clocks.join_all();
    CHECK(fixture.read(1, 0, 16));
    CHECK(fixture.read(2, 0, 16));
    CHECK(fixture.read(3, 6, 2));
    // Small words know what the large one knew.
    CHECK_FALSE(fixture.write(3, 4, 2));
    CHECK(fixture.log.race().earlier.agent < 3);
    fixture.clocks.join_all();
    CHECK(fixture.write(1, 10, 2));
    CHECK(fixture.write(2, 12, 2));
    CHECK(fixture.read(3, 8, 2));
    CHECK_FALSE(fixture.read(3, 8, 8));
    CHECK(fixture.log.race().earlier.agent == 1);
  }
}

TEST_CASE("what is copied later is read until the copy is waited for", "[global]") {
  Fixture fixture;
  const uint32_t copier = fixture.clocks.add_agent();
  fixture.clocks.set_copier(1, copier);
  const auto copy = [&](uint32_t group) {
    return fixture.log.read(fixture.clocks.view(1), {copier, group}, fixture.at, 16);
  };
  CHECK(copy(2));
  CHECK(copy(1));  // it came later
  CHECK_FALSE(fixture.write(1, 0, 4));
  fixture.clocks.learn_copied(1, 1);
  CHECK_FALSE(fixture.write(1, 0, 4));
  fixture.clocks.learn_copied(1, 2);
  CHECK(fixture.write(1, 0, 4));
  CHECK_FALSE(fixture.write(2, 8, 4));
  CHECK(fixture.log.race().earlier.agent == copier);
  fixture.clocks.join_all();
  CHECK(fixture.write(2, 12, 4));
}
