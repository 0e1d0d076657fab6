// What a party (the blocks that run together) is made of: threads, blocks, barriers in shared memory, and what is still
// under way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clocks.h"
#include "fiber.h"
#include "shared_arrays.h"

namespace rondo_emulator {

struct Block;
struct Barrier;

enum class Wait : uint8_t { nothing, block, cluster, warp, exchange, barrier, spin };

// A piece of global memory on its way into shared memory.
struct Copy {
  char *to;
  const char *from;
  uint32_t bytes;
  Time group;
  View by;
};

// A value on its way into a block's shared memory.
struct Sent {
  char *to;
  char value[16];
  uint32_t bytes;
  Barrier *barrier;
  View by;
};

struct Thread {
  Block *block = nullptr;
  uint32_t agent = 0, index = 0;  // in the party, in the block
  uint32_t arrays = 0;            // requests of shared memory so far
  bool waited = false;            // for the kernel before
  Fiber *fiber = nullptr;

  Wait wait = Wait::nothing;
  Barrier *barrier = nullptr;  // where it waits
  const void *mine = nullptr;  // what it brought to its warp
  void *all = nullptr;

  uint32_t copier = UINT32_MAX;  // the agent of its copies
  Time committed = 0;            // groups of them
  std::vector<Copy> copies;
};

struct Warp {
  uint32_t arrived = 0, returned = 0;
  Wait kind = Wait::nothing;
  size_t bytes = 0;
};

struct Barrier {
  Block *block;
  uint32_t array;  // where it lies
  size_t offset;
  uint32_t arrivals, pending;
  int64_t bytes = 0;   // expected and not there
  uint32_t phase = 0;  // those that ended
  uint32_t agent;      // who writes what is sent
  Epoch made;
  Known done;                // what the last phase carried
  std::vector<View> coming;  // what this one does
  std::vector<Thread *> waiting;
};

struct Block {
  uint32_t index[3];
  uint32_t slot = 0;   // in the party
  uint32_t first = 0;  // agent
  uint32_t rank = 0, cluster = 0;
  uint32_t arrived = 0, returned = 0, last_returned = 0;
  std::vector<Warp> warps;
  SharedArrays shared;
  std::vector<std::unique_ptr<Barrier>> barriers;
  std::vector<Time> touches;  // by agent: its last access from outside of the block

  std::string name() const;
};

struct Cluster {
  uint32_t arrived = 0, returned = 0, last_returned = 0;
};

}  // namespace rondo_emulator
