// Stand-ins for the runtime's calls about device memory. A copy's pointers are checked when it is asked for, its bytes
// move when it runs.
#include <cstring>

#include "runtime.h"

using rondo_emulator::Allocation;
using rondo_emulator::call;
using rondo_emulator::give;
using rondo_emulator::mine;
using rondo_emulator::Operation;
using rondo_emulator::State;
using rondo_emulator::Stream;
using rondo_emulator::stream_call;

namespace {

// Whether an end of a copy is what its direction says.
bool fits(const State &all, const void *pointer, size_t count, bool device) {
  return device ? all.memory.holds(pointer, count, -1) : all.memory.find(pointer) == nullptr && pointer != nullptr;
}

cudaError_t check_copy(const State &all, const void *to, const void *from, size_t count, cudaMemcpyKind kind) {
  bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyDefault) {
    to_device = all.memory.find(to) != nullptr;
    from_device = all.memory.find(from) != nullptr;
  } else if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) {
    return cudaErrorInvalidMemcpyDirection;
  }
  return fits(all, to, count, to_device) && fits(all, from, count, from_device) ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t submit_copy(State &all, const std::shared_ptr<Stream> &stream, void *to, const void *from, size_t count,
                        cudaMemcpyKind kind) {
  if (count == 0) {
    return cudaSuccess;
  }
  if (const cudaError_t error = check_copy(all, to, from, count, kind); error != cudaSuccess) {
    return error;
  }
  return all.streams.submit(stream, Operation{[=] { std::memmove(to, from, count); }, "copy", {}, true});
}

cudaError_t submit_set(State &all, const std::shared_ptr<Stream> &stream, void *to, int value, size_t count) {
  if (count == 0) {
    return cudaSuccess;
  }
  if (!fits(all, to, count, true)) {
    return cudaErrorInvalidValue;
  }
  return all.streams.submit(stream, Operation{[=] { std::memset(to, value, count); }, "set", {}, true});
}

// In the default stream, and waited for.
template <class Submit>
cudaError_t at_once(Submit &&submit) {
  return stream_call(nullptr, [&](State &all, const std::shared_ptr<Stream> &stream) {
    cudaError_t error = all.streams.allow_unsafe(mine().mode);
    if (error == cudaSuccess) {
      error = submit(all, stream);
    }
    if (error == cudaSuccess) {
      all.streams.run_up_to(*stream, stream->issued);
    }
    return error;
  });
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void **pointer, size_t size) {
  return call([&](State &all) {
    if (const cudaError_t error = all.streams.allow_unsafe(mine().mode); error != cudaSuccess) {
      return error;
    }
    if (pointer == nullptr || size == 0) {
      return give(pointer, static_cast<void *>(nullptr));
    }
    void *taken = all.memory.take(size, mine().device, all.settings.memory);
    return taken != nullptr ? give(pointer, taken) : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaFree(void *pointer) {
  return rondo_emulator::give_back_call([&](State &all) {
    if (const cudaError_t error = all.streams.allow_unsafe(mine().mode); error != cudaSuccess) {
      return error;
    }
    if (pointer == nullptr) {
      return cudaSuccess;
    }
    const Allocation *allocation = all.memory.find(pointer);
    if (allocation == nullptr) {
      return cudaErrorInvalidValue;
    }
    all.streams.run_device(allocation->device);
    return all.memory.give_back(pointer) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  return call([&](State &all) {
    const cudaError_t error = give(free, all.settings.memory - all.memory.used(mine().device));
    return error == cudaSuccess ? give(total, all.settings.memory) : error;
  });
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t count, cudaMemcpyKind kind, cudaStream_t handle) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    return submit_copy(all, stream, to, from, count, kind);
  });
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t count, cudaMemcpyKind kind) {
  return at_once([&](State &all, const std::shared_ptr<Stream> &stream) {
    return submit_copy(all, stream, to, from, count, kind);
  });
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t count, cudaStream_t handle) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    return submit_set(all, stream, to, value, count);
  });
}

// Asynchronous for device memory, as the real one.
cudaError_t cudaMemset(void *to, int value, size_t count) { return cudaMemsetAsync(to, value, count, nullptr); }

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *pointer) {
  return call([&](State &all) {
    const Allocation *allocation = all.memory.find(pointer);
    void *plain = const_cast<void *>(pointer);
    return give(attributes, allocation == nullptr
                                ? cudaPointerAttributes{cudaMemoryTypeUnregistered, -2, nullptr, plain}
                                : cudaPointerAttributes{cudaMemoryTypeDevice, allocation->device, plain, nullptr});
  });
}

}  // extern "C"
