// The team: every piece of work is done once, members meet at barriers, and the caller's floating-point environment
// holds in all.
#include "backend/cpu/team.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/processors.h"
#include "support/catch.h"

using rondo::cpu::Member;
using rondo::cpu::Team;

TEST_CASE("pieces of work are shared out whole", "[team]") {
  for (int threads = 1; threads <= 5; ++threads) {
    Team team(threads);
    for (const std::int64_t items : {0, 1, 3, 64, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(items));
      team.run(threads, nullptr, [&](const Member &member) {
        for (std::int64_t item = member.first(items); item < member.last(items); ++item) {
          done[static_cast<std::size_t>(item)].fetch_add(1);
        }
      });
      int wrong = 0;
      for (const auto &count : done) {
        wrong += count.load() == 1 ? 0 : 1;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("a slow member leaves the last pieces to the others", "[team]") {
  constexpr std::int64_t items = 480;
  constexpr std::int64_t loose = items / 8;
  Team team(3);
  for (int run = 0; run < 20; ++run) {
    std::vector<std::atomic<int>> done(3 * items);
    std::atomic<int> left{0};
    team.run(2 + run % 2, nullptr, [&](const Member &member) {
      // One phase after another without a meeting: a member may still be in the one before.
      for (int phase = 0; phase < 3; ++phase) {
        const auto finished = [&](std::int64_t first, std::int64_t last) {
          const auto begin = done.begin() + phase * items;
          return std::all_of(begin + first, begin + last, [](const auto &count) { return count.load() == 1; });
        };
        member.share(items, phase + 1, [&](std::int64_t first, std::int64_t last) {
          // Member 1 is so slow that it does not get to them.
          const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
          while (member.index == 1 && !finished(items - loose, items) && std::chrono::steady_clock::now() < end) {
            std::this_thread::yield();
          }
          left.fetch_add(member.index == 1 && finished(items - loose, items) ? 1 : 0);
          for (std::int64_t item = first; item < last; ++item) {
            done[static_cast<std::size_t>(phase * items + item)].fetch_add(1);
          }
        });
      }
    });
    CHECK(std::all_of(done.begin(), done.end(), [](const auto &count) { return count.load() == 1; }));
    CHECK(left.load() == 3);
  }
}

TEST_CASE("no member passes a barrier before all have come", "[team]") {
  Team team(3);
  std::atomic<int> arrived{0};
  std::atomic<int> early{0};
  team.run(3, nullptr, [&](const Member &member) {
    for (int round = 1; round <= 2000; ++round) {
      arrived.fetch_add(1);
      member.sync();
      early.fetch_add(arrived.load() < round * member.count ? 1 : 0);
      member.sync();
    }
  });
  CHECK(early.load() == 0);
}

TEST_CASE("a team that is busy or asked for one lets the caller work alone", "[team]") {
  Team team(3);
  std::atomic<int> inner{0};
  team.run(3, nullptr, [&](const Member &outer) {
    if (outer.index == 0) {
      CHECK(outer.count == 3);
      // Another thread's call meanwhile.
      std::thread([&] { team.run(3, nullptr, [&](const Member &member) { inner.fetch_add(member.count); }); }).join();
    }
  });
  CHECK(inner.load() == 1);
  team.resize(1);
  team.run(3, nullptr, [&](const Member &member) { CHECK(member.count == 1); });
}

TEST_CASE("every member rounds as the caller does", "[team]") {
  Team team(4);
  for (const int mode : {FE_UPWARD, FE_TONEAREST, FE_DOWNWARD}) {
    std::atomic<int> wrong{0};
    std::fesetround(mode);
    team.run(4, nullptr, [&](const Member & /*member*/) { wrong.fetch_add(std::fegetround() == mode ? 0 : 1); });
    std::fesetround(FE_TONEAREST);
    CHECK(wrong.load() == 0);
  }
}

TEST_CASE("runs of any size follow each other, with workers polling and asleep", "[team]") {
  Team team(11);
  for (int round = 0; round < 120; ++round) {
    const int wanted = 1 + round * 7 % 11;
    if (round % 40 == 39) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // they sleep by now
    }
    std::atomic<int> members{0};
    std::atomic<int> early{0};
    team.run(wanted, nullptr, [&](const Member &member) {
      for (int meeting = 1; meeting <= 3; ++meeting) {
        members.fetch_add(1);
        member.sync();
        early.fetch_add(members.load() < meeting * wanted ? 1 : 0);
        member.sync();
      }
    });
    CHECK(members.load() == 3 * wanted);
    CHECK(early.load() == 0);
  }
}

TEST_CASE("a second team at work takes what the first leaves, or its share", "[team]") {
  Team first(2);
  Team second(64);
  const int processors = rondo::allowed_processors();
  first.run(2, nullptr, [&](const Member &outer) {
    if (outer.index == 0) {
      std::atomic<int> members{0};
      second.run(64, nullptr, [&](const Member & /*member*/) { members.fetch_add(1); });
      const int left = std::max({1, processors - 2, processors / 2});
      CHECK(members.load() == std::min(left, 64));
    }
  });
  std::atomic<int> members{0};
  second.run(64, nullptr, [&](const Member & /*member*/) { members.fetch_add(1); });
  CHECK(members.load() == 64);
}
