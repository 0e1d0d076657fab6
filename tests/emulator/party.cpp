// Fibers and turns. A thread that never waits runs to its end on one fiber, which goes on with the next thread, so a
// kernel without barriers costs a call a thread; only a thread that waits keeps its fiber.
#include "party.h"

#include <algorithm>
#include <iterator>

#include "fault.h"

namespace rondo_emulator {
namespace {

// Those who may go on stand in a list whose end came last: mostly one of these goes on, a warp's lanes most often,
// because switching to where memory is warm is several times faster.
constexpr uint32_t kNear = 32;
// How seldom a far one has a turn, and how late things arrive; each party has one of each.
constexpr uint32_t kFarOdds[] = {1, 8, 64};
constexpr uint32_t kLateOdds[] = {1, 6, 60, 1u << 30};

// Rounds in which all who spin look again although nothing changed.
constexpr uint32_t kIdleRounds = 500;

}  // namespace

void Party::run(const Launch &launch, const std::vector<uint64_t> &blocks, uint32_t cluster,
                const std::function<void()> &body) {
  launch_ = launch;
  cluster_ = cluster;
  body_ = &body;
  start(blocks);
  run_threads();
  if (!ended_) {
    uint32_t returned = 0;
    for (uint32_t k = 0; k < count_; ++k) {
      returned += blocks_[k]->returned;
    }
    check_reads(nullptr);
    if (!ended_ && returned != threads_.size()) {
      report_standing();
    }
  }
  stop();
}

void Party::start(const std::vector<uint64_t> &blocks) {
  count_ = static_cast<uint32_t>(blocks.size());
  while (blocks_.size() < count_) {
    blocks_.push_back(std::make_unique<Block>());
  }
  const uint32_t agents = count_ * launch_.threads;
  if (shape_[0] != count_ || shape_[1] != launch_.threads) {
    shape_[0] = count_;
    shape_[1] = launch_.threads;
    threads_.resize(agents);
    starts_.resize(agents);
    for (uint32_t agent = 0; agent < agents; ++agent) {
      threads_[agent].block = blocks_[agent / launch_.threads].get();
      threads_[agent].agent = starts_[agent] = agent;
      threads_[agent].index = agent % launch_.threads;
    }
  }
  if (clocks_used_ || clocks_.agents() != agents) {
    clocks_.start(agents);
    clocks_used_ = false;
  }
  clusters_.assign(count_ / cluster_, Cluster{});
  for (uint32_t slot = 0; slot < count_; ++slot) {
    Block &block = *blocks_[slot];
    block.index[0] = static_cast<uint32_t>(blocks[slot] % launch_.grid[0]);
    block.index[1] = static_cast<uint32_t>(blocks[slot] / launch_.grid[0] % launch_.grid[1]);
    block.index[2] = static_cast<uint32_t>(blocks[slot] / launch_.grid[0] / launch_.grid[1]);
    block.slot = slot;
    block.first = slot * launch_.threads;
    block.rank = slot % cluster_;
    block.cluster = slot / cluster_;
    block.arrived = block.returned = 0;
    block.warps.assign((launch_.threads + 31) / 32, Warp{});
    block.shared.start_block(launch_.dynamic_bytes, launch_.most_shared);
    block.barriers.clear();
    block.touches.clear();
  }
  here.threads = launch_.threads;
  std::copy(std::begin(launch_.grid), std::end(launch_.grid), here.grid);
  order.shuffle(starts_);
  far_ = kFarOdds[order.below(std::size(kFarOdds))];
  late_ = kLateOdds[order.below(std::size(kLateOdds))];
  next_ = 0;
  idle_rounds_ = 0;
  ended_ = false;
  global_.start_party();
}

void Party::stop() {
  current = nullptr;
  unwritten_.clear();
  ready_.clear();
  spinning_.clear();
  sent_.clear();
  if (!flags_.empty()) {
    flags_.clear();
  }
  for (Thread *thread : copying_) {
    thread->copies.clear();
  }
  copying_.clear();
  if (ended_ || idle_.size() != fibers_.size()) {
    idle_.clear();
    for (const auto &fiber : fibers_) {
      idle_.push_back(fiber.get());
    }
  }
}

void Party::run_threads() {
  const auto all = static_cast<uint32_t>(starts_.size());
  while (!ended_) {
    if (!sent_.empty() || !copying_.empty()) {
      deliver_some();
      if (ended_) {
        return;
      }
    }
    if (!spinning_.empty() && changes_ != changes_seen_ && order.below(4) == 0) {
      wake_spinners();
    }
    const uint32_t unstarted = all - next_;
    const auto ready = static_cast<uint32_t>(ready_.size());
    if (unstarted != 0 && (ready == 0 || order.below(unstarted + ready) < unstarted)) {
      start_one();
    } else if (ready != 0) {
      resume_one();
    } else if (!sent_.empty()) {
      deliver_send(order.below(static_cast<uint32_t>(sent_.size())));
    } else if (!copying_.empty()) {
      deliver_any_copy();
    } else if (!wake_spinners()) {
      return;
    }
  }
}

void Party::start_one() {
  if (idle_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>());
    idle_.push_back(fibers_.back().get());
  }
  running_ = idle_.back();
  idle_.pop_back();
  paused_ = false;
  running_->start(&Party::work);
  if (!paused_) {
    idle_.push_back(running_);
  }
}

void Party::work() {
  Party &self = party();
  do {
    Thread &thread = self.threads_[self.starts_[self.next_++]];
    self.begin(thread);
    (*self.body_)();
    self.finish(thread);
  } while (self.next_ < self.starts_.size() && self.ready_.empty() && self.sent_.empty());
}

