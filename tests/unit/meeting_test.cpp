// What a team tells of itself to the choice of a split: how long its members take to meet, and whether they are awake.
// The processors are shared with whatever else runs, so what depends on them is tried again; most is told by the clock.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "backend/cpu/split.h"
#include "backend/cpu/team.h"
#include "support/catch.h"

using Clock = std::chrono::steady_clock;
using rondo::cpu::Member;
using rondo::cpu::Team;

namespace {

constexpr int attempts = 200;

// Longer than workers poll.
void let_sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(1) + rondo::cpu::spin_after_call); }

// Whether a thread could be kept to one processor, with all that it starts; then it did `what`.
template <class What>
bool on_one_processor(const What &what) {
  bool pinned = false;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    pinned = sched_setaffinity(0, sizeof one, &one) == 0;
    if (pinned) {
      what();
    }
  }).join();
  if (!pinned) {
    std::printf("skipped: this thread cannot be kept to one processor\n");
  }
  return pinned;
}

}  // namespace

TEST_CASE("a team is awake for a moment after a run", "[team]") {
  Team team(2);
  CHECK(!team.awake());
  for (const int wanted : {1, 2}) {
    bool seen = false;
    for (int attempt = 0; attempt < attempts && !seen; ++attempt) {
      team.run(wanted, nullptr, [](const Member & /*member*/) {});
      seen = team.awake();
    }
    CHECK(seen);
    let_sleep();
    CHECK(!team.awake());
  }
}

TEST_CASE("one member meets nobody, and nothing is measured", "[team]") {
  Team team(3);
  const double usual = team.usual_meeting_ns();
  CHECK(usual > 0);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    REQUIRE(team.meeting_ns(1) == usual);
    REQUIRE(!team.awake());  // a measurement is a run
  }
}

TEST_CASE("a measured meeting is remembered, and measured again when it is old", "[team]") {
  Team team(2);
  int remembered = 0;
  int late = 0;  // where others had the processors too long to see it
  int measured = 0;
  int quick = 0;  // meetings that are not measured sooner for having been slow
  int kept = 0;
  for (int attempt = 0; attempt < attempts && (remembered < 3 || measured < 3 || (quick < 5 && attempt < 20));
       ++attempt) {
    const double before = team.meeting_ns(1);  // the last as it is
    std::this_thread::sleep_for(rondo::cpu::measure_every);
    CHECK(!team.awake());
    const auto start = Clock::now();
    const double first = team.meeting_ns(2);
    measured += team.awake() ? 1 : 0;  // a measurement is a run
    REQUIRE(first > 0);
    REQUIRE(team.meeting_ns(1) == first);
    CHECK((team.usual_meeting_ns() == first) == (first <= rondo::cpu::slow_meeting_ns));
    if (attempt > 0 && before <= rondo::cpu::slow_meeting_ns) {
      ++quick;
      kept += first == before ? 1 : 0;
    }
    const double second = team.meeting_ns(2);
    // Even a slow one is remembered for so long.
    if (Clock::now() - start < rondo::cpu::measure_again) {
      ++remembered;
      CHECK(second == first);
    } else {
      ++late;
    }
    let_sleep();
    const double third = team.meeting_ns(2);
    if (second <= rondo::cpu::slow_meeting_ns && Clock::now() - start < rondo::cpu::measure_every) {
      CHECK(third == second);
      CHECK(!team.awake());
    }
  }
  CHECK((remembered >= 3 || late > attempts * 9 / 10));
  CHECK(measured >= 3);
  // Two may agree by chance; on one processor all are slow.
  CHECK((kept < quick || quick < 3));
}

// On one processor members wait for each other's turns. Two measurements may agree by chance, five pairs do not.
TEST_CASE("a meeting that took long is measured again soon", "[team]") {
  constexpr int pairs = 5;
  int slow = 0;
  int again = 0;
  double usual = 0;
  const bool pinned = on_one_processor([&] {
    Team team(2);
    for (int attempt = 0; attempt < attempts && slow < pairs; ++attempt) {
      const double first = team.meeting_ns(2);
      std::this_thread::sleep_for(2 * rondo::cpu::measure_again);
      const double second = team.meeting_ns(2);
      if (first > rondo::cpu::slow_meeting_ns) {
        ++slow;
        again += second != first ? 1 : 0;
        usual = std::max(usual, team.usual_meeting_ns());
      }
    }
  });
  if (pinned) {
    CHECK(slow == pairs);
    CHECK(again >= pairs - 1);
    CHECK(usual <= rondo::cpu::slow_meeting_ns);
  }
}

TEST_CASE("members that wait for one without a core are counted, and forgotten in time", "[team]") {
  double never = 0;
  double waited = 0;
  double measured = 0;
  double forgotten = 0;
  const bool pinned = on_one_processor([&] {
    Team team(2);
    team.run(1, nullptr, [](const Member & /*member*/) {});
    never = team.standstill();
    for (int attempt = 0; attempt < 20 && waited <= 0.3; ++attempt) {
      const auto start = Clock::now();
      while (Clock::now() - start < 3 * rondo::cpu::standstill_window) {
        team.run(2, nullptr, [](const Member &member) {
          const auto began = Clock::now();
          while (Clock::now() - began < 20 * rondo::cpu::spin_in_call) {
          }
          member.sync();
        });
      }
      waited = team.standstill();
    }
    std::this_thread::sleep_for(rondo::cpu::measure_again * 2);
    team.meeting_ns(2);
    measured = team.standstill();
    std::this_thread::sleep_for(rondo::cpu::most_patience * rondo::cpu::first_retry);
    forgotten = team.standstill();
  });
  if (pinned) {
    CHECK(never == 0);
    CHECK(waited > 0.3);
    CHECK((measured == waited || measured == 0));  // 0: forgotten by then
    CHECK(forgotten == 0);
  }
}

TEST_CASE("a slow meeting counts for the first milliseconds of a call", "[split]") {
  using rondo::cpu::meeting_over;
  const double while_slow = std::chrono::nanoseconds(rondo::cpu::slow_while).count();
  CHECK(meeting_over(1e9, 100, 100) == 100);
  for (const double alone_ns : {0.0, 1000.0, while_slow}) {
    CHECK(meeting_over(alone_ns, 100, 50100) == 50100);
  }
  CHECK(std::fabs(meeting_over(10 * while_slow, 100, 50100) - 5100) < 1e-6);
  CHECK(std::fabs(meeting_over(1000 * while_slow, 100, 50100) - 150) < 1e-6);
}
