// Workers poll a word of their own, then sleep on it. A forked child has none of its parent's threads, so there every
// call runs alone.
#include "backend/cpu/team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <system_error>

#include "core/processors.h"

namespace rondo::cpu {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<uint32_t> forks{0};

// Runs under way in this process, of whichever team, times 2^32, plus their threads. Two teams that both want every
// processor would each wait for members that have none, so a run that comes second takes what is left or its share.
constexpr uint64_t one_run = uint64_t{1} << 32;
alignas(apart) std::atomic<uint64_t> at_work{0};

void watch_forks() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    forks.fetch_add(1, std::memory_order_relaxed);
    at_work.store(0, std::memory_order_relaxed);
  });
  (void)registered;
}

// Workers take no signals: a host's handlers expect its own threads. New threads inherit the mask.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked &) = delete;
  SignalsBlocked &operator=(const SignalsBlocked &) = delete;

 private:
  sigset_t before_;
};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Whether `ready` came true in time. The clock is read only now and then, and not at all in a short wait.
template <class Ready>
bool spin(std::chrono::microseconds budget, const Ready &ready) {
  constexpr int polls = 16;
  for (int poll = 0; poll < polls; ++poll) {
    if (ready()) {
      return true;
    }
    pause();
  }
  const auto end = Clock::now() + budget;
  do {
    for (int poll = 0; poll < polls; ++poll) {
      if (ready()) {
        return true;
      }
      pause();
    }
  } while (Clock::now() < end);
  return false;
}

// Takes places for one run's threads for as long as it lives.
class Places {
 public:
  // At least the caller's own; all of `wanted` where nobody else is at work.
  Places(int wanted, int processors) {
    uint64_t others = at_work.load(std::memory_order_relaxed);
    do {
      taken_ = wanted;
      if (others != 0) {
        const int left = processors - static_cast<int>(others % one_run);
        const int share = processors / static_cast<int>(others / one_run + 1);
        taken_ = std::clamp(std::max(left, share), 1, wanted);
      }
    } while (!at_work.compare_exchange_weak(others, others + weight(), std::memory_order_relaxed));
  }
  ~Places() { at_work.fetch_sub(weight(), std::memory_order_relaxed); }
  Places(const Places &) = delete;
  Places &operator=(const Places &) = delete;
  int taken() const { return taken_; }

 private:
  uint64_t weight() const { return one_run + static_cast<uint64_t>(taken_); }

  int taken_;
};

}  // namespace

// Inside a call: others get the core, but whoever is waited for finds the waiter awake.
template <class Ready>
void Barrier::await(const Ready &ready) {
  if (spin(spin_in_call, ready)) {
    return;
  }
  const auto start = Clock::now();
  while (!ready()) {
    sched_yield();
  }
  const std::chrono::nanoseconds lost = Clock::now() - start;
  lost_ns_.fetch_add(lost.count(), std::memory_order_relaxed);
}

void Barrier::enter(int index, uint64_t meetings) {
  if (index < most_flags) {
    met_[index].store(meetings, std::memory_order_relaxed);
  }
}

void Barrier::wait(int index, int members) {
  if (members > most_flags) {
    wait_counting(members);
    return;
  }
  std::atomic<uint64_t> &own = met_[index];
  const uint64_t meeting = own.load(std::memory_order_relaxed) + 1;
  own.store(meeting, std::memory_order_release);
  for (int other = 0; other < members; ++other) {
    const std::atomic<uint64_t> &met = met_[other];
    if (met.load(std::memory_order_acquire) < meeting) {
      await([&] { return met.load(std::memory_order_acquire) >= meeting; });
    }
  }
}

void Barrier::wait_counting(int members) {
  const uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == members - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    return;
  }
  await([&] { return phase_.load(std::memory_order_acquire) != phase; });
}

// A worker's word counts its runs in steps of two; the lowest bit says that it sleeps and must be woken.
struct alignas(apart) Team::Worker {
  static constexpr uint32_t asleep = 1;

  std::atomic<uint32_t> word{0};
  int index = 0;
  std::unique_ptr<void, void (*)(void *)> scratch{nullptr, &std::free};
  std::thread thread;

