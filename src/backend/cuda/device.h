// The CUDA devices of this process: whether there are any, and what the back ends need to know of the current one.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "backend/backend.h"

namespace rondo::cuda {

struct Device {
  int index;
  int major, minor;  // compute capability
  int multiprocessors;
  int driver, runtime;     // versions, as 13000
  bool reads_host_memory;  // pageable host memory is valid on the device, so a host pointer is no error
  int64_t shared_bytes;    // shared memory of one block at most
  bool clusters;           // blocks can be launched in clusters
  bool grids;              // all blocks of a launch can be made to run at once
  std::string name;

  // What a back end says of its own kernels as they are loaded here, where the driver may have compiled them from PTX
  // of an older architecture: that one, as 90, and whether they wait for the kernel before them.
  int code = 0;
  bool overlaps = false;

  int capability() const { return major * 10 + minor; }
};

// Why no device can be used, empty where one can; found once: no driver, an old one, no device.
const std::string &device_fault();
// What there is, as "NVIDIA H200 (sm_90), driver 13.0"; static. Only where device_fault() is empty.
const std::string &devices_text();
// 90 as "9.0".
std::string capability_text(int capability);
// The thread's current device.
Status current_device(Device *device);
// Why our own kernels cannot run on the current device, empty where they can: it is older than what they are compiled
// for.
std::string unsupported_device();
// Whether the thread's stream capture forbids what a plan may want to do.
Status is_capturing(cudaStream_t stream, bool *capturing);
// Fails with the text while a stream is capturing that the default stream waits for: what allocates device memory or
// waits would break the capture.
Status refuse_capture(const char *text);

// While it lives, the thread allocates and waits without breaking a capture: the one on a non-blocking stream, that
// is, of which is_capturing() knows nothing unless it is told the stream.
class BesideCapture {
 public:
  BesideCapture();
  ~BesideCapture();
  BesideCapture(const BesideCapture &) = delete;
  BesideCapture &operator=(const BesideCapture &) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

// rondo.h's device memory and streams.
const DeviceCalls &device_calls();

}  // namespace rondo::cuda
