// Workers sleep on an epoch counter after a short spin. A forked child has none of its parent's threads, so there every
// call runs alone.
#include "backend/cpu/team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <cstdlib>
#include <new>
#include <system_error>

namespace rondo::cpu {
namespace {

// Tens of microseconds of spinning before a core is given back; a call's next step comes sooner than that.
constexpr int spins_before_yield = 2000;

std::atomic<uint32_t> forks{0};

void count_forks() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
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

}  // namespace

void Barrier::wait(int members) {
  const uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == members - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins) {
    if (spins < spins_before_yield) {
      pause();
    } else {
      sched_yield();
    }
  }
}

struct Team::Worker {
  int index = 0;
  std::unique_ptr<void, void (*)(void *)> scratch{nullptr, &std::free};
  std::thread thread;
};

Team::Team(int threads) : born_in_(forks.load()) {
  count_forks();
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
      worker->thread = std::thread([this, &placed = *worker, born = epoch_.load()] { work(placed, born); });
    } catch (const std::system_error &) {
      // A team of fewer is no team of the size asked for; it runs alone until resized.
      stop();
      throw;
    }
    workers_.push_back(std::move(worker));
  }
}

void Team::work(Worker &worker, uint32_t seen) {
  for (;;) {
    for (int spins = 0; spins < spins_before_yield && epoch_.load(std::memory_order_acquire) == seen; ++spins) {
      pause();
    }
    epoch_.wait(seen, std::memory_order_acquire);
    ++seen;
    if (stopping_) {
      return;
    }
    serve(worker);
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
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (auto &worker : workers_) {
    worker->thread.join();
  }
  workers_.clear();
}

void Team::serve(Worker &worker) {
  if (worker.index < count_) {
    // The caller's rounding and flushing of subnormals, or results would depend on who computed them.
    std::fesetenv(&environment_);
    call_(work_, {worker.index, count_, &barrier_, worker.scratch.get()});
  }
  unfinished_.fetch_sub(1, std::memory_order_acq_rel);
}

void Team::run_erased(int wanted, void *caller_scratch, Call call, const void *work) {
  const bool forked = born_in_ != forks.load(std::memory_order_relaxed);
  std::unique_lock lock(busy_, std::defer_lock);
  if (wanted > 1 && !forked && lock.try_lock() && !workers_.empty()) {
    const int members = static_cast<int>(workers_.size()) + 1;
    call_ = call;
    work_ = work;
    std::fegetenv(&environment_);
    count_ = wanted < members ? wanted : members;
    unfinished_.store(members - 1, std::memory_order_relaxed);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
    call(work, {0, count_, &barrier_, caller_scratch});
    for (int spins = 0; unfinished_.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < spins_before_yield) {
        pause();
      } else {
        sched_yield();
      }
    }
    return;
  }
  if (lock.owns_lock()) {
    lock.unlock();
  }
  call(work, {0, 1, nullptr, caller_scratch});
}

}  // namespace rondo::cpu
