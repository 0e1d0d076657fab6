// Everything through which device code touches the machine: coordinates, barriers, shared memory, conversions.
// nvcc compiles the first branch; the second is the emulator of the tests, which checks what the threads do. No file
// but this and those at its end includes the toolkit's device headers or asks for an architecture.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/cell/half.h"

#ifdef __CUDACC__

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cassert>

#define RONDO_KERNEL __global__
#define RONDO_DEVICE __device__ __forceinline__
// Before a loop whose arrays must stay in registers.
#define RONDO_UNROLL _Pragma("unroll")
// Before a loop whose steps side by side would take more registers than there are.
#define RONDO_ROLLED _Pragma("unroll 1")

namespace rondo::kernels::cuda {

// Blocks have one dimension of threads; grids up to three of blocks.
RONDO_DEVICE uint32_t thread() { return threadIdx.x; }
RONDO_DEVICE uint32_t threads() { return blockDim.x; }
RONDO_DEVICE uint32_t block_x() { return blockIdx.x; }
RONDO_DEVICE uint32_t block_y() { return blockIdx.y; }
RONDO_DEVICE uint32_t block_z() { return blockIdx.z; }
RONDO_DEVICE uint32_t grid_x() { return gridDim.x; }
RONDO_DEVICE uint32_t grid_y() { return gridDim.y; }
RONDO_DEVICE void block_barrier() { __syncthreads(); }

// A kernel launched to overlap the one before it: nothing that one wrote may be read, and nothing it reads be written,
// before wait_for_previous. let_next_start allows the one after it to be launched already.
RONDO_DEVICE void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
RONDO_DEVICE void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// Memory that the threads of a block share. RONDO_SHARED(float, 32, sums) declares one.
template <class T, int kCount>
class SharedArray {
 public:
  RONDO_DEVICE explicit SharedArray(T *words) : words_(words) {}
  RONDO_DEVICE T get(uint32_t k) const { return words_[k]; }
  RONDO_DEVICE void set(uint32_t k, T value) const { words_[k] = value; }

 private:
  T *words_;
};
#define RONDO_SHARED(T, count, name) \
  __shared__ T name##_words[count];  \
  const ::rondo::kernels::cuda::SharedArray<T, count> name(name##_words)

template <class C>
RONDO_DEVICE C widen(F16 value) {
  return static_cast<C>(__half2float(__ushort_as_half(value.bits)));
}

// Round to nearest even.
RONDO_DEVICE void narrow(float value, F16 *to) { to->bits = __half_as_ushort(__float2half_rn(value)); }
RONDO_DEVICE void narrow(float value, Bf16 *to) { to->bits = __bfloat16_as_ushort(__float2bfloat16_rn(value)); }

// A number or a structure in global memory, by one access. The compiler, left alone, splits the store of a structure
// that it has in registers. Kernels read and write global memory through these alone, and what is built on them below,
// so that the emulator sees who touches what; asynchronous copies and flags have primitives of their own.
template <class W>
RONDO_DEVICE W load_whole(const W *from) {
  return *from;
}
template <class W>
RONDO_DEVICE void store_whole(const W &whole, W *to) {
  if constexpr (sizeof(W) == sizeof(uint4)) {
    uint4 words;
    memcpy(&words, &whole, sizeof words);
    __stwb(reinterpret_cast<uint4 *>(to), words);
  } else if constexpr (sizeof(W) == sizeof(uint2)) {
    uint2 words;
    memcpy(&words, &whole, sizeof words);
    __stwb(reinterpret_cast<uint2 *>(to), words);
  } else {
    *to = whole;
  }
}
template <class W>
RONDO_DEVICE void copy_whole(const W *from, W *to) {
  if constexpr (sizeof(W) == sizeof(uint4)) {
    __stwb(reinterpret_cast<uint4 *>(to), *reinterpret_cast<const uint4 *>(from));
  } else if constexpr (sizeof(W) == sizeof(uint2)) {
    __stwb(reinterpret_cast<uint2 *>(to), *reinterpret_cast<const uint2 *>(from));
  } else {
    *to = *from;
  }
}

}  // namespace rondo::kernels::cuda

#else

#include <rondo_emulator/kernel.h>

#define RONDO_KERNEL
#define RONDO_DEVICE inline
#define RONDO_UNROLL
#define RONDO_ROLLED

namespace rondo::kernels::cuda {

RONDO_DEVICE uint32_t thread() { return rondo_emulator::here().thread; }
RONDO_DEVICE uint32_t threads() { return rondo_emulator::here().threads; }
RONDO_DEVICE uint32_t block_x() { return rondo_emulator::here().block[0]; }
RONDO_DEVICE uint32_t block_y() { return rondo_emulator::here().block[1]; }
RONDO_DEVICE uint32_t block_z() { return rondo_emulator::here().block[2]; }
RONDO_DEVICE uint32_t grid_x() { return rondo_emulator::here().grid[0]; }
RONDO_DEVICE uint32_t grid_y() { return rondo_emulator::here().grid[1]; }
RONDO_DEVICE void block_barrier() { rondo_emulator::block_barrier(); }
RONDO_DEVICE void wait_for_previous() { rondo_emulator::wait_for_previous(); }
RONDO_DEVICE void let_next_start() { rondo_emulator::let_next_start(); }

template <class T, int kCount>
class SharedArray {
 public:
  SharedArray() : words_(static_cast<T *>(rondo_emulator::shared_memory(sizeof(T) * kCount))) {}
  T get(uint32_t k) const {
    rondo_emulator::check_index(k, kCount);
    rondo_emulator::on_read(words_ + k, sizeof(T));
    return words_[k];
  }
  void set(uint32_t k, T value) const {
    rondo_emulator::check_index(k, kCount);
    rondo_emulator::on_write(words_ + k, sizeof(T));
    words_[k] = value;
  }