  // No system call where the worker still polls.
  void wake() {
    const uint32_t now = word.load(std::memory_order_relaxed);
    if ((word.exchange((now | asleep) + 1, std::memory_order_seq_cst) & asleep) != 0) {
      word.notify_one();
    }
  }
  void wait_for_work(uint32_t done) {
    const auto called = [&] { return word.load(std::memory_order_acquire) != done; };
    uint32_t seen = done;
    if (!spin(spin_after_call, called) &&
        word.compare_exchange_strong(seen, done | asleep, std::memory_order_acq_rel, std::memory_order_acquire)) {
      word.wait(done | asleep, std::memory_order_acquire);
    }
  }
};

Team::Team(int threads) : born_in_(forks.load()) {
  watch_forks();
  start(threads);
}

Team::~Team() { stop(); }

void Team::resize(int threads) {
  if (born_in_ != forks.load()) {
    return;
  }
  const std::scoped_lock lock(busy_);
  if (threads != static_cast<int>(workers_.size()) + 1) {
    stop();
    start(threads);
  }
}

void Team::start(int threads) {
  stopping_ = false;
  processors_ = allowed_processors();
  const SignalsBlocked blocked;
  workers_.reserve(static_cast<size_t>(threads - 1));
  for (int index = 1; index < threads; ++index) {
    auto worker = std::make_unique<Worker>();
    worker->index = index;
    worker->scratch.reset(std::aligned_alloc(64, member_scratch_bytes));
    if (worker->scratch == nullptr) {
      stop();
      throw std::bad_alloc();
    }
    try {
      worker->thread = std::thread([this, &placed = *worker] { work(placed); });
    } catch (const std::system_error &) {
      // A team of fewer is no team of the size asked for; it runs alone until resized.
      stop();
      throw;
    }
    workers_.push_back(std::move(worker));
  }
}

void Team::work(Worker &worker) {
  for (uint32_t done = 0;; done += 2) {
    worker.wait_for_work(done);
    if (stopping_) {
      return;
    }
    wake_below(worker.index);
    // The caller's rounding and flushing of subnormals, or results would depend on who computed them.
    std::fesetenv(&run_.environment);
    barrier_.enter(worker.index, run_.meetings);
    uint32_t phase = run_.phase;
    run_.call(run_.work, {worker.index, run_.count, &barrier_, worker.scratch.get(), &claims_, &phase});
    unfinished_.fetch_sub(1, std::memory_order_acq_rel);
  }
}

// Each member wakes two, so that no one, the caller least, wakes a whole large team before it begins.
void Team::wake_below(int index) {
  for (int other = 2 * index + 1; other <= 2 * index + 2 && other < run_.count; ++other) {
    workers_[static_cast<size_t>(other - 1)]->wake();
  }
}

void Team::stop() {
  if (born_in_ != forks.load()) {
    // The threads exist in the parent only; their handles cannot be joined and must not be destroyed as joinable.
    for (auto &worker : workers_) {
      (void)worker.release();  // NOLINT(bugprone-unused-return-value): left behind on purpose
    }
    workers_.clear();
    return;
  }
  stopping_ = true;
  for (auto &worker : workers_) {
    worker->wake();
  }
  for (auto &worker : workers_) {
    worker->thread.join();
  }
  workers_.clear();
}

void Team::run_erased(bool counts, int wanted, void *caller_scratch, Call call, const void *work) {
  const bool forked = born_in_ != forks.load(std::memory_order_relaxed);
  std::unique_lock lock(busy_, std::defer_lock);
  const bool together = wanted > 1 && !forked && lock.try_lock() && !workers_.empty();
  const Places places(together ? std::min(wanted, static_cast<int>(workers_.size()) + 1) : 1, processors_);
  Clock::time_point end;
  if (places.taken() > 1) {
    const auto start = Clock::now();
    run_together(places.taken(), caller_scratch, call, work);
    end = Clock::now();
    const auto lost = barrier_.take_lost() / (places.taken() - 1);
    if (counts) {
      count_standstill(lost, start, end);
    }
  } else {
    if (lock.owns_lock()) {
      lock.unlock();
    }
    call(work, {0, 1, nullptr, caller_scratch});
    end = Clock::now();
  }
  last_end_.store(end.time_since_epoch().count(), std::memory_order_relaxed);
}

