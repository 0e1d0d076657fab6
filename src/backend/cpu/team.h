// Team: the threads that run one call together, parked between calls. A call takes the whole team or, where another
// call holds it or other teams hold the processors, fewer, down to its caller alone: results do not depend on which.
#pragma once

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace rondo::cpu {

// How long a thread polls before it lets others have the core. In time, not in pauses: those take 20 to 140 cycles by
// processor. A step of a small network is shorter than the first; what waits longer waits for a thread that has lost
// its core, which polling does not bring back.
inline constexpr std::chrono::microseconds spin_in_call{20};
// A worker whose call has ended polls this long for the next one, then sleeps until it is woken.
inline constexpr std::chrono::microseconds spin_after_call{50};

// How old a measured meeting may be; to measure takes some microseconds. Sooner again where it took this long: members
// that were just woken share a core until the system parts them.
inline constexpr std::chrono::milliseconds measure_every{50};
inline constexpr std::chrono::milliseconds measure_again{1};
inline constexpr double slow_meeting_ns = 2000;
// By then it has parted them, or another process has had its turn: a slow meeting says nothing of what comes later.
inline constexpr std::chrono::milliseconds slow_while{5};

// What members waited for another that had lost its core is counted over this much of their time together, and over
// some runs; over more where no try has failed lately, since a turn or two of another process cost less than to go on
// alone. Where it made the team run alone, it is forgotten after a while, for one more try; the while doubles, up to
// most_patience times the first, as long as tries fail.
inline constexpr std::chrono::milliseconds standstill_window{20};
inline constexpr std::chrono::milliseconds first_standstill_window{60};
inline constexpr int standstill_runs = 4;
inline constexpr std::chrono::milliseconds first_retry{50};
inline constexpr int most_patience = 4;

// What different threads write stays this far apart: some processors fetch lines of 64 bytes in pairs.
inline constexpr size_t apart = 128;

// Members meet here. Few write a flag each, all in one line, which was measured to be no slower than lines apart and
// faster than a counter between two; many share a counter.
class Barrier {
 public:
  // How often the caller, who is in every run, has met others; a run's members begin from there.
  uint64_t meetings() const { return met_[0].load(std::memory_order_relaxed); }
  void enter(int index, uint64_t meetings);
  void wait(int index, int members);
  // Until ready() is true; what goes beyond polling counts as lost.
  template <class Ready>
  void await(const Ready &ready);
  // Lost by all members since this was last asked for.
  std::chrono::nanoseconds take_lost() {
    return std::chrono::nanoseconds(lost_ns_.exchange(0, std::memory_order_relaxed));
  }

 private:
  static constexpr int most_flags = 8;  // a line of them

  void wait_counting(int members);

  alignas(apart) std::atomic<uint64_t> met_[most_flags]{};
  alignas(apart) std::atomic<int> arrived_{0};
  alignas(apart) std::atomic<uint32_t> phase_{0};
  alignas(apart) std::atomic<int64_t> lost_ns_{0};
};

// Pieces of one phase of work that go to whoever comes first. All members take every phase, in one order, so whoever
// finds a later phase begun knows that its own has nothing left.
class Claims {
 public:
  uint32_t phase() const { return static_cast<uint32_t>(word_.load(std::memory_order_relaxed) >> 32); }
  // Where the next `amount` items begin; past all items where a later phase has begun.
  int64_t take(uint32_t phase, uint32_t amount) {
    uint64_t now = word_.load(std::memory_order_relaxed);
    uint64_t begin = 0;
    do {
      const auto found = static_cast<uint32_t>(now >> 32);
      if (static_cast<int32_t>(found - phase) > 0) {
        return std::numeric_limits<int64_t>::max();
      }
      begin = found == phase ? now & 0xFFFFFFFFu : 0;
    } while (!word_.compare_exchange_weak(now, (uint64_t{phase} << 32) + begin + amount, std::memory_order_relaxed));
    return static_cast<int64_t>(begin);
  }

 private:
  alignas(apart) std::atomic<uint64_t> word_{0};  // the phase, then how many of its items are taken
};

// Bytes of scratch each member has: a tile of products and a panel packed on the fly.
inline constexpr size_t member_scratch_bytes = 256 * 1024;

// [first, last) of some items.
struct Range {
  int64_t first, last;
};

// One thread's place in a call.
struct Member {
  int index;
  int count;
  Barrier *barrier;
  void *scratch;  // member_scratch_bytes, 64-byte aligned
  Claims *claims = nullptr;
  uint32_t *phase = nullptr;  // of the claims, as far as this thread has come, whichever copy of this it uses

  void sync() const {
    if (count > 1) {
      barrier->wait(index, count);
    }
  }
  // This member's part of `items` pieces of work: [first, last).
  int64_t first(int64_t items) const { return items * index / count; }
  int64_t last(int64_t items) const { return items * (index + 1) / count; }
  Range part(int64_t items) const { return {first(items), last(items)}; }
  // As whom this thread does alone what others have no part in.
  Member by_itself() const { return {0, 1, nullptr, scratch}; }
  // what(first, last) for this member's part of the items, then for `grain` at a time of the last eighth as long as
  // there are any: a core that others slow down leaves those to the rest.
  template <class What>
  void share(int64_t items, int64_t grain, What &&what) const {
    const int64_t loose = count > 1 && items >= 8 * grain * count ? std::min<int64_t>(items / 8, 1 << 30) : 0;
    const int64_t fixed = items - loose;
    what(first(fixed), last(fixed));
    if (loose == 0) {
      return;
    }
    ++*phase;
    for (int64_t item; (item = claims->take(*phase, static_cast<uint32_t>(grain))) < loose;) {
      what(fixed + item, std::min(fixed + item + grain, items));
    }
  }
};

class Team {
 public:
  explicit Team(int threads);
  ~Team();
  Team(const Team &) = delete;
  Team &operator=(const Team &) = delete;

  // Not while a run is under way.
  void resize(int threads);

  // Runs job(member) on at most `wanted` threads, the caller among them, and returns when all are done. caller_scratch
  // is member 0's.
  template <class Job>
  void run(int wanted, void *caller_scratch, const Job &job) {
    run_counting(true, wanted, caller_scratch, job);
  }

  // Nanoseconds that `members` take to meet, measured now and then by the caller: it moves with the machine's clock and
  // neighbours for minutes at a time, and a member that another process keeps from its core shows in it. One member
  // meets nobody: the last as it is.
  double meeting_ns(int members);
  // The last measured that was not slow.
  double usual_meeting_ns() const { return usual_meeting_ns_.load(std::memory_order_relaxed); }
  // The part of the last runs' time in which all members but one stood still, because that one had lost its core; 0
  // when it is time to try again. A meeting measured in between may be short all the same.
  double standstill() const;
  // Whether a run ended so lately that the workers may still poll; else they sleep, and waking them takes as long as
  // many short calls.
  bool awake() const;

 private:
  using Clock = std::chrono::steady_clock;
  using Call = void (*)(const void *work, const Member &member);
  struct Worker;

  // What a run's members read and its caller writes while none of them works.
  struct Run {
    Call call;
    const void *work;
    int count;
    uint64_t meetings;
    uint32_t phase;
    std::fenv_t environment;  // the caller's floating-point environment
  };

  // counts: whether what its members wait is counted in standstill().
  template <class Job>
  void run_counting(bool counts, int wanted, void *caller_scratch, const Job &job) {
    run_erased(
        counts, wanted, caller_scratch,
        [](const void *work, const Member &member) { (*static_cast<const Job *>(work))(member); }, &job);
  }
  void run_erased(bool counts, int wanted, void *caller_scratch, Call call, const void *work);
  void run_together(int count, void *caller_scratch, Call call, const void *work);
  void count_standstill(std::chrono::nanoseconds lost, Clock::time_point start, Clock::time_point end);
  void start(int threads);
  void stop();
  void work(Worker &worker);
  void wake_below(int index);

  std::mutex busy_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool stopping_ = false;
  int processors_ = 1;
  uint32_t born_in_;  // which process, counted in forks, the workers live in
  Barrier barrier_;
  Claims claims_;
  std::atomic<int64_t> measure_next_{0};  // in the steady clock's ticks
  std::atomic<double> meeting_ns_{100};
  std::atomic<double> usual_meeting_ns_{100};
  std::atomic<int64_t> last_end_{0};  // of a run, in the steady clock's ticks
  // Of runs together; the first three are the business of whoever has the team.
  std::chrono::nanoseconds window_{0}, lost_in_window_{0};
  int patience_ = 1;
  std::atomic<double> standstill_{0};
  std::atomic<int64_t> forget_at_{0};  // in the steady clock's ticks
  alignas(apart) Run run_{};
  alignas(apart) std::atomic<int> unfinished_{0};
};

}  // namespace rondo::cpu
