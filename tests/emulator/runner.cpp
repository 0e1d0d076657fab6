// Blocks and threads of one launch. A thread that never waits runs to its end on one fiber, which goes on with the next
// thread, so a kernel without barriers costs a call a thread; only a thread that waits keeps its fiber.
#include "runner.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "fault.h"
#include "fiber.h"
#include "rondo_emulator/kernel.h"
#include "shared_arrays.h"

namespace rondo_emulator {
namespace {

// One step of a 64-bit linear congruential generator; its upper half is used.
class Order {
 public:
  void seed(uint64_t seed) { state_ = seed * 2 + 1; }
  uint32_t below(uint32_t count) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(((state_ >> 32) * count) >> 32);
  }
  template <class T>
  void shuffle(std::vector<T> &items) {
    for (size_t k = items.size(); k > 1; --k) {
      std::swap(items[k - 1], items[below(static_cast<uint32_t>(k))]);
    }
  }

 private:
  uint64_t state_ = 3;
};

struct Thread {
  uint32_t index;
  uint32_t arrays = 0;  // requests of shared memory so far
  bool waited = false;  // for the kernel before
  Fiber *fiber = nullptr;
};

class Runner {
 public:
  void run(const Launch &launch, const std::function<void()> &body);
  void wait_at_barrier();
  // On a thread's fiber: leaves the kernel where a check found something. The fiber's frames are never unwound, so the
  // text must have been moved out of them by then.
  void end_at(std::string &&found);
  std::string block_place() const;
  std::string place() const;

  Order order;
  Coordinates here{};
  Thread *current = nullptr;  // NULL outside a kernel
  SharedArrays arrays;

 private:
  static void work();  // what fibers run
  void run_block(uint64_t block);
  void run_threads();
  bool meet();
  void check_reads();
  void finish(const Thread &thread);

  Launch launch_{};
  const std::function<void()> *body_ = nullptr;
  std::vector<uint32_t> threads_;  // in the order they start
  uint32_t next_ = 0;
  uint32_t last_finished_ = 0, finished_ = 0;
  std::vector<Thread *> waiting_, resumed_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber *> idle_;
  Fiber *started_ = nullptr;
  bool ended_ = false;
};

// Never destroyed: what runs at the program's end may still launch.
Runner &runner() {
  static auto *one = new Runner;
  return *one;
}

void Runner::run(const Launch &launch, const std::function<void()> &body) {
  launch_ = launch;
  body_ = &body;
  ended_ = false;
  here.threads = launch.threads;
  std::copy(launch.grid, launch.grid + 3, here.grid);
  if (threads_.size() != launch.threads) {
    threads_.resize(launch.threads);
    std::iota(threads_.begin(), threads_.end(), 0u);
  }
  const uint64_t count = uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2];
  if (count == 1) {
    run_block(0);
    return;
  }
  std::vector<uint64_t> blocks(count);
  std::iota(blocks.begin(), blocks.end(), uint64_t{0});
  order.shuffle(blocks);
  for (const uint64_t block : blocks) {
    if (ended_) {
      return;
    }
    run_block(block);
  }
}

void Runner::run_block(uint64_t block) {
  here.block[0] = static_cast<uint32_t>(block % launch_.grid[0]);
  here.block[1] = static_cast<uint32_t>(block / launch_.grid[0] % launch_.grid[1]);
  here.block[2] = static_cast<uint32_t>(block / launch_.grid[0] / launch_.grid[1]);
  order.shuffle(threads_);
  next_ = finished_ = 0;
  arrays.start_block(launch_.threads);
  run_threads();
  while (!ended_ && !waiting_.empty() && meet()) {
  }
  check_reads();
  current = nullptr;
  waiting_.clear();
  resumed_.clear();
  if (ended_ || idle_.size() != fibers_.size()) {
    idle_.clear();
    for (const auto &fiber : fibers_) {
      idle_.push_back(fiber.get());
    }
  }
}