double Team::meeting_ns(int members) {
  const auto now = Clock::now();
  int64_t due = measure_next_.load(std::memory_order_relaxed);
  const int64_t next = (now + measure_every).time_since_epoch().count();
  if (members <= 1 || now.time_since_epoch().count() < due ||
      !measure_next_.compare_exchange_strong(due, next, std::memory_order_relaxed)) {
    return meeting_ns_.load(std::memory_order_relaxed);
  }
  constexpr int batches = 3;
  constexpr int meetings = 12;
  constexpr std::chrono::microseconds limit{200};
  std::atomic<bool> enough{false};
  double measured[batches] = {};
  Clock::duration spent{};
  run_counting(false, members, nullptr, [&](const Member &member) {
    for (double &batch : measured) {
      member.sync();
      if (enough.load(std::memory_order_relaxed)) {
        return;
      }
      const auto start = Clock::now();  // whoever had to be woken is here by now
      for (int meeting = 0; meeting < meetings; ++meeting) {
        member.sync();
      }
      if (member.index == 0) {
        const auto end = Clock::now();
        batch = std::chrono::duration<double, std::nano>(end - start).count() / meetings;
        spent += end - start;
        enough.store(spent > limit, std::memory_order_relaxed);
      }
    }
  });
  // An interrupt lengthens one batch; where time ran out, the slowest is the truth.
  std::sort(measured, measured + batches);
  const double result = enough.load() ? measured[batches - 1] : measured[batches / 2];
  meeting_ns_.store(result, std::memory_order_relaxed);
  if (result > slow_meeting_ns) {
    measure_next_.store((now + measure_again).time_since_epoch().count(), std::memory_order_relaxed);
  } else {
    usual_meeting_ns_.store(result, std::memory_order_relaxed);
  }
  return result;
}

bool Team::awake() const {
  const auto now = Clock::now().time_since_epoch();
  const std::chrono::steady_clock::duration since(now.count() - last_end_.load(std::memory_order_relaxed));
  return since < spin_after_call;
}

void Team::run_together(int count, void *caller_scratch, Call call, const void *work) {
  run_.call = call;
  run_.work = work;
  run_.count = count;
  run_.meetings = barrier_.meetings();
  run_.phase = claims_.phase();
  std::fegetenv(&run_.environment);
  unfinished_.store(count - 1, std::memory_order_relaxed);
  wake_below(0);
  uint32_t phase = run_.phase;
  call(work, {0, count, &barrier_, caller_scratch, &claims_, &phase});
  barrier_.await([&] { return unfinished_.load(std::memory_order_acquire) == 0; });
}

void Team::count_standstill(std::chrono::nanoseconds lost, Clock::time_point start, Clock::time_point end) {
  using std::chrono::nanoseconds;
  constexpr double bad = 0.3;
  const nanoseconds run = end - start;
  const bool again = start.time_since_epoch().count() >= forget_at_.load(std::memory_order_relaxed);
  if (again) {
    const bool was_bad = standstill_.load(std::memory_order_relaxed) > bad;
    patience_ = was_bad ? std::min(2 * patience_, most_patience) : 1;
    window_ = lost_in_window_ = nanoseconds(0);
  }
  window_ += run;
  lost_in_window_ += lost;
  const nanoseconds window = patience_ > 1 ? standstill_window : first_standstill_window;
  if (window_ > std::max<nanoseconds>(window, standstill_runs * run)) {
    window_ /= 2;
    lost_in_window_ /= 2;
  }
  // A single turn of another process is no reason yet, nor is a single run.
  const auto over = std::max<nanoseconds>({window_, window / 2, 2 * run});
  standstill_.store(std::chrono::duration<double>(lost_in_window_) / over, std::memory_order_relaxed);
  // Long runs wait no longer: a whole run by one thread costs them more than a try that fails.
  forget_at_.store((end + patience_ * first_retry).time_since_epoch().count(), std::memory_order_relaxed);
}

double Team::standstill() const {
  const double share = standstill_.load(std::memory_order_relaxed);
  const int64_t now = share > 0 ? Clock::now().time_since_epoch().count() : 0;
  return now < forget_at_.load(std::memory_order_relaxed) ? share : 0;
}

}  // namespace rondo::cpu
