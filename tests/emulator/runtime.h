// What the runtime's entry points share: the machine's state behind one lock, the thread's own state, and the frame of
// every call. The lock is held while operations run, so device code of two threads never runs at once.
#pragma once

#include <cuda_runtime.h>

#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "control.h"
#include "device_limits.h"
#include "device_memory.h"
#include "fault.h"
#include "streams.h"

namespace rondo_emulator {

// What was set of a kernel on a device.
struct KernelSettings {
  int dynamic_shared = kPlainShared;  // bytes that a launch may ask for
  bool any_cluster = false;           // larger clusters than every device of its kind has
};

struct State {
  std::recursive_mutex mutex;
  Settings settings;
  DeviceMemory memory;
  Streams streams;
  std::set<cudaEvent_t> events;
  std::set<cudaGraph_t> graphs;
  std::set<cudaGraphExec_t> execs;
  int64_t handles = 0;                                             // of cuBLAS
  std::map<std::pair<int, const void *>, KernelSettings> kernels;  // by device and function

  State();
  // Whether there is a driver and a device.
  cudaError_t machine() const;
  bool has_device(int device) const { return device >= 0 && device < settings.devices; }
};

// Never destroyed: modules may call while the process ends.
State &state();

struct ThreadState {
  int device = 0;
  cudaError_t last_error = cudaSuccess;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
};
ThreadState &mine();

inline cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess) {
    mine().last_error = error;
  }
  return error;
}

// Runs body(state) under the lock where there is a machine and nothing failed for good; a fault that it meets is its
// result.
template <class Body>
cudaError_t call(Body &&body) {
  State &all = state();
  const std::lock_guard<std::recursive_mutex> lock(all.mutex);
  cudaError_t error = all.machine();
  if (error == cudaSuccess && !faulty()) {
    error = body(all);
  }
  return remember(faulty() ? cudaErrorLaunchFailure : error);
}

// The same for what gives something back: it does so after a fault too.
template <class Body>
cudaError_t give_back_call(Body &&body) {
  State &all = state();
  const std::lock_guard<std::recursive_mutex> lock(all.mutex);
  cudaError_t error = all.machine();
  if (error == cudaSuccess) {
    error = body(all);
  }
  return remember(faulty() ? cudaErrorLaunchFailure : error);
}

// With the stream found.
template <class Body>
cudaError_t stream_call(cudaStream_t handle, Body &&body) {
  return call([&](State &all) {
    const std::shared_ptr<Stream> stream = all.streams.find(handle, mine().device);
    return stream == nullptr ? cudaErrorInvalidResourceHandle : body(all, stream);
  });
}

template <class T>
cudaError_t give(T *to, T value) {
  if (to == nullptr) {
    return cudaErrorInvalidValue;
  }
  *to = value;
  return cudaSuccess;
}

}  // namespace rondo_emulator
