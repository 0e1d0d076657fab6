// What stands, and why: the texts of faults that concern several threads, and whether blocks and parties may end.
#include <algorithm>

#include "fault.h"
#include "party.h"

namespace rondo_emulator {

std::string Block::name() const {
  return "block (" + std::to_string(index[0]) + ", " + std::to_string(index[1]) + ", " + std::to_string(index[2]) + ")";
}

std::string Party::name(const Thread &thread) const {
  return "thread " + std::to_string(thread.index) + (count_ == 1 ? "" : " of " + thread.block->name());
}

std::string Party::name(Epoch moment) const {
  if (moment.agent < threads_.size()) {
    return name(threads_[moment.agent]);
  }
  for (const Thread &thread : threads_) {
    if (thread.copier == moment.agent) {
      return "a copy that " + name(thread) + " asked for";
    }
  }
  for (uint32_t slot = 0; slot < count_; ++slot) {
    for (const auto &barrier : blocks_[slot]->barriers) {
      if (barrier->agent == moment.agent) {
        return "a send that counts on the barrier at " + place_in(barrier->array, barrier->offset) + " of " +
               barrier->block->name();
      }
    }
  }
  return "a send";
}

std::string Party::race_text(const Place &at, const Race &race, const char *access, const Thread &by) const {
  return "race on " + place_in(at.array, at.offset) + (count_ == 1 ? "" : " of " + at.block->name()) + ": " +
         (race.earlier_wrote ? "write" : "read") + " by " + name(race.earlier) + " and " + access + " by " + name(by) +
         " without a barrier between them";
}

std::string Party::global_race_text(const Race &race, const char *access, const Thread &by) const {
  return std::string("race on global memory: ") + (race.earlier_wrote ? "write" : "read") + " by " +
         (race.earlier.time == 0 ? "a block that does not run together with this one" : name(race.earlier)) + " and " +
         access + " by " + name(by) + " without order between them";
}

// Reads of what nobody had written. Asked at a barrier and at the end: until then a write may come and make the read
// one side of a race, which says more.
void Party::check_reads(const Block *block) {
  if (unwritten_.empty()) {
    return;
  }
  while (!ended_ && !copying_.empty()) {
    deliver_any_copy();
  }
  if (!ended_) {
    fail(unwritten_ + ", in " + (block != nullptr ? *block : *blocks_[unwritten_block_]).name());
  }
}

// Shared memory ends with its block: what others did there must have come before.
void Party::check_return(Block &block) {
  if (block.touches.empty()) {
    return;
  }
  Joint joint(clocks_.all_agents());
  for (uint32_t agent = block.first; agent < block.first + launch_.threads; ++agent) {
    joint.add(clocks_.view(agent));
  }
  const Known known = joint.take();
  for (uint32_t agent = 0; agent < block.touches.size(); ++agent) {
    if (block.touches[agent] > known.of(agent)) {
      fail(block.name() + " returned while its shared memory may still be touched by " +
           name(Epoch{agent, block.touches[agent]}) + ": nothing orders that before its return");
      return;
    }
  }
}

std::string Party::waits_for(const Thread &thread) const {
  switch (thread.wait) {
    case Wait::block:
      return "waits at its block's barrier";
    case Wait::cluster:
      return "waits at its cluster's barrier";
    case Wait::warp:
    case Wait::exchange:
      return "waits for its warp";
    case Wait::spin:
      return "spins";
    case Wait::barrier:
      break;
    case Wait::nothing:
      return "stands";
  }
  const Barrier &barrier = *thread.barrier;
  return "waits for phase " + std::to_string(barrier.phase) + " of the barrier at " +
         place_in(barrier.array, barrier.offset) + ", which lacks " + std::to_string(barrier.pending) +
         " arrivals and " + std::to_string(barrier.bytes) + " bytes";
}

void Party::report_standing() {
  std::vector<const Thread *> standing;
  for (const Thread *thread : spinning_) {
    standing.push_back(thread);
  }
  for (const Thread &thread : threads_) {
    if (thread.wait != Wait::nothing && thread.wait != Wait::spin) {
      standing.push_back(&thread);
    }
  }
  for (const Thread *thread : standing) {
    const bool of_block = thread->wait == Wait::block && thread->block->returned != 0;
    const bool of_cluster = thread->wait == Wait::cluster && clusters_[thread->block->cluster].returned != 0;
    if (of_block || of_cluster) {
      const Cluster &cluster = clusters_[thread->block->cluster];
      const Thread &returned =
          threads_[of_block ? thread->block->first + thread->block->last_returned : cluster.last_returned];
      fail("thread " + std::to_string(returned.index) + " of " + returned.block->name() +
           " returned without coming to the " + (of_block ? "barrier" : "cluster's barrier") + " at which " +
           std::to_string(of_block ? thread->block->arrived : cluster.arrived) + " others wait, " + name(*thread) +
           " among them");
      return;
    }
  }
  // One of each kind and block.
  std::string text = "deadlock: nobody can go on";
  std::vector<std::pair<Wait, const Block *>> told;
  for (const Thread *thread : standing) {
    const std::pair<Wait, const Block *> kind{thread->wait, thread->block};
    if (told.size() < 4 && std::find(told.begin(), told.end(), kind) == told.end()) {
      told.push_back(kind);
      text += "; thread " + std::to_string(thread->index) + " of " + thread->block->name() + " " + waits_for(*thread);
    }
  }
  fail(text + "; " + std::to_string(standing.size()) + " threads altogether");
}

}  // namespace rondo_emulator
