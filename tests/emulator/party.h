// The blocks of a launch that run together: one, a cluster, or all of a cooperative launch. Switches between their
// threads wherever one waits, delivers what is under way at any time, and finds out when nobody can go on.
// Calls marked so are made on a thread's fiber and leave it for good where they find a fault; no frame of a fiber is
// ever unwound, so what such a call holds then must own nothing.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "global_log.h"
#include "order.h"
#include "party_parts.h"
#include "rondo_emulator/kernel.h"
#include "runner.h"

namespace rondo_emulator {

// Hidden, so that its calls need no table of the shared library.
class __attribute__((visibility("hidden"))) Party {
 public:
  // The blocks' numbers in the grid; clusters one behind the other, of `cluster` blocks each.
  void run(const Launch &launch, const std::vector<uint64_t> &blocks, uint32_t cluster,
           const std::function<void()> &body);
  void start_launch() { global_.start_launch(); }
  bool ended() const { return ended_; }

  // On a fiber.
  void end_at(std::string &&found);
  void meet_block();
  void meet_cluster();
  void meet_warp(Wait kind, const void *mine, size_t bytes, void *all);
  void *request(size_t bytes);
  void *dynamic();
  void read(const void *word, size_t bytes);
  void write(const void *word, size_t bytes);
  void *shared_of(uint32_t rank, void *own);
  void make_barrier(void *word, uint32_t arrivals);
  void arrive(void *word, uint32_t bytes);
  void wait(void *word, uint32_t parity);
  void send(void *to, const void *value, size_t bytes, void *word);
  void copy(void *to, const void *from, size_t bytes);
  void wait_copies(uint32_t newest_left);
  uint32_t load_flag(const uint32_t *flag);
  void add_flag(uint32_t *flag, uint32_t n);
  void spin();
  void read_global(const void *word, size_t bytes);
  void write_global(const void *word, size_t bytes);

  Order order;
  Coordinates here{};
  Thread *current = nullptr;
  uint32_t cluster_size() const { return cluster_; }
  size_t dynamic_bytes() const { return launch_.dynamic_bytes; }

 private:
  struct Place {
    Block *block = nullptr;
    SharedMemory *memory = nullptr;
    uint32_t array = 0, offset = 0;
  };

  // party.cpp: fibers and turns.
  static void work();
  void start(const std::vector<uint64_t> &blocks);
  void run_threads();
  void start_one();
  void resume_one();
  bool wake_spinners();
  void stop();
  void begin(Thread &thread);
  void switch_to(Thread &thread);
  void finish(Thread &thread);
  void pause(Wait kind);
  void let_go(uint32_t first, uint32_t count);
  void maybe_turn();
  void fail(const std::string &text);

  // party_waits.cpp: what stands, and why.
  void check_reads(const Block *block);
  void check_return(Block &block);
  void report_standing();
  std::string waits_for(const Thread &thread) const;
  std::string name(Epoch moment) const;
  std::string name(const Thread &thread) const;
  std::string race_text(const Place &at, const Race &race, const char *access, const Thread &by) const;
  std::string global_race_text(const Race &race, const char *access, const Thread &by) const;

  // party_memory.cpp
  Place find(const void *word, size_t bytes);
  Place reach(const void *word, size_t bytes);
  bool started(const Block &block) const;
  void touch(Block &block, Epoch moment);

  // party_sends.cpp
  Barrier &barrier_at(void *word);
  void complete(Barrier &barrier);
  void deliver_some();
  void deliver_send(size_t k);
  void deliver_copy(Thread &thread, size_t k);
  void deliver_any_copy();

  bool gone(const Block &block) const { return block.returned == launch_.threads; }

  Launch launch_{};
  uint32_t cluster_ = 1;
  const std::function<void()> *body_ = nullptr;
  std::vector<std::unique_ptr<Block>> blocks_;  // the first count_ are those of now
  uint32_t count_ = 0;
  std::vector<Cluster> clusters_;
  std::vector<Thread> threads_;  // by agent
  uint32_t shape_[2] = {0, 0};   // of threads_
  Clocks clocks_;
  bool clocks_used_ = false;

  std::vector<uint32_t> starts_;  // agents in the order in which they start
  uint32_t next_ = 0;
  std::vector<Thread *> ready_, spinning_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber *> idle_;
  Fiber *running_ = nullptr;
  bool paused_ = false;
  bool ended_ = false;
  std::string unwritten_;
  uint32_t unwritten_block_ = 0;

  std::vector<Sent> sent_;
  std::vector<Thread *> copying_;
  uint32_t far_ = 0, late_ = 0;  // odds against a far turn, against a delivery
  std::unordered_map<const uint32_t *, Known> flags_;
  GlobalLog global_;
  uint64_t changes_ = 0, changes_seen_ = 0;
  uint32_t idle_rounds_ = 0;
};

// Never destroyed: what runs at the program's end may still launch.
__attribute__((visibility("hidden"))) inline Party &party() {
  static auto *one = new Party;
  return *one;
}

}  // namespace rondo_emulator
