// The clocks by themselves: accesses of different sizes to one word, and many readers before one writer.
#include "clocks.h"

#include "support/catch.h"

using rondo_emulator::AccessLog;
using rondo_emulator::Clocks;

TEST_CASE("a small access meets a large one over the same bytes", "[clocks]") {
  Clocks clocks;
  clocks.start(3);
  AccessLog log;
  log.start(32);
  CHECK_FALSE(log.write(clocks, 0, 8, 8));
  CHECK_FALSE(log.write(clocks, 1, 16, 8));
  const auto race = log.read(clocks, 1, 14, 2);
  REQUIRE(race);
  CHECK(race->earlier.agent == 0);
  CHECK(race->earlier_wrote);
  CHECK_FALSE(log.read(clocks, 1, 22, 2));
  CHECK(log.written(8, 16));
  CHECK_FALSE(log.written(6, 4));
  clocks.join_all();
  CHECK_FALSE(log.write(clocks, 2, 0, 32));
  CHECK(log.read(clocks, 1, 31, 1));
}

TEST_CASE("a writer must know of every reader", "[clocks]") {
  Clocks clocks;
  clocks.start(4);
  AccessLog log;
  log.start(4);
  CHECK_FALSE(log.write(clocks, 3, 0, 4));
  clocks.join_all();
  for (uint32_t agent = 0; agent < 4; ++agent) {
    CHECK_FALSE(log.read(clocks, agent, 0, 4));
  }
  const auto race = log.write(clocks, 0, 0, 4);
  REQUIRE(race);
  CHECK(race->earlier.agent == 1);
  CHECK_FALSE(race->earlier_wrote);
  clocks.join_all();
  CHECK_FALSE(log.write(clocks, 0, 0, 4));
  CHECK(log.read(clocks, 1, 0, 4));
}
