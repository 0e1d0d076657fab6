// What device code sees of the emulator: kernels/cuda/primitives.h maps its functions to these.
// Threads run on fibers, one at a time; every shared word keeps happens-before clocks, so a missing barrier is reported
// in whatever order they ran.
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
// What the launch asked for besides, poisoned too.
void *dynamic_shared();
size_t dynamic_shared_bytes();
// Accesses of shared memory, that of other blocks of the cluster included.
void on_read(const void *word, size_t bytes);
void on_write(const void *word, size_t bytes);
void check_index(uint32_t index, uint32_t count);

// A kernel launched to overlap the one before it must call this in every thread.
void wait_for_previous();
void let_next_start();

// A warp is 32 threads with neighbouring numbers; a lane that returned is a fault in both. The first orders the lanes'
// accesses, the second, which gives each lane what every lane has (all[lane * bytes]), orders nothing.
void warp_barrier();
void warp_exchange(const void *mine, size_t bytes, void *all);

// 0 and 1 in a launch without clusters.
uint32_t cluster_rank();
uint32_t cluster_size();
// All threads of all blocks of the cluster.
void cluster_barrier();
// The same place in the shared memory of another block of the cluster. Whoever touches it must know that the block has
// started, and the block must not return before it knows that nobody touches it any more.
void *shared_of(uint32_t rank, void *own);

// A barrier in eight bytes of shared memory: its phase ends when all arrivals have come and as many bytes as were
// expected. Waiting is for the block's own threads and acquires what ended the phase.
void barrier_init(void *word, uint32_t arrivals);
void barrier_arrive(void *word);
void barrier_expect(void *word, uint32_t bytes);  // arrives too
void barrier_wait(void *word, uint32_t parity);
// 4, 8 or 16 bytes that arrive later in a block's shared memory and then count on a barrier of the same block. Only
// who waited for that phase of the barrier may touch them. What the thread did before comes before their arrival.
void send(void *remote_to, const void *value, size_t bytes, void *remote_barrier);

// 4, 8 or 16 bytes of global memory that arrive later in the block's shared memory. After copy_wait all but the newest
// groups are there for this thread, and for others after a barrier.
void copy_async(void *shared_to, const void *global_from, size_t bytes);
void copy_commit();
void copy_wait(uint32_t newest_left);

// Words of global memory by which blocks that run together wait for each other: an acquire, a release, and letting
// others run before one looks again. A launch in which nobody can go on is a fault.
uint32_t flag_load(const uint32_t *flag);
void flag_add(uint32_t *flag, uint32_t n);
void spin();
// Accesses of global memory. What two threads of a launch touch, and one writes, needs order between them, by barriers
// or flags; blocks that do not run together have none. A barrier in shared memory counts as order here, though between
// blocks the hardware's orders shared memory only. copy_async and flags see to themselves.
void on_global_read(const void *word, size_t bytes);
void on_global_write(const void *word, size_t bytes);

}  // namespace rondo_emulator