void Party::begin(Thread &thread) {
  thread.arrays = 0;
  thread.waited = false;
  thread.wait = Wait::nothing;
  thread.copier = UINT32_MAX;
  thread.committed = 0;
  thread.fiber = running_;
  switch_to(thread);
}

void Party::switch_to(Thread &thread) {
  current = &thread;
  here.thread = thread.index;
  for (int k = 0; k < 3; ++k) {
    here.block[k] = thread.block->index[k];
  }
}

void Party::resume_one() {
  const auto size = static_cast<uint32_t>(ready_.size());
  const uint32_t k = size > kNear && order.below(far_) != 0 ? size - 1 - order.below(kNear) : order.below(size);
  Thread &thread = *ready_[k];
  ready_[k] = ready_.back();
  ready_.pop_back();
  thread.wait = Wait::nothing;
  switch_to(thread);
  running_ = thread.fiber;
  paused_ = false;
  running_->resume();
  if (!paused_) {
    idle_.push_back(running_);
  }
}

bool Party::wake_spinners() {
  if (spinning_.empty()) {
    return false;
  }
  if (changes_ != changes_seen_) {
    changes_seen_ = changes_;
    idle_rounds_ = 0;
  } else if (++idle_rounds_ > kIdleRounds) {
    return false;
  }
  ready_.insert(ready_.end(), spinning_.begin(), spinning_.end());
  spinning_.clear();
  return true;
}

void Party::pause(Wait kind) {
  current->wait = kind;
  paused_ = true;
  Fiber::pause();
}

// Another one may have its turn though this one could go on.
void Party::maybe_turn() {
  if (count_ > 1 && order.below(8) == 0) {
    ready_.push_back(current);
    pause(Wait::nothing);
  }
}

void Party::let_go(uint32_t first, uint32_t count) {
  const size_t from = ready_.size();
  for (uint32_t agent = first; agent < first + count; ++agent) {
    ready_.push_back(&threads_[agent]);
  }
  for (size_t k = ready_.size(); count > kNear && k > from + 1; --k) {
    std::swap(ready_[k - 1], ready_[from + order.below(static_cast<uint32_t>(k - from))]);
  }
}

void Party::fail(const std::string &text) {
  set_fault(text);
  ended_ = true;
}

void Party::end_at(std::string &&found) {
  if (found.empty()) {
    return;
  }
  {
    const std::string text = std::move(found);
    fail(text + ", in thread " + std::to_string(here.thread) + " of " + current->block->name());
  }
  Fiber::leave();
}

void Party::finish(Thread &thread) {
  if (launch_.overlaps && !thread.waited) {
    end_at(std::string("a kernel launched to overlap the one before it did not wait for it"));
  }
  Block &block = *thread.block;
  Warp &warp = block.warps[thread.index / 32];
  ++warp.returned;
  if (warp.arrived != 0) {
    end_at([&] { return "returned while " + std::to_string(warp.arrived) + " lanes of its warp wait for it"; }());
  }
  block.last_returned = thread.index;
  ++block.returned;
  Cluster &cluster = clusters_[block.cluster];
  cluster.last_returned = thread.agent;
  ++cluster.returned;
  if (gone(block)) {
    check_return(block);
    if (ended_) {
      Fiber::leave();
    }
  }
}

void Party::meet_block() {
  clocks_used_ = true;
  Block &block = *current->block;
  if (++block.arrived == launch_.threads) {
    block.arrived = 0;
    if (count_ == 1) {
      check_reads(&block);
      if (ended_) {
        Fiber::leave();
      }
    }
    clocks_.join(block.first, launch_.threads);
    let_go(block.first, launch_.threads);
  }
  pause(Wait::block);
}

void Party::meet_cluster() {
  clocks_used_ = true;
  Cluster &cluster = clusters_[current->block->cluster];
  const uint32_t members = cluster_ * launch_.threads;
  if (++cluster.arrived == members) {
    cluster.arrived = 0;
    const uint32_t first = current->block->cluster * members;
    clocks_.join(first, members);
    let_go(first, members);
  }
  pause(Wait::cluster);
}

void Party::meet_warp(Wait kind, const void *mine, size_t bytes, void *all) {
  clocks_used_ = true;
  Thread &thread = *current;
  Warp &warp = thread.block->warps[thread.index / 32];
  if (launch_.threads % 32 != 0) {
    end_at([&] {
      return "a warp's lanes meet in a block of " + std::to_string(launch_.threads) + " threads, no multiple of 32";
    }());
  }
  if (warp.returned != 0) {
    end_at([&] { return "waits for its warp, of which " + std::to_string(warp.returned) + " lanes returned"; }());
  }
  if (warp.arrived == 0) {
    warp.kind = kind;
    warp.bytes = bytes;
  } else if (warp.kind != kind || warp.bytes != bytes) {
    end_at(std::string("came to another meeting of its warp than the lanes that wait"));
  }
  thread.mine = mine;
  thread.all = all;
  if (++warp.arrived == 32) {
    warp.arrived = 0;
    const uint32_t first = thread.agent / 32 * 32;
    if (kind == Wait::warp) {
      clocks_.join(first, 32);
    } else {
      auto *to = static_cast<char *>(threads_[first].all);
      for (uint32_t lane = 0; lane < 32; ++lane) {
        std::copy_n(static_cast<const char *>(threads_[first + lane].mine), bytes, to + lane * bytes);
      }
      for (uint32_t lane = 1; lane < 32; ++lane) {
        std::copy_n(to, 32 * bytes, static_cast<char *>(threads_[first + lane].all));
      }
    }
    let_go(first, 32);
  }
  pause(kind);
}

}  // namespace rondo_emulator
