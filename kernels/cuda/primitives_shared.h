// The shared memory whose size a launch chooses, and copies into it that nobody waits for at once. primitives.h
// includes this at its end; no other file does.
#pragma once

namespace rondo::kernels::cuda {

// RONDO_DYNAMIC_SHARED(shared) names the block's memory; shared.array<T>(byte_offset, count) is a part of it. A part
// begins at a multiple of what is read from it at once, at most 16 bytes.
template <class T>
class SharedSpan;

#ifdef __CUDACC__

template <class T>
class SharedSpan {
 public:
  RONDO_DEVICE SharedSpan(T *words, uint32_t address) : words_(words), address_(address) {}
  RONDO_DEVICE T get(uint32_t k) const { return words_[k]; }
  RONDO_DEVICE void set(uint32_t k, T value) const { words_[k] = value; }

  // Elements [k, k + kCount) as one access; their place is a multiple of their size.
  template <int kCount>
  RONDO_DEVICE Wide<T, kCount> read_wide(uint32_t k) const {
    Wide<T, kCount> wide;
    const T *from = static_cast<const T *>(__builtin_assume_aligned(words_ + k, sizeof wide));
    memcpy(&wide, from, sizeof wide);
    return wide;
  }
  template <int kCount>
  RONDO_DEVICE void write_wide(uint32_t k, const Wide<T, kCount> &wide) const {
    T *to = static_cast<T *>(__builtin_assume_aligned(words_ + k, sizeof wide));
    memcpy(to, &wide, sizeof wide);
  }

  // For the primitives: where `count` elements from k on lie.
  RONDO_DEVICE uint32_t place(uint32_t k, uint32_t /*count*/) const {
    return address_ + k * static_cast<uint32_t>(sizeof(T));
  }

 private:
  T *words_;
  uint32_t address_;  // the same in the window of shared memory, as instructions want it
};

class DynamicShared {
 public:
  RONDO_DEVICE explicit DynamicShared(unsigned char *bytes)
      : bytes_(bytes), address_(static_cast<uint32_t>(__cvta_generic_to_shared(bytes))) {}
  template <class T>
  RONDO_DEVICE SharedSpan<T> array(uint32_t byte_offset, uint32_t /*count*/) const {
    return {reinterpret_cast<T *>(bytes_ + byte_offset), address_ + byte_offset};
  }

 private:
  unsigned char *bytes_;
  uint32_t address_;
};
// One name in every kernel of a file, since the linker sees one array.
#define RONDO_DYNAMIC_SHARED(name)                                      \
  extern __shared__ __align__(16) unsigned char rondo_dynamic_shared[]; \
  const ::rondo::kernels::cuda::DynamicShared name(rondo_dynamic_shared)

// Copies the 16 bytes at `from`, global memory, to the elements from `element` on; both at multiples of 16 bytes. They
// are there for this thread after wait_copies, for others after a barrier that follows it.
template <class S>
RONDO_DEVICE void copy_async(const S *from, const SharedSpan<S> &to, uint32_t element) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to.place(element, 16 / sizeof(S))),
               "l"(__cvta_generic_to_global(from)));
#else
  __trap();
#endif
}
// Ends a group of this thread's copies.
RONDO_DEVICE void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;");
#endif
}
// Until all groups but the kLeft newest have arrived.
template <int kLeft>
RONDO_DEVICE void wait_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
#endif
}

#else

// An address that is no multiple of `bytes` shows as an index past 1.
RONDO_DEVICE void check_aligned(const void *address, uint32_t bytes) {
  rondo_emulator::check_index(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(address) % bytes), 1);
}

template <class T>
class SharedSpan {
 public:
  SharedSpan(T *words, uint32_t count) : words_(words), count_(count) {}
  T get(uint32_t k) const {
    rondo_emulator::on_read(place(k, 1), sizeof(T));
    return words_[k];
  }
  void set(uint32_t k, T value) const {
    rondo_emulator::on_write(place(k, 1), sizeof(T));
    words_[k] = value;
  }

  template <int kCount>
  Wide<T, kCount> read_wide(uint32_t k) const {
    Wide<T, kCount> wide;
    rondo_emulator::on_read(place(k, kCount), sizeof wide);
    std::memcpy(&wide, words_ + k, sizeof wide);
    return wide;
  }
  template <int kCount>
  void write_wide(uint32_t k, const Wide<T, kCount> &wide) const {
    rondo_emulator::on_write(place(k, kCount), sizeof wide);
    std::memcpy(words_ + k, &wide, sizeof wide);
  }

  T *place(uint32_t k, uint32_t count) const {
    rondo_emulator::check_index(k, count_);
    rondo_emulator::check_index(k + count - 1, count_);
    check_aligned(words_ + k, count * static_cast<uint32_t>(sizeof(T)));
    return words_ + k;
  }

 private:
  T *words_;
  uint32_t count_;
};

class DynamicShared {
 public:
  DynamicShared() : bytes_(static_cast<unsigned char *>(rondo_emulator::dynamic_shared())) {}
  template <class T>
  SharedSpan<T> array(uint32_t byte_offset, uint32_t count) const {
    const auto bytes = static_cast<uint32_t>(rondo_emulator::dynamic_shared_bytes());
    rondo_emulator::check_index(byte_offset + count * static_cast<uint32_t>(sizeof(T)), bytes + 1);
    check_aligned(bytes_ + byte_offset, alignof(T));
    return {reinterpret_cast<T *>(bytes_ + byte_offset), count};
  }

 private:
  unsigned char *bytes_;
};
#define RONDO_DYNAMIC_SHARED(name) const ::rondo::kernels::cuda::DynamicShared name

template <class S>
RONDO_DEVICE void copy_async(const S *from, const SharedSpan<S> &to, uint32_t element) {
  check_aligned(from, 16);
  rondo_emulator::copy_async(to.place(element, 16 / sizeof(S)), from, 16);
}
RONDO_DEVICE void commit_copies() { rondo_emulator::copy_commit(); }
template <int kLeft>
RONDO_DEVICE void wait_copies() {
  rondo_emulator::copy_wait(kLeft);
}

#endif

}  // namespace rondo::kernels::cuda
