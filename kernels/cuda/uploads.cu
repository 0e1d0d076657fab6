// What a call brings from the host: bytes that travel as kernel arguments, and lengths that only the device knows.
#include <cstring>

#include "kernels/cuda/rows.h"
#include "kernels/cuda/tiling.h"

namespace rondo::kernels::cuda {
namespace {

// Kernel arguments may be 4096 bytes together.
inline constexpr int64_t kSliceWords = 1000;
struct Slice {
  uint32_t word[kSliceWords];
};

RONDO_KERNEL void upload_kernel(const Slice slice, const uint32_t count, uint32_t *to) {
  for (uint32_t k = thread(); k < count; k += threads()) {
    store_whole(slice.word[k], to + k);
  }
}

RONDO_KERNEL void clamp_lengths_kernel(const int64_t *lengths, const int32_t *lengths32, const int64_t N,
                                       const int64_t T, int32_t *clamped, uint32_t *faults) {
  RONDO_SHARED(uint32_t, kBlockThreads, counts);
  uint32_t count = 0;
  for (int64_t n = thread(); n < N; n += threads()) {
    const int64_t length = lengths != nullptr ? load_whole(lengths + n) : int64_t{load_whole(lengths32 + n)};
    const int64_t inside = length < 0 ? 0 : (length > T ? T : length);
    count += inside != length ? 1 : 0;
    store_whole(static_cast<int32_t>(inside), clamped + n);
  }
  counts.set(thread(), count);
  block_barrier();
  if (thread() == 0 && faults != nullptr) {
    uint32_t sum = 0;
    for (uint32_t k = 0; k < threads(); ++k) {
      sum += counts.get(k);
    }
    store_whole(load_whole(faults) + sum, faults);
  }
}

}  // namespace

cudaError_t find_device_code() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, &upload_kernel);
}

cudaError_t launch_upload(const Target &target, const void *host, int64_t bytes, void *device) {
  constexpr auto kWordBytes = static_cast<int64_t>(sizeof(uint32_t));
  const auto *from = static_cast<const unsigned char *>(host);
  auto *to = static_cast<uint32_t *>(device);
  for (int64_t left = bytes / kWordBytes; left > 0;) {
    const int64_t count = std::min(left, kSliceWords);
    Slice slice{};
    std::memcpy(slice.word, from, static_cast<size_t>(count * kWordBytes));
    const Shape one_block{{1, 1, 1}, static_cast<uint32_t>(std::min<int64_t>(count, kBlockThreads))};
    const cudaError_t error = launch(target, false, one_block, &upload_kernel, slice, static_cast<uint32_t>(count), to);
    if (error != cudaSuccess) {
      return error;
    }
    left -= count;
    from += count * kWordBytes;
    to += count;
  }
  return cudaSuccess;
}

cudaError_t launch_clamp_lengths(const Target &target, const int64_t *lengths, const int32_t *lengths32, int64_t N,
                                 int64_t T, int32_t *clamped, uint32_t *faults) {
  if (N == 0) {
    return cudaSuccess;
  }
  const Shape one_block{{1, 1, 1}, static_cast<uint32_t>(std::min<int64_t>(N, kBlockThreads))};
  return launch(target, false, one_block, &clamp_lengths_kernel, lengths, lengths32, N, T, clamped, faults);
}

}  // namespace rondo::kernels::cuda
