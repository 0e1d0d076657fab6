// cuDNN's handle, version and error texts, and the count of its calls.
// RONDO_EMULATOR_CUDNN_VERSION is the version it claims to be (91900).
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

#include "cudnn_state.h"
#include "cudnn_use.h"
#include "stream.h"

namespace rondo_emulator {
namespace {

struct Use {
  std::mutex mutex;
  std::map<std::string, int64_t> calls;
};

// Never destroyed, for a module's last handles may go after it otherwise.
Use &use() {
  static auto *instance = new Use;
  return *instance;
}

// A library knows its handles: those that a program leaves at its end, as it may, are no leak of the stand-in's.
struct LiveHandles {
  std::mutex mutex;
  std::set<cudnnHandle_t> handles;
};
LiveHandles &live_handles() {
  static auto *instance = new LiveHandles;
  return *instance;
}

const int report_at_exit = std::atexit([] {
  const char *wanted = std::getenv("RONDO_EMULATOR_API_USE");
  if (wanted == nullptr || std::strcmp(wanted, "1") != 0) return;
  std::fprintf(stderr, "API use, cuDNN stand-in:");
  for (const auto &[name, count] : cudnn_calls()) {
    std::fprintf(stderr, " %s %lld", name.c_str(), static_cast<long long>(count));
  }
  std::fprintf(stderr, "\n");
});

thread_local std::string last_error;

}  // namespace

std::map<std::string, int64_t> cudnn_calls() {
  const std::lock_guard<std::mutex> lock(use().mutex);
  return use().calls;
}

namespace cudnn {

void count_call(const char *name) {
  const std::lock_guard<std::mutex> lock(use().mutex);
  ++use().calls[name];
}

cudnnStatus_t refuse(cudnnStatus_t status, std::string text) {
  last_error = std::move(text);
  return status;
}

cudnnStatus_t check_handle(cudnnHandle_t handle) {
  if (handle == nullptr) return refuse(CUDNN_STATUS_NOT_INITIALIZED, "handle is NULL, expected one of cudnnCreate");
  int device = -1;
  if (cudaGetDevice(&device) != cudaSuccess) return refuse(CUDNN_STATUS_NOT_INITIALIZED, "no current device");
  if (device != handle->device) {
    return refuse(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "the handle was made on device " +
                                                              std::to_string(handle->device) + ", current is device " +
                                                              std::to_string(device));
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace cudnn
}  // namespace rondo_emulator

using namespace rondo_emulator::cudnn;

extern "C" {

size_t cudnnGetVersion(void) {
  count_call(__func__);
  const char *claimed = std::getenv("RONDO_EMULATOR_CUDNN_VERSION");
  return claimed != nullptr ? std::strtoull(claimed, nullptr, 10) : CUDNN_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH:
      return "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH";
    case CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED:
      return "CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT:
      return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
    case CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH:
      return "CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH";
    case CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH:
      return "CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH:
      return "CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH";
    case CUDNN_STATUS_INTERNAL_ERROR:
      return "CUDNN_STATUS_INTERNAL_ERROR";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
  }
  return "CUDNN_STATUS_UNKNOWN";
}

// Telling the text also forgets it, as in cuDNN.
void cudnnGetLastErrorString(char *message, size_t max_size) {
  count_call(__func__);
  if (message == nullptr || max_size == 0) return;
  std::snprintf(message, max_size, "%s", rondo_emulator::last_error.c_str());
  rondo_emulator::last_error.clear();
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
  count_call(__func__);
  if (handle == nullptr) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "cudnnCreate: handle is NULL");
  int device = -1;
  if (cudaGetDevice(&device) != cudaSuccess) {
    return refuse(CUDNN_STATUS_NOT_INITIALIZED, "cudnnCreate: there is no device");
  }
  *handle = new cudnnContext;
  (*handle)->device = device;
  const std::lock_guard<std::mutex> lock(rondo_emulator::live_handles().mutex);
  rondo_emulator::live_handles().handles.insert(*handle);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  count_call(__func__);
  {
    const std::lock_guard<std::mutex> lock(rondo_emulator::live_handles().mutex);
    rondo_emulator::live_handles().handles.erase(handle);
  }
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t streamId) {
  count_call(__func__);
  STAND_IN_TRY(check_handle(handle));
  if (const int device = rondo_emulator::device_of(streamId); device != handle->device) {
    return refuse(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "cudnnSetStream: the stream is of device " +
                                                              std::to_string(device) + ", the handle of device " +
                                                              std::to_string(handle->device));
  }
  handle->stream = streamId;
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
