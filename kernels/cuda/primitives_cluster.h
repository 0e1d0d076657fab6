// How blocks talk while they run: in a cluster through each other's shared memory, over the grid through flags. What
// needs a cluster is a trap in code compiled for less than sm_90, wherever it runs. Only primitives.h includes this.
#pragma once

namespace rondo::kernels::cuda {

// A barrier in shared memory: a phase ends when as many threads have arrived as it was made for and all bytes that
// they said to expect have come. Bytes may come before they are expected, within the phase. Phases have the parities
// 0, 1, 0, ...; wait(parity) goes on once the phase of that parity is over, and must not lag by a whole phase. It
// orders shared memory only.
class SharedBarrier;

#ifdef __CUDACC__

// 0 and 1 without a cluster.
RONDO_DEVICE uint32_t cluster_rank() {
  uint32_t rank = 0;
#if __CUDA_ARCH__ >= 900
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return rank;
}
RONDO_DEVICE uint32_t cluster_blocks() {
  uint32_t blocks = 1;
#if __CUDA_ARCH__ >= 900
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
#endif
  return blocks;
}

// All threads of all blocks of the cluster.
RONDO_DEVICE void cluster_barrier() {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "barrier.cluster.arrive.release;\n\t"
      "barrier.cluster.wait.acquire;" ::
          : "memory");
#else
  __trap();
#endif
}

// Between the tries of a loop that waits. In a debug build it has a bound: then the launch fails with cudaErrorAssert,
// and the words are printed.
class Spin {
 public:
  RONDO_DEVICE void once() {
#ifndef NDEBUG
    ++tries_;
    assert(tries_ != 1u << 26 && "blocks of one launch wait for each other in vain");
#endif
  }

#ifndef NDEBUG
 private:
  uint32_t tries_ = 0;
#endif
};

class SharedBarrier {
 public:
  // 8 bytes at a multiple of 8.
  RONDO_DEVICE SharedBarrier(const DynamicShared &shared, uint32_t byte_offset)
      : address_(shared.array<uint64_t>(byte_offset, 1).place(0, 1)) {}

  // By one thread; init_fence and cluster_barrier come between it and all use.
  RONDO_DEVICE void init(uint32_t arrivals) const {
#if __CUDA_ARCH__ >= 900
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(address_), "r"(arrivals) : "memory");
#else
    __trap();
#endif
  }
  RONDO_DEVICE void arrive() const {
#if __CUDA_ARCH__ >= 900
    asm volatile("mbarrier.arrive.release.cta.shared::cta.b64 _, [%0];" ::"r"(address_) : "memory");
#else
    __trap();
#endif
  }
  // Arrives too.
  RONDO_DEVICE void expect(uint32_t bytes) const {
#if __CUDA_ARCH__ >= 900
    asm volatile("mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 _, [%0], %1;" ::"r"(address_), "r"(bytes)
                 : "memory");
#else
    __trap();
#endif
  }
  RONDO_DEVICE void wait(uint32_t parity) const {
    Spin spin;
    while (!is_over(parity)) {
      spin.once();
    }
  }

  RONDO_DEVICE uint32_t place() const { return address_; }

 private:
  // The hardware lets the thread rest for a while before it answers no. What comes lies in this block's own shared
  // memory, so acquiring at the block's scope does; the cluster's would drop the first cache of global memory too, at
  // every wait.
  RONDO_DEVICE bool is_over(uint32_t parity) const {
    uint32_t over = 1;
#if __CUDA_ARCH__ >= 900
    asm volatile(
        "{\n\t"
        ".reg .pred over;\n\t"
        "mbarrier.try_wait.parity.acquire.cta.shared::cta.b64 over, [%1], %2;\n\t"
        "selp.u32 %0, 1, 0, over;\n\t"
        "}"
        : "=r"(over)
        : "r"(address_), "r"(parity)
        : "memory");
#else
    __trap();
#endif
    return over != 0;
  }

  uint32_t address_;
};

// Lets the other blocks of the cluster see what init did, after the cluster_barrier that follows.
RONDO_DEVICE void init_fence() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}

// The same place in the shared memory of another block of the cluster.
RONDO_DEVICE uint32_t place_in_block(uint32_t place, uint32_t rank) {
  uint32_t there = 0;
#if __CUDA_ARCH__ >= 900
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(place), "r"(rank));
#endif
  return there;
}

