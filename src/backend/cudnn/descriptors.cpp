// How cuDNN's failures read, and descriptors filled in. cuDNN counts in int: plans refuse larger sizes beforehand.
#include "backend/cudnn/descriptors.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

namespace rondo::cudnn {
namespace {

// The thousands of a status are its category; 3000 is "not supported" in all its variants.
bool is_not_supported(cudnnStatus_t status) {
  return static_cast<int>(status) / 1000 == static_cast<int>(CUDNN_STATUS_NOT_SUPPORTED) / 1000;
}

std::atomic<bool> is_ending{false};

}  // namespace

bool process_is_ending() { return is_ending; }

// Handlers run before the destructors of what was there when they were registered.
void watch_for_end() {
  static const int registered = std::atexit([] { is_ending = true; });
  static_cast<void>(registered);
}

std::string cudnn_words(cudnnStatus_t status) {
  std::array<char, 512> detail{};
  cudnnGetLastErrorString(detail.data(), detail.size());
  detail.back() = '\0';
  std::string words = cudnnGetErrorString(status);
  if (detail.front() != '\0') {
    words += std::string(", ") + detail.data();
  }
  return words;
}

Status cudnn_failure(const char *call, cudnnStatus_t status) {
  const auto name_length = static_cast<int>(std::strcspn(call, "("));
  const rondo_status_t code = is_not_supported(status) ? RONDO_ERROR_UNSUPPORTED : RONDO_ERROR_DEVICE;
  return fail(code, "%.*s answers %s", name_length, call, cudnn_words(status).c_str());
}

cudnnDataType_t data_type(rondo_dtype_t dtype) {
  switch (dtype) {
    case RONDO_F64:
      return CUDNN_DATA_DOUBLE;
    case RONDO_F16:
      return CUDNN_DATA_HALF;
    case RONDO_BF16:
      return CUDNN_DATA_BFLOAT16;
    default:
      return CUDNN_DATA_FLOAT;
  }
}

Status describe_data(const Sequences &sequences, cudnnDataType_t type, int64_t width, DataDescriptor *descriptor) {
  RONDO_CUDNN(descriptor->create());
  RONDO_CUDNN(cudnnSetRNNDataDescriptor(descriptor->get(), type, sequences.layout, static_cast<int>(sequences.T),
                                        static_cast<int>(sequences.N), static_cast<int>(width),
                                        sequences.lengths.data(), nullptr));
  return {};
}

Status describe_state(cudnnDataType_t type, int64_t count, int64_t N, int64_t width, TensorDescriptor *descriptor) {
  const std::array<int, 3> sizes{static_cast<int>(count), static_cast<int>(N), static_cast<int>(width)};
  const std::array<int, 3> strides{sizes[1] * sizes[2], sizes[2], 1};
  RONDO_CUDNN(descriptor->create());
  RONDO_CUDNN(cudnnSetTensorNdDescriptor(descriptor->get(), type, 3, sizes.data(), strides.data()));
  return {};
}

}  // namespace rondo::cudnn
