// What device code sees of the emulator: kernels/cuda/primitives.h maps its functions to these.
// Threads of a block run on fibers; every shared word keeps happens-before clocks, so a missing barrier is reported in
// whatever order they ran.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rondo_emulator {

struct Coordinates {
  uint32_t thread, threads;  // in the block
  uint32_t block[3], grid[3];
};

// Of the running fiber.
const Coordinates &here();

// All threads of the block that have not returned must come here; a thread that returned before is a fault.
void block_barrier();

// Shared memory of the block: a thread's k-th request gives the same memory as its neighbours' k-th. Starts poisoned.
void *shared_memory(size_t bytes);
void on_read(const void *word, size_t bytes);
void on_write(const void *word, size_t bytes);
void check_index(uint32_t index, uint32_t count);

// A kernel launched to overlap the one before it must call this in every thread.
void wait_for_previous();
void let_next_start();

}  // namespace rondo_emulator
