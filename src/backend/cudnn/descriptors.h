// cuDNN's handles and descriptors, owned, and its failures as Status.
// A descriptor is host memory only: making one neither needs a device nor waits for it.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/spec.h"

namespace rondo::cudnn {

// call: the call's source text, of which the name is told.
Status cudnn_failure(const char *call, cudnnStatus_t status);
// cuDNN's words for a status, with the detail of its last error where it has one.
std::string cudnn_words(cudnnStatus_t status);

// Whether static objects are being destroyed: a context that outlives main may find CUDA's own gone, and what the
// process still holds ends with it. Needs watch_for_end() beforehand.
bool process_is_ending();
void watch_for_end();

template <class Handle, cudnnStatus_t (*kCreate)(Handle *), cudnnStatus_t (*kDestroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  ~Owned() { reset(); }
  Owned(const Owned &) = delete;
  Owned &operator=(const Owned &) = delete;
  Owned(Owned &&other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Owned &operator=(Owned &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }

  cudnnStatus_t create() {
    reset();
    watch_for_end();
    return kCreate(&handle_);
  }
  Handle get() const { return handle_; }

 private:
  void reset() {
    if (handle_ != nullptr && !process_is_ending()) {
      // A failure to destroy has nobody to be told to.
      static_cast<void>(kDestroy(handle_));
    }
    handle_ = nullptr;
  }

  Handle handle_ = nullptr;
};

using Library = Owned<cudnnHandle_t, cudnnCreate, cudnnDestroy>;
using RnnDescriptor = Owned<cudnnRNNDescriptor_t, cudnnCreateRNNDescriptor, cudnnDestroyRNNDescriptor>;
using DataDescriptor = Owned<cudnnRNNDataDescriptor_t, cudnnCreateRNNDataDescriptor, cudnnDestroyRNNDataDescriptor>;
using TensorDescriptor = Owned<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;

cudnnDataType_t data_type(rondo_dtype_t dtype);

// The sequences of one cuDNN call: T steps of N rows.
struct Sequences {
  cudnnRNNDataLayout_t layout;
  int64_t T, N;
  std::vector<int> lengths;  // [N]
};
// Steps with vectors of `width`; no padding is written, since what is not packed has none.
Status describe_data(const Sequences &sequences, cudnnDataType_t type, int64_t width, DataDescriptor *descriptor);
// A state [layers and directions, N, width], contiguous.
Status describe_state(cudnnDataType_t type, int64_t count, int64_t N, int64_t width, TensorDescriptor *descriptor);

}  // namespace rondo::cudnn

#define RONDO_CUDNN(call)                                                      \
  do {                                                                         \
    if (const cudnnStatus_t error_ = (call); error_ != CUDNN_STATUS_SUCCESS) { \
      return ::rondo::cudnn::cudnn_failure(#call, error_);                     \
    }                                                                          \
  } while (false)
