// Runs one launch: its clusters one after another in a shuffled order, or all its blocks together where it is
// cooperative; threads are fibers in a shuffled order.
// One launch at a time in the process (the runtime's lock sees to it); a fault ends it on the spot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace rondo_emulator {

struct Launch {
  uint32_t grid[3];
  uint32_t threads;
  bool overlaps;        // started while the kernel before it may still run
  uint32_t cluster[3];  // blocks of a cluster; the grid is a multiple of it
  bool cooperative;
  size_t dynamic_bytes;  // of shared memory
  size_t most_shared;    // of a block, both kinds together
};

// `thread` is called once for each thread of each block. Gives up at the first fault (fault.h).
void run_kernel(const Launch &launch, const std::function<void()> &thread);
void seed_order(uint64_t seed);

}  // namespace rondo_emulator
