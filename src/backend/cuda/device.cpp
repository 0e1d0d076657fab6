// What there is of devices and drivers, in words for people who may not know that they lack one. Facts of a device are
// read once: its name alone costs a millisecond.
#include "backend/cuda/device.h"

#include <map>
#include <mutex>

#include "backend/cuda/error.h"
#include "core/environment.h"
#include "kernels/cuda/rows.h"

// The oldest architecture that the kernels were compiled for; the build says.
#ifndef RONDO_CUDA_MIN_CAPABILITY
#define RONDO_CUDA_MIN_CAPABILITY 75
#endif

namespace rondo::cuda {
namespace {

// As CUDA counts: 13020 is 13.2.
std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}
// 0 where there is no driver, or it does not say.
int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}
int runtime_version() {
  int version = 0;
  return cudaRuntimeGetVersion(&version) == cudaSuccess ? version : 0;
}

std::string insufficient_driver() {
  const int driver = driver_version();
  if (driver == 0) {
    return "no NVIDIA driver is installed";
  }
  // A driver serves every runtime of its major version.
  return "the NVIDIA driver supports CUDA " + version_text(driver) + ", this module needs " +
         version_text(runtime_version() / 1000 * 1000) + " or newer";
}

std::string no_device() {
  std::string text = "no NVIDIA GPU is visible (driver " + version_text(driver_version()) + ")";
  if (const char *visible = environment("CUDA_VISIBLE_DEVICES")) {
    text += "; CUDA_VISIBLE_DEVICES is \"" + std::string(visible) + "\"";
  }
  return text;
}

std::string find_device_fault() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  static_cast<void>(cudaGetLastError());
  if (error == cudaErrorInsufficientDriver) {
    return insufficient_driver();
  }
  if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0)) {
    return no_device();
  }
  if (error != cudaSuccess) {
    return std::string("the NVIDIA driver does not start: ") + cudaGetErrorString(error) + " (" +
           cudaGetErrorName(error) + ")";
  }
  return "";
}

// What a driver does not know of is 0.
int attribute(cudaDeviceAttr which, int index) {
  int value = 0;
  if (cudaDeviceGetAttribute(&value, which, index) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return 0;
  }
  return value;
}

cudaError_t read_device(int index, Device *device) {
  cudaDeviceProp properties{};
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, index); error != cudaSuccess) {
    return error;
  }
  *device = {index,
             properties.major,
             properties.minor,
             properties.multiProcessorCount,
             driver_version(),
             runtime_version(),
             properties.pageableMemoryAccess != 0,
             attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, index),
             attribute(cudaDevAttrClusterLaunch, index) != 0,
             attribute(cudaDevAttrCooperativeLaunch, index) != 0,
             properties.name};
  return cudaSuccess;
}

// Faults leave no text behind: a refusal is no failure of the call that asks.
cudaError_t find_current_device(Device *device) {
  // Never destroyed: a plan may outlive the end of main.
  static auto &mutex = *new std::mutex;
  static auto &known = *new std::map<int, Device>;
  int index = 0;
  if (const cudaError_t error = cudaGetDevice(&index); error != cudaSuccess) {
    return error;
  }
  const std::lock_guard<std::mutex> lock(mutex);
  auto found = known.find(index);
  if (found == known.end()) {
    Device read{};
    if (const cudaError_t error = read_device(index, &read); error != cudaSuccess) {
      return error;
    }
    found = known.emplace(index, std::move(read)).first;
  }
  *device = found->second;
  return cudaSuccess;
}

std::string describe_devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    count = 0;
  }
  std::string text = count > 1 ? std::to_string(count) + " devices: " : "";
  for (int index = 0; index < count; ++index) {
    Device device{};
    if (read_device(index, &device) == cudaSuccess) {
      text += device.name + " (sm_" + std::to_string(device.capability()) + "), ";
    }
  }
  static_cast<void>(cudaGetLastError());
  return text + "driver " + version_text(driver_version());
}

}  // namespace

const std::string &device_fault() {
  static const std::string &fault = *new std::string(find_device_fault());
  return fault;
}

const std::string &devices_text() {
  static const std::string &text = *new std::string(describe_devices());
  return text;
}

std::string capability_text(int capability) {
  return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

Status current_device(Device *device) {
  const cudaError_t error = find_current_device(device);
  return error == cudaSuccess ? Status() : cuda_failure("cudaGetDevice", error);
}

std::string unsupported_device() {
  Device device{};
  if (const cudaError_t error = find_current_device(&device); error != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return std::string("the current GPU cannot be asked: ") + cudaGetErrorString(error);
  }
  const cudaError_t error = kernels::cuda::find_device_code();
  static_cast<void>(cudaGetLastError());
  const std::string device_text =
      "the current GPU, " + device.name + ", has compute capability " + capability_text(device.capability());
  if (device.capability() < RONDO_CUDA_MIN_CAPABILITY) {
    return device_text + "; this build's kernels need " + capability_text(RONDO_CUDA_MIN_CAPABILITY) + " or newer";
  }
  return error == cudaSuccess ? std::string()
                              : device_text + ", for which this build has no kernels: " + cudaGetErrorString(error);
}

Status is_capturing(cudaStream_t stream, bool *capturing) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  const cudaError_t error = cudaStreamIsCapturing(stream, &status);
  if (error == cudaErrorStreamCaptureImplicit) {
    // The default stream was asked about, and a stream that waits for it is capturing.
    static_cast<void>(cudaGetLastError());
    *capturing = true;
    return {};
  }
  if (error != cudaSuccess) {
    return cuda_failure("cudaStreamIsCapturing", error);
  }
  *capturing = status != cudaStreamCaptureStatusNone;
  return {};
}

// A mode that cannot be changed stays, and what a capture forbids then fails by itself.
BesideCapture::BesideCapture() { static_cast<void>(cudaThreadExchangeStreamCaptureMode(&mode_)); }
BesideCapture::~BesideCapture() { static_cast<void>(cudaThreadExchangeStreamCaptureMode(&mode_)); }

Status refuse_capture(const char *text) {
  bool capturing = false;
  RONDO_TRY(is_capturing(nullptr, &capturing));
  return capturing ? fail(RONDO_ERROR_STATE, "%s", text) : Status();
}

}  // namespace rondo::cuda
