// rondo.h's device memory, copies and streams over the CUDA runtime. What they write over loses its tags.
#include <cinttypes>

#include "backend/cuda/device.h"
#include "backend/cuda/error.h"
#include "backend/cuda/tag_table.h"
#include "core/pointers.h"

namespace rondo::cuda {
namespace {

Status no_room(int64_t bytes) {
  static_cast<void>(cudaGetLastError());
  size_t free = 0;
  size_t total = 0;
  RONDO_CUDA(cudaMemGetInfo(&free, &total));
  return fail(RONDO_ERROR_OUT_OF_MEMORY,
              "bytes is %" PRId64 ", but the device has no room for them: %zu of its %zu bytes are free", bytes, free,
              total);
}

class CudaDeviceCalls final : public DeviceCalls {
 public:
  Status alloc(int64_t bytes, void **memory) const override {
    RONDO_TRY(check_present("memory", static_cast<const void *>(memory)));
    RONDO_TRY(check_bytes(bytes));
    void *block = nullptr;
    // The runtime gives NULL for 0 bytes, which says absent elsewhere.
    const cudaError_t error = cudaMalloc(&block, bytes == 0 ? 1 : static_cast<size_t>(bytes));
    if (error == cudaErrorMemoryAllocation) {
      return no_room(bytes);
    }
    if (error != cudaSuccess) {
      return cuda_failure("cudaMalloc", error);
    }
    *memory = block;
    return {};
  }

  Status free(void *memory) const override {
    if (memory == nullptr) {
      return {};
    }
    RONDO_CUDA(cudaFree(memory));
    forget_tags(memory, 1);
    return {};
  }

  Status memory(int64_t *free_bytes, int64_t *total_bytes) const override {
    RONDO_TRY(check_present("free_bytes", free_bytes));
    RONDO_TRY(check_present("total_bytes", total_bytes));
    size_t free = 0;
    size_t total = 0;
    RONDO_CUDA(cudaMemGetInfo(&free, &total));
    *free_bytes = static_cast<int64_t>(free);
    *total_bytes = static_cast<int64_t>(total);
    return {};
  }

  Status copy(void *to, const void *from, int64_t bytes, void *stream) const override {
    RONDO_TRY(check_bytes(bytes));
    if (bytes == 0) {
      return {};
    }
    RONDO_TRY(check_present("to", to));
    RONDO_TRY(check_present("from", from));
    RONDO_CUDA(
        cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, static_cast<cudaStream_t>(stream)));
    forget_tags(to, bytes);
    return {};
  }

  Status stream_create(void **stream) const override {
    RONDO_TRY(check_present("stream", static_cast<const void *>(stream)));
    cudaStream_t made = nullptr;
    RONDO_CUDA(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking));
    *stream = made;
    return {};
  }

  Status stream_synchronize(void *stream) const override {
    RONDO_CUDA(cudaStreamSynchronize(static_cast<cudaStream_t>(stream)));
    return {};
  }

  Status stream_destroy(void *stream) const override {
    if (stream != nullptr) {
      RONDO_CUDA(cudaStreamDestroy(static_cast<cudaStream_t>(stream)));
    }
    return {};
  }
};

}  // namespace

const DeviceCalls &device_calls() {
  static const CudaDeviceCalls calls;
  return calls;
}

}  // namespace rondo::cuda
