// What device code calls (rondo_emulator/kernel.h), each on the fiber of a thread.
#include "party.h"

namespace rondo_emulator {

const Coordinates &here() { return party().here; }

void block_barrier() { party().meet_block(); }

void wait_for_previous() { party().current->waited = true; }

void let_next_start() {}

void *shared_memory(size_t bytes) { return party().request(bytes); }

void *dynamic_shared() { return party().dynamic(); }

size_t dynamic_shared_bytes() { return party().dynamic_bytes(); }

void on_read(const void *word, size_t bytes) { party().read(word, bytes); }

void on_write(const void *word, size_t bytes) { party().write(word, bytes); }

void check_index(uint32_t index, uint32_t count) {
  if (index >= count) {
    party().end_at(
        [&] { return "index " + std::to_string(index) + " of a shared array of " + std::to_string(count); }());
  }
}

void warp_barrier() { party().meet_warp(Wait::warp, nullptr, 0, nullptr); }

void warp_exchange(const void *mine, size_t bytes, void *all) { party().meet_warp(Wait::exchange, mine, bytes, all); }

uint32_t cluster_rank() { return party().current->block->rank; }

uint32_t cluster_size() { return party().cluster_size(); }

void cluster_barrier() { party().meet_cluster(); }

void *shared_of(uint32_t rank, void *own) { return party().shared_of(rank, own); }

void barrier_init(void *word, uint32_t arrivals) { party().make_barrier(word, arrivals); }

void barrier_arrive(void *word) { party().arrive(word, 0); }

void barrier_expect(void *word, uint32_t bytes) { party().arrive(word, bytes); }

void barrier_wait(void *word, uint32_t parity) { party().wait(word, parity); }

void send(void *remote_to, const void *value, size_t bytes, void *remote_barrier) {
  party().send(remote_to, value, bytes, remote_barrier);
}

void copy_async(void *shared_to, const void *global_from, size_t bytes) { party().copy(shared_to, global_from, bytes); }

void copy_commit() { ++party().current->committed; }

void copy_wait(uint32_t newest_left) { party().wait_copies(newest_left); }

uint32_t flag_load(const uint32_t *flag) { return party().load_flag(flag); }

void flag_add(uint32_t *flag, uint32_t n) { party().add_flag(flag, n); }

void spin() { party().spin(); }

void on_global_read(const void *word, size_t bytes) { party().read_global(word, bytes); }

void on_global_write(const void *word, size_t bytes) { party().write_global(word, bytes); }

}  // namespace rondo_emulator