// Starts all threads; each fiber takes them one after another until one waits.
void Runner::run_threads() {
  while (!ended_ && next_ < launch_.threads) {
    if (idle_.empty()) {
      fibers_.push_back(std::make_unique<Fiber>());
      idle_.push_back(fibers_.back().get());
    }
    started_ = idle_.back();
    idle_.pop_back();
    const size_t waiting = waiting_.size();
    started_->start(&Runner::work);
    if (waiting_.size() == waiting) {
      idle_.push_back(started_);
    }
  }
}

void Runner::work() {
  Runner &self = runner();
  Thread thread{};
  thread.fiber = self.started_;
  while (self.next_ < self.launch_.threads) {
    thread.index = self.threads_[self.next_++];
    thread.arrays = 0;
    thread.waited = false;
    self.current = &thread;
    self.here.thread = thread.index;
    (*self.body_)();
    self.finish(thread);
  }
}

void Runner::finish(const Thread &thread) {
  if (launch_.overlaps && !thread.waited) {
    end_at(std::string("a kernel launched to overlap the one before it did not wait for it"));
  }
  last_finished_ = thread.index;
  ++finished_;
}

// All threads that go on stand at the barrier: lets them through.
bool Runner::meet() {
  check_reads();
  if (ended_) {
    return false;
  }
  if (finished_ != 0) {
    here.thread = last_finished_;
    set_fault(place() + " returned without coming to the barrier at which " + std::to_string(waiting_.size()) +
              " others wait, thread " + std::to_string(waiting_.front()->index) + " among them");
    ended_ = true;
    return false;
  }
  arrays.join_all();
  resumed_.swap(waiting_);
  order.shuffle(resumed_);
  for (Thread *thread : resumed_) {
    current = thread;
    here.thread = thread->index;
    Fiber *fiber = thread->fiber;
    const size_t waiting = waiting_.size();
    fiber->resume();
    if (ended_) {
      return false;
    }
    if (waiting_.size() == waiting) {
      idle_.push_back(fiber);
    }
  }
  resumed_.clear();
  return true;
}

void Runner::check_reads() {
  if (!ended_ && !arrays.unwritten().empty()) {
    set_fault(arrays.unwritten() + ", in " + block_place());
    ended_ = true;
  }
}

void Runner::wait_at_barrier() {
  waiting_.push_back(current);
  Fiber::pause();
}

void Runner::end_at(std::string &&found) {
  if (found.empty()) {
    return;
  }
  {
    const std::string text = std::move(found);
    set_fault(text + ", in " + place());
  }
  ended_ = true;
  Fiber::leave();
}

std::string Runner::block_place() const {
  return "block (" + std::to_string(here.block[0]) + ", " + std::to_string(here.block[1]) + ", " +
         std::to_string(here.block[2]) + ")";
}

std::string Runner::place() const { return "thread " + std::to_string(here.thread) + " of " + block_place(); }

std::string index_text(uint32_t index, uint32_t count) {
  return "index " + std::to_string(index) + " of a shared array of " + std::to_string(count);
}

}  // namespace

void run_kernel(const Launch &launch, const std::function<void()> &thread) { runner().run(launch, thread); }

void seed_order(uint64_t seed) { runner().order.seed(seed); }

const Coordinates &here() { return runner().here; }

void block_barrier() { runner().wait_at_barrier(); }

void wait_for_previous() { runner().current->waited = true; }

void let_next_start() {}

void *shared_memory(size_t bytes) {
  Runner &self = runner();
  void *memory = nullptr;
  self.end_at(self.arrays.request(self.current->arrays++, bytes, &memory));
  return memory;
}

void on_read(const void *word, size_t bytes) {
  runner().end_at(runner().arrays.read(runner().here.thread, word, static_cast<uint32_t>(bytes)));
}

void on_write(const void *word, size_t bytes) {
  runner().end_at(runner().arrays.write(runner().here.thread, word, static_cast<uint32_t>(bytes)));
}

void check_index(uint32_t index, uint32_t count) {
  if (index >= count) {
    runner().end_at(index_text(index, count));
  }
}

}  // namespace rondo_emulator