// Puts a value of 4, 8 or 16 bytes to the same elements in the block `rank`, this one or another, at a multiple of its
// size; its bytes count at that block's barrier, and whoever waited for that barrier sees them. What the value was
// computed from has been read by then. A block may not end while others still send to it.
template <class T, class V>
RONDO_DEVICE void send(const SharedSpan<T> &to, uint32_t element, const V &value, uint32_t rank,
                       const SharedBarrier &barrier) {
  static_assert(sizeof(V) == 4 || sizeof(V) == 8 || sizeof(V) == 16);
#if __CUDA_ARCH__ >= 900
  const uint32_t there = place_in_block(to.place(element, sizeof(V) / sizeof(T)), rank);
  const uint32_t counting = place_in_block(barrier.place(), rank);
  uint32_t words[sizeof(V) / 4];
  memcpy(words, &value, sizeof(V));
  if constexpr (sizeof(V) == 4) {
    asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" ::"r"(there),
                 "r"(words[0]), "r"(counting)
                 : "memory");
  } else if constexpr (sizeof(V) == 8) {
    asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 [%0], {%1, %2}, [%3];" ::"r"(there),
                 "r"(words[0]), "r"(words[1]), "r"(counting)
                 : "memory");
  } else {
    asm volatile(
        "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(there),
        "r"(words[0]), "r"(words[1]), "r"(words[2]), "r"(words[3]), "r"(counting)
        : "memory");
  }
#else
  __trap();
#endif
}

// A flag is read and counted up by any thread of the grid: who reads a count sees what its givers wrote before.
RONDO_DEVICE uint32_t flag_load(const uint32_t *flag) {
  uint32_t value;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(__cvta_generic_to_global(flag)) : "memory");
  return value;
}
RONDO_DEVICE void flag_add(uint32_t *flag, uint32_t count) {
  asm volatile("red.release.gpu.global.add.u32 [%0], %1;" ::"l"(__cvta_generic_to_global(flag)), "r"(count) : "memory");
}

// 16 bytes of global memory from one block to another of the grid, which a flag orders.
template <class V>
RONDO_DEVICE void tell(const V &value, void *to) {
  static_assert(sizeof(V) == 16);
  store_whole(value, static_cast<V *>(to));
}
// As copy_async, of what another block told: it leaves out the first cache.
template <class S>
RONDO_DEVICE void copy_told(const S *from, const SharedSpan<S> &to, uint32_t element) {
  copy_async(from, to, element);
}

#else

RONDO_DEVICE uint32_t cluster_rank() { return rondo_emulator::cluster_rank(); }
RONDO_DEVICE uint32_t cluster_blocks() { return rondo_emulator::cluster_size(); }
RONDO_DEVICE void cluster_barrier() { rondo_emulator::cluster_barrier(); }

class Spin {
 public:
  void once() { rondo_emulator::spin(); }
};

class SharedBarrier {
 public:
  SharedBarrier(const DynamicShared &shared, uint32_t byte_offset)
      : word_(shared.array<uint64_t>(byte_offset, 1).place(0, 1)) {}
  void init(uint32_t arrivals) const { rondo_emulator::barrier_init(word_, arrivals); }
  void arrive() const { rondo_emulator::barrier_arrive(word_); }
  void expect(uint32_t bytes) const { rondo_emulator::barrier_expect(word_, bytes); }
  void wait(uint32_t parity) const { rondo_emulator::barrier_wait(word_, parity); }

  void *place() const { return word_; }

 private:
  void *word_;
};

RONDO_DEVICE void init_fence() {}

template <class T, class V>
RONDO_DEVICE void send(const SharedSpan<T> &to, uint32_t element, const V &value, uint32_t rank,
                       const SharedBarrier &barrier) {
  static_assert(sizeof(V) == 4 || sizeof(V) == 8 || sizeof(V) == 16);
  rondo_emulator::send(rondo_emulator::shared_of(rank, to.place(element, sizeof(V) / sizeof(T))), &value, sizeof(V),
                       rondo_emulator::shared_of(rank, barrier.place()));
}

RONDO_DEVICE uint32_t flag_load(const uint32_t *flag) { return rondo_emulator::flag_load(flag); }
RONDO_DEVICE void flag_add(uint32_t *flag, uint32_t count) { rondo_emulator::flag_add(flag, count); }

template <class V>
RONDO_DEVICE void tell(const V &value, void *to) {
  static_assert(sizeof(V) == 16);
  check_aligned(to, sizeof(V));
  store_whole(value, static_cast<V *>(to));
}
template <class S>
RONDO_DEVICE void copy_told(const S *from, const SharedSpan<S> &to, uint32_t element) {
  copy_async(from, to, element);
}

#endif

}  // namespace rondo::kernels::cuda
