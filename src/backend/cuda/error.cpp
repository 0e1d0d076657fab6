// The texts of CUDA failures. Memory is its own status, because a caller may answer it with a smaller problem.
#include "backend/cuda/error.h"

#include <string_view>

namespace rondo::cuda {
namespace {

// "kernels::cuda::launch_upload(target, ...)" is launch_upload to a reader.
std::string_view function_of(std::string_view call) {
  call = call.substr(0, call.find('('));
  const size_t colon = call.rfind(':');
  return colon == std::string_view::npos ? call : call.substr(colon + 1);
}

}  // namespace

Status cuda_failure(const char *call, cudaError_t error) {
  static_cast<void>(cudaGetLastError());
  const std::string_view function = function_of(call);
  return fail(error == cudaErrorMemoryAllocation ? RONDO_ERROR_OUT_OF_MEMORY : RONDO_ERROR_DEVICE,
              "%.*s failed: %s (%s)", static_cast<int>(function.size()), function.data(), cudaGetErrorString(error),
              cudaGetErrorName(error));
}

}  // namespace rondo::cuda
