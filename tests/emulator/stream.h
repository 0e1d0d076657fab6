// What a stand-in of a library on top of the runtime (cuBLAS, cuDNN) needs: putting work into a stream, device memory,
// and faults. Work runs later, at a synchronisation, and again at every replay of a graph that captured it.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <functional>
#include <string>

namespace rondo_emulator {

// `label` names the kind of work to set_cost(); a literal. The runtime's error is what the library's call should
// become.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work, const char *label = "work");

// Inside work: units that it takes besides the one of every operation.
void add_cost(double units);

// Whether [pointer, pointer + bytes) lies in one allocation of the device.
bool is_device_memory(const void *pointer, size_t bytes, int device);
// -1 for a handle that is no stream; NULL is the current device's default stream.
int device_of(cudaStream_t stream);

// Ends everything like a sticky error: later runtime calls return cudaErrorLaunchFailure, whose text has this one.
void report_fault(const std::string &text);

}  // namespace rondo_emulator
