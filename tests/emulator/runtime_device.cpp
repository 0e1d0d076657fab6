// Stand-ins for the runtime's calls about errors, devices and versions.
#include <cstdio>
#include <cstring>

#include "device_limits.h"
#include "runtime.h"

using rondo_emulator::call;
using rondo_emulator::give;
using rondo_emulator::limits_of;
using rondo_emulator::mine;
using rondo_emulator::State;

namespace {

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};

#define RONDO_ERROR(name, text) \
  { name, #name, text }
constexpr ErrorText kErrors[] = {
    RONDO_ERROR(cudaSuccess, "no error"),
    RONDO_ERROR(cudaErrorInvalidValue, "invalid argument"),
    RONDO_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    RONDO_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    RONDO_ERROR(cudaErrorInvalidDevicePointer, "invalid device pointer"),
    RONDO_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    RONDO_ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    RONDO_ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    RONDO_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    RONDO_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    RONDO_ERROR(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    RONDO_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    RONDO_ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    RONDO_ERROR(cudaErrorNotReady, "device not ready"),
    RONDO_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    RONDO_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    RONDO_ERROR(cudaErrorCooperativeLaunchTooLarge, "too many blocks in cooperative launch"),
    RONDO_ERROR(cudaErrorNotSupported, "operation not supported"),
    RONDO_ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    RONDO_ERROR(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"),
    RONDO_ERROR(cudaErrorStreamCaptureUnmatched, "capture was not initiated in this stream"),
    RONDO_ERROR(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream"),
    RONDO_ERROR(cudaErrorStreamCaptureImplicit, "operation would make the legacy stream depend on a capturing one"),
    RONDO_ERROR(cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream"),
    RONDO_ERROR(cudaErrorStreamCaptureWrongThread, "attempt to terminate a thread-local capture from another thread"),
    RONDO_ERROR(cudaErrorInvalidClusterSize, "cluster misconfiguration"),
    RONDO_ERROR(cudaErrorUnknown, "unknown error"),
};
#undef RONDO_ERROR

const ErrorText &find_error(cudaError_t error) {
  for (const ErrorText &entry : kErrors) {
    if (entry.error == error) {
      return entry;
    }
  }
  return find_error(cudaErrorUnknown);
}

}  // namespace

extern "C" {

const char *cudaGetErrorName(cudaError_t error) { return find_error(error).name; }

const char *cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorLaunchFailure && rondo_emulator::faulty() ? rondo_emulator::fault_text()
                                                                     : find_error(error).text;
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = std::exchange(mine().last_error, cudaSuccess);
  return rondo_emulator::faulty() ? cudaErrorLaunchFailure : error;
}

cudaError_t cudaPeekAtLastError() { return rondo_emulator::faulty() ? cudaErrorLaunchFailure : mine().last_error; }

cudaError_t cudaGetDeviceCount(int *count) {
  if (count != nullptr) {
    *count = 0;
  }
  return call([&](State &all) { return give(count, all.settings.devices); });
}

cudaError_t cudaGetDevice(int *device) {
  return call([&](State &) { return give(device, mine().device); });
}

cudaError_t cudaSetDevice(int device) {
  return call([&](State &all) {
    if (!all.has_device(device)) {
      return cudaErrorInvalidDevice;
    }
    mine().device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device) {
  return call([&](State &all) {
    if (!all.has_device(device)) {
      return cudaErrorInvalidDevice;
    }
    const rondo_emulator::Limits limits = limits_of(all.settings.capability);
    switch (attribute) {
      case cudaDevAttrMaxThreadsPerBlock:
        return give(value, rondo_emulator::kMostThreads);
      case cudaDevAttrMaxSharedMemoryPerBlock:
        return give(value, rondo_emulator::kPlainShared);
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        return give(value, limits.shared_of_block);
      case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        return give(value, limits.shared_of_multiprocessor);
      case cudaDevAttrReservedSharedMemoryPerBlock:
        return give(value, rondo_emulator::kReservedShared);
      case cudaDevAttrCooperativeLaunch:
        return give(value, 1);
      case cudaDevAttrClusterLaunch:
        return give(value, limits.largest_cluster > 1 ? 1 : 0);
      case cudaDevAttrWarpSize:
        return give(value, 32);
      case cudaDevAttrMultiProcessorCount:
        return give(value, all.settings.multiprocessors);
      case cudaDevAttrComputeCapabilityMajor:
        return give(value, all.settings.capability / 10);
      case cudaDevAttrComputeCapabilityMinor:
        return give(value, all.settings.capability % 10);
      case cudaDevAttrPageableMemoryAccess:
        return give(value, 0);
    }
    return cudaErrorInvalidValue;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
  return call([&](State &all) {
    if (!all.has_device(device)) {
      return cudaErrorInvalidDevice;
    }
    cudaDeviceProp all_properties{};
    std::snprintf(all_properties.name, sizeof all_properties.name, "Emulated GPU");
    all_properties.totalGlobalMem = all.settings.memory;
    all_properties.sharedMemPerBlock = rondo_emulator::kPlainShared;
    all_properties.warpSize = 32;
    all_properties.maxThreadsPerBlock = rondo_emulator::kMostThreads;
    all_properties.major = all.settings.capability / 10;
    all_properties.minor = all.settings.capability % 10;
    all_properties.multiProcessorCount = all.settings.multiprocessors;
    return give(properties, all_properties);
  });
}

// Kernels are as if compiled for the device that there is.
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *kernel) {
  return call([&](State &all) {
    if (kernel == nullptr) {
      return cudaErrorInvalidDeviceFunction;
    }
    return give(attributes, cudaFuncAttributes{all.settings.capability, all.settings.capability});
  });
}

cudaError_t cudaDeviceSynchronize() {
  return call([](State &all) {
    const cudaError_t error = all.streams.allow_unsafe(mine().mode);
    if (error == cudaSuccess) {
      all.streams.run_device(mine().device);
    }
    return error;
  });
}

// These answer without a device too.
cudaError_t cudaDriverGetVersion(int *version) {
  return rondo_emulator::remember(give(version, rondo_emulator::settings().driver));
}

cudaError_t cudaRuntimeGetVersion(int *version) { return rondo_emulator::remember(give(version, CUDART_VERSION)); }

}  // extern "C"
