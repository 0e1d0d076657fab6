// Accesses of memory by the running thread: its block's shared memory, that of the other blocks of its cluster, and
// global memory.
#include <algorithm>

#include "party.h"

namespace rondo_emulator {

void *Party::request(size_t bytes) {
  clocks_used_ = true;
  void *memory = nullptr;
  end_at(current->block->shared.request(current->arrays++, bytes, &memory));
  return memory;
}

void *Party::dynamic() {
  clocks_used_ = true;
  if (launch_.dynamic_bytes == 0) {
    end_at(std::string("dynamic shared memory in a launch that asked for none"));
  }
  return current->block->shared.at(SharedArrays::kDynamic).begin();
}

Party::Place Party::find(const void *word, size_t bytes) {
  Place place;
  Block *const own = current->block;
  const auto in = [&](Block *block) {
    place.memory = block->shared.find(word, &place.array);
    place.block = block;
    return place.memory != nullptr;
  };
  bool found = in(own);
  for (uint32_t k = 0; k < cluster_ && !found; ++k) {
    found = in(blocks_[own->cluster * cluster_ + k].get());
  }
  if (!found) {
    end_at(std::string("access outside of shared memory"));
  }
  place.offset = static_cast<uint32_t>(static_cast<const char *>(word) - place.memory->begin());
  if (place.offset + bytes > place.memory->bytes) {
    end_at([&] {
      return "access of " + std::to_string(bytes) + " bytes at " + place_in(place.array, place.offset) +
             ", which has " + std::to_string(place.memory->bytes);
    }());
  }
  return place;
}

bool Party::started(const Block &block) const {
  const View &view = clocks_.view(current->agent);
  for (uint32_t agent = block.first; agent < block.first + launch_.threads; ++agent) {
    if (view.known.of(agent) != 0) {
      return true;
    }
  }
  return false;
}

void Party::touch(Block &block, Epoch moment) {
  if (block.touches.size() <= moment.agent) {
    block.touches.resize(moment.agent + 1);
  }
  block.touches[moment.agent] = moment.time;
}

// The place, which may be another block's: that one must be there.
Party::Place Party::reach(const void *word, size_t bytes) {
  const Place place = find(word, bytes);
  Block &block = *place.block;
  if (&block != current->block) {
    if (gone(block)) {
      end_at([&] { return "access of shared memory of " + block.name() + ", which has returned"; }());
    }
    if (!started(block)) {
      end_at([&] { return "access of shared memory of " + block.name() + ", which may not have started"; }());
    }
    touch(block, clocks_.now(current->agent));
  }
  return place;
}

void Party::read(const void *word, size_t bytes) {
  const Place at = reach(word, bytes);
  const auto size = static_cast<uint32_t>(bytes);
  if (const auto race = at.memory->log.read(clocks_.view(current->agent), at.offset, size)) {
    end_at(race_text(at, *race, "read", *current));
  }
  if (unwritten_.empty() && !at.memory->log.written(at.offset, size)) {
    unwritten_ =
        "read of " + place_in(at.array, at.offset) + " by " + name(*current) + " before anything was written there";
    unwritten_block_ = at.block->slot;
  }
}

void Party::write(const void *word, size_t bytes) {
  const Place at = reach(word, bytes);
  const View &view = clocks_.view(current->agent);
  if (const auto race = at.memory->log.write(view, view.now(), at.offset, static_cast<uint32_t>(bytes))) {
    end_at(race_text(at, *race, "write", *current));
  }
}

void *Party::shared_of(uint32_t rank, void *own) {
  if (rank >= cluster_) {
    end_at([&] { return "rank " + std::to_string(rank) + " of a cluster of " + std::to_string(cluster_); }());
  }
  const Place place = find(own, 1);
  if (place.block != current->block) {
    end_at(std::string("the place in another block is asked for by a place that is not the block's own"));
  }
  Block &block = *blocks_[current->block->cluster * cluster_ + rank];
  void *memory = nullptr;
  if (place.array == SharedArrays::kDynamic) {
    memory = block.shared.at(place.array).begin();
  } else {
    for (uint32_t number = 0; number <= place.array; ++number) {
      end_at(block.shared.request(number, current->block->shared.at(number).bytes, &memory));
    }
  }
  return static_cast<char *>(memory) + place.offset;
}

uint32_t Party::load_flag(const uint32_t *flag) {
  clocks_used_ = true;
  maybe_turn();
  const auto at = flags_.find(flag);
  if (at != flags_.end()) {
    clocks_.learn(current->agent, at->second);
  }
  return *flag;
}

void Party::add_flag(uint32_t *flag, uint32_t n) {
  clocks_used_ = true;
  {
    Joint joint(clocks_.all_agents());
    Known &known = flags_[flag];
    joint.add(known);
    joint.add(clocks_.view(current->agent));
    known = joint.take();
  }
  clocks_.tick(current->agent);
  *flag += n;
  ++changes_;
  maybe_turn();
}

void Party::spin() {
  spinning_.push_back(current);
  pause(Wait::spin);
}

void Party::read_global(const void *word, size_t bytes) {
  const View &view = clocks_.view(current->agent);
  if (!global_.read(view, view.now(), word, static_cast<uint32_t>(bytes))) {
    end_at(global_race_text(global_.race(), "read", *current));
  }
}

void Party::write_global(const void *word, size_t bytes) {
  if (!global_.write(clocks_.view(current->agent), word, static_cast<uint32_t>(bytes))) {
    end_at(global_race_text(global_.race(), "write", *current));
  }
}

}  // namespace rondo_emulator