 private:
  T *words_;
};
#define RONDO_SHARED(T, count, name) const ::rondo::kernels::cuda::SharedArray<T, count> name

template <class C>
RONDO_DEVICE C widen(F16 value) {
  return static_cast<C>(to_float(value));
}

RONDO_DEVICE void narrow(float value, F16 *to) { *to = to_f16(value); }
RONDO_DEVICE void narrow(float value, Bf16 *to) { *to = to_bf16(value); }

template <class W>
RONDO_DEVICE W load_whole(const W *from) {
  rondo_emulator::on_global_read(from, sizeof(W));
  return *from;
}
template <class W>
RONDO_DEVICE void store_whole(const W &whole, W *to) {
  rondo_emulator::on_global_write(to, sizeof(W));
  *to = whole;
}
template <class W>
RONDO_DEVICE void copy_whole(const W *from, W *to) {
  store_whole(load_whole(from), to);
}

}  // namespace rondo::kernels::cuda

#endif

namespace rondo::kernels::cuda {

// The conversions that are alike everywhere.
template <class C>
RONDO_DEVICE C widen(double value) {
  return static_cast<C>(value);
}
template <class C>
RONDO_DEVICE C widen(float value) {
  return static_cast<C>(value);
}
template <class C>
RONDO_DEVICE C widen(Bf16 value) {
  return static_cast<C>(to_float(value));
}
RONDO_DEVICE void narrow(double value, double *to) { *to = value; }
RONDO_DEVICE void narrow(float value, float *to) { *to = value; }

// kCount neighbouring elements, read and written as one access where kCount > 1; the address is a multiple of the
// whole.
template <class S, int kCount>
struct alignas(sizeof(S) * kCount) Wide {
  S item[kCount];
};

template <class C, int kCount, class S>
RONDO_DEVICE void read_wide(const S *from, C (&to)[kCount]) {
  const Wide<S, kCount> wide = load_whole(reinterpret_cast<const Wide<S, kCount> *>(from));
  RONDO_UNROLL
  for (int k = 0; k < kCount; ++k) {
    to[k] = widen<C>(wide.item[k]);
  }
}

template <class C, int kCount, class S>
RONDO_DEVICE void write_wide(const C (&from)[kCount], S *to) {
  Wide<S, kCount> wide;
  RONDO_UNROLL
  for (int k = 0; k < kCount; ++k) {
    narrow(from[k], &wide.item[k]);
  }
  store_whole(wide, reinterpret_cast<Wide<S, kCount> *>(to));
}

// One number, rounded to its type in memory.
template <class S, class C>
RONDO_DEVICE void store_narrow(C value, S *to) {
  S held;
  narrow(value, &held);
  store_whole(held, to);
}

// As it is, whatever it holds.
template <int kCount, class S>
RONDO_DEVICE void move_wide(const S *from, S *to) {
  copy_whole(reinterpret_cast<const Wide<S, kCount> *>(from), reinterpret_cast<Wide<S, kCount> *>(to));
}

// A value as storage would hold it.
template <class S, class C>
RONDO_DEVICE C rounded(C value) {
  S held;
  narrow(value, &held);
  return widen<C>(held);
}

}  // namespace rondo::kernels::cuda

// The machine's other parts, which build on the above.
// clang-format off
#include "kernels/cuda/primitives_shared.h"
#include "kernels/cuda/primitives_warp.h"
#include "kernels/cuda/primitives_cluster.h"
// clang-format on
