// Barriers in shared memory, and what arrives there later: values sent from block to block, copies from global memory.
// Who writes what is sent is an agent of its own, the barrier's, whose moments are the barrier's phases: only who
// waited for a phase knows what arrived in it, and neither the sender nor a barrier of threads says anything about it.
#include <algorithm>
#include <cstring>

#include "party.h"

namespace rondo_emulator {
namespace {

constexpr int64_t kMostBytes = (1 << 20) - 1;  // that a barrier counts
constexpr uint32_t kMostArrivals = (1 << 20) - 1;

bool fits(const void *to, size_t bytes) {
  return (bytes == 4 || bytes == 8 || bytes == 16) && reinterpret_cast<uintptr_t>(to) % bytes == 0;
}

}  // namespace

void Party::make_barrier(void *word, uint32_t arrivals) {
  const Place at = find(word, 8);
  if (at.block != current->block || arrivals == 0 || arrivals > kMostArrivals || at.offset % 8 != 0) {
    end_at([&] {
      return "a barrier for " + std::to_string(arrivals) + " arrivals cannot be made at " +
             place_in(at.array, at.offset) + " of " + at.block->name();
    }());
  }
  write(word, 8);
  std::vector<std::unique_ptr<Barrier>> &all = at.block->barriers;
  all.erase(std::remove_if(all.begin(), all.end(),
                           [&](const auto &one) { return one->array == at.array && one->offset == at.offset; }),
            all.end());
  all.push_back(std::make_unique<Barrier>());
  Barrier &made = *all.back();
  made.block = at.block;
  made.array = at.array;
  made.offset = at.offset;
  made.arrivals = made.pending = arrivals;
  made.agent = clocks_.add_agent();
  made.made = clocks_.now(current->agent);
}

Barrier &Party::barrier_at(void *word) {
  const Place at = reach(word, 8);
  for (const auto &barrier : at.block->barriers) {
    if (barrier->array == at.array && barrier->offset == at.offset) {
      if (!clocks_.knows(current->agent, barrier->made)) {
        end_at(race_text(at, Race{barrier->made, true}, "use of the barrier there", *current));
      }
      return *barrier;
    }
  }
  end_at([&] { return "no barrier was made at " + place_in(at.array, at.offset) + " of " + at.block->name(); }());
  __builtin_unreachable();
}

void Party::arrive(void *word, uint32_t bytes) {
  Barrier &barrier = barrier_at(word);
  if (barrier.pending == 0) {
    end_at([&] {
      return "more than " + std::to_string(barrier.arrivals) + " arrivals in one phase at the barrier at " +
             place_in(barrier.array, barrier.offset) + " of " + barrier.block->name();
    }());
  }
  barrier.bytes += bytes;
  if (barrier.bytes > kMostBytes) {
    end_at(std::string("a barrier that expects 1 MiB or more"));
  }
  --barrier.pending;
  barrier.coming.push_back(clocks_.view(current->agent));
  clocks_.tick(current->agent);
  complete(barrier);
}

// Ends the phase where nothing lacks.
void Party::complete(Barrier &barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0) {
    return;
  }
  ++barrier.phase;
  barrier.pending = barrier.arrivals;
  Joint joint(clocks_.all_agents());
  joint.add(barrier.done);
  for (const View &view : barrier.coming) {
    joint.add(view);
  }
  joint.add(Epoch{barrier.agent, barrier.phase});
  barrier.done = joint.take();
  barrier.coming.clear();
  ready_.insert(ready_.end(), barrier.waiting.begin(), barrier.waiting.end());
  barrier.waiting.clear();
}

void Party::wait(void *word, uint32_t parity) {
  Barrier &barrier = barrier_at(word);
  if (barrier.block != current->block) {
    end_at(std::string("waits at a barrier of another block"));
  }
  maybe_turn();
  while ((barrier.phase & 1) == (parity & 1)) {
    barrier.waiting.push_back(current);
    current->barrier = &barrier;
    pause(Wait::barrier);
  }
  clocks_.learn(current->agent, barrier.done);
}

void Party::send(void *to, const void *value, size_t bytes, void *word) {
  Barrier &barrier = barrier_at(word);
  const Place at = reach(to, bytes);
  if (!fits(to, bytes) || at.block != barrier.block) {
    end_at([&] {
      return "a send of " + std::to_string(bytes) + " bytes to " + place_in(at.array, at.offset) + " of " +
             at.block->name() + (at.block != barrier.block ? " counts on a barrier of " + barrier.block->name() : "");
    }());
  }
  sent_.emplace_back();
  Sent &sent = sent_.back();
  sent.to = static_cast<char *>(to);
  std::memcpy(sent.value, value, bytes);
  sent.bytes = static_cast<uint32_t>(bytes);
  sent.barrier = &barrier;
  sent.by = clocks_.view(current->agent);
  clocks_.tick(current->agent);
}

