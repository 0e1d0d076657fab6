// Team: the threads that run one call together, parked between calls. A call takes the whole team or, where another
// call holds it, runs alone: results do not depend on which.
#pragma once

#include <atomic>
#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace rondo::cpu {

// Members meet here; a wait spins for a bounded time, then yields to whoever wants the core.
class Barrier {
 public:
  void wait(int members);

 private:
  std::atomic<int> arrived_{0};
  std::atomic<uint32_t> phase_{0};
};

// Bytes of scratch each member has: a tile of products and a panel packed on the fly.
inline constexpr size_t member_scratch_bytes = 192 * 1024;

// One thread's place in a call.
struct Member {
  int index;
  int count;
  Barrier *barrier;
  void *scratch;  // member_scratch_bytes, 64-byte aligned

  void sync() const {
    if (count > 1) {
      barrier->wait(count);
    }
  }
  // This member's part of `items` pieces of work: [first, last).
  int64_t first(int64_t items) const { return items * index / count; }
  int64_t last(int64_t items) const { return items * (index + 1) / count; }
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
    run_erased(
        wanted, caller_scratch,
        [](const void *work, const Member &member) { (*static_cast<const Job *>(work))(member); }, &job);
  }

 private:
  using Call = void (*)(const void *work, const Member &member);
  struct Worker;

  void run_erased(int wanted, void *caller_scratch, Call call, const void *work);
  void start(int threads);
  void stop();
  void work(Worker &worker, uint32_t seen);
  void serve(Worker &worker);

  std::mutex busy_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Barrier barrier_;
  Call call_ = nullptr;
  const void *work_ = nullptr;
  std::fenv_t environment_{};  // the caller's floating-point environment
  int count_ = 0;
  bool stopping_ = false;
  std::atomic<uint32_t> epoch_{0};
  std::atomic<int> unfinished_{0};
  uint32_t born_in_;  // which process, counted in forks, the workers live in
};

}  // namespace rondo::cpu