void Party::deliver_some() {
  if (!sent_.empty() && order.below(late_) == 0) {
    const auto size = static_cast<uint32_t>(sent_.size());
    for (uint32_t n = 1 + order.below(std::min(size, 64u)); n != 0 && !ended_; --n) {
      deliver_send(order.below(static_cast<uint32_t>(sent_.size())));
    }
  }
  if (!copying_.empty() && !ended_ && order.below(late_) == 0) {
    deliver_any_copy();
  }
}

void Party::deliver_send(size_t k) {
  const Sent sent = std::move(sent_[k]);
  if (k + 1 != sent_.size()) {
    sent_[k] = std::move(sent_.back());
  }
  sent_.pop_back();
  Barrier &barrier = *sent.barrier;
  Block &block = *barrier.block;
  const Thread &sender = threads_[sent.by.agent];
  Place at;
  at.block = &block;
  at.memory = block.shared.find(sent.to, &at.array);
  at.offset = static_cast<uint32_t>(sent.to - at.memory->begin());
  const Epoch as{barrier.agent, barrier.phase + 1};
  if (gone(block)) {
    fail("a send by " + name(sender) + " arrives at " + place_in(at.array, at.offset) + " of " + block.name() +
         ", which has returned");
    return;
  }
  if (const auto race = at.memory->log.write(sent.by, as, at.offset, sent.bytes)) {
    fail(race_text(at, *race, "send", sender));
    return;
  }
  std::memcpy(sent.to, sent.value, sent.bytes);
  touch(block, as);
  barrier.bytes -= sent.bytes;
  barrier.coming.push_back(sent.by);
  complete(barrier);
}

void Party::copy(void *to, const void *from, size_t bytes) {
  const Place at = find(to, bytes);
  if (at.block != current->block || !fits(to, bytes) || reinterpret_cast<uintptr_t>(from) % bytes != 0) {
    end_at([&] {
      return "a copy of " + std::to_string(bytes) + " bytes to " + place_in(at.array, at.offset) + " of " +
             at.block->name() + " is of a size or at a place that is not copied";
    }());
  }
  Thread &thread = *current;
  if (thread.copier == UINT32_MAX) {
    thread.copier = clocks_.add_agent();
    clocks_.set_copier(thread.agent, thread.copier);
  }
  if (thread.copies.empty()) {
    copying_.push_back(&thread);
  }
  thread.copies.push_back(Copy{static_cast<char *>(to), static_cast<const char *>(from), static_cast<uint32_t>(bytes),
                               thread.committed + 1, clocks_.view(thread.agent)});
  clocks_.tick(thread.agent);
}

void Party::deliver_any_copy() {
  Thread &thread = *copying_[order.below(static_cast<uint32_t>(copying_.size()))];
  deliver_copy(thread, order.below(static_cast<uint32_t>(thread.copies.size())));
}

void Party::deliver_copy(Thread &thread, size_t k) {
  const Copy copy = std::move(thread.copies[k]);
  if (k + 1 != thread.copies.size()) {
    thread.copies[k] = std::move(thread.copies.back());
  }
  thread.copies.pop_back();
  if (thread.copies.empty()) {
    copying_.erase(std::find(copying_.begin(), copying_.end(), &thread));
  }
  Place at;
  at.block = thread.block;
  at.memory = thread.block->shared.find(copy.to, &at.array);
  at.offset = static_cast<uint32_t>(copy.to - at.memory->begin());
  const Epoch as{thread.copier, copy.group};
  if (!global_.read(copy.by, as, copy.from, copy.bytes)) {
    fail(global_race_text(global_.race(), "copy", thread));
    return;
  }
  if (const auto race = at.memory->log.write(copy.by, as, at.offset, copy.bytes)) {
    fail(race_text(at, *race, "copy", thread));
    return;
  }
  std::memcpy(copy.to, copy.from, copy.bytes);
}

void Party::wait_copies(uint32_t newest_left) {
  Thread &thread = *current;
  const Time done = thread.committed > newest_left ? thread.committed - newest_left : 0;
  for (size_t k = thread.copies.size(); k-- != 0 && !ended_;) {
    if (thread.copies[k].group <= done) {
      deliver_copy(thread, k);
    }
  }
  if (ended_) {
    Fiber::leave();
  }
  if (thread.copier != UINT32_MAX) {
    clocks_.learn_copied(thread.agent, done);
  }
}

}  // namespace rondo_emulator
