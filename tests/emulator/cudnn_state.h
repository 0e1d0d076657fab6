// What the cuDNN stand-in keeps behind cuDNN's opaque handles, and how its calls fail.
// The structures are cuDNN's own incomplete types, so they live outside the namespace.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "reference/problem.h"
#include "support/element.h"

struct cudnnContext {
  int device = 0;
  cudaStream_t stream = nullptr;
};

struct cudnnTensorStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<int> dims, strides;  // empty: not set, or a weight that does not exist
};

struct cudnnRNNStruct {
  bool set = false;
  cudnnRNNAlgo_t algo;
  cudnnRNNMode_t cell;
  cudnnRNNBiasMode_t bias;
  cudnnDirectionMode_t direction;
  cudnnDataType_t type;
  cudnnDataType_t math_precision;
  cudnnMathType_t math;
  int32_t I, H, O, L;
  uint32_t flags;
  int built_for = 0;  // batch of cudnnBuildRNNDynamic

  int32_t D() const { return direction == CUDNN_BIDIRECTIONAL ? 2 : 1; }
  int32_t G() const { return cell == CUDNN_LSTM ? 4 : cell == CUDNN_GRU ? 3 : 1; }
  bool projects() const { return O != H; }
  bool persistent() const { return algo != CUDNN_RNN_ALGO_STANDARD; }
};

struct cudnnRNNDataStruct {
  bool set = false;
  cudnnDataType_t type;
  cudnnRNNDataLayout_t layout;
  int T, N, vector;
  std::vector<int> lengths;                 // [N]
  std::vector<unsigned char> padding_fill;  // one element, empty: padding is left undefined

  // Vectors in memory.
  size_t positions() const {
    return packed() ? std::accumulate(lengths.begin(), lengths.end(), size_t{0})
                    : static_cast<size_t>(T) * static_cast<size_t>(N);
  }
  bool packed() const { return layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED; }
};

namespace rondo_emulator::cudnn {

namespace test = rondo::test;

// Sets what cudnnGetLastErrorString tells this thread.
[[nodiscard]] cudnnStatus_t refuse(cudnnStatus_t status, std::string text);

// The stand-in's element type, for the four types that cuDNN's RNNs know.
bool known_type(cudnnDataType_t type);
test::Dtype dtype_of(cudnnDataType_t type);
inline size_t size_of(cudnnDataType_t type) { return test::size_of(dtype_of(type)); }

// What a descriptor asks the oracle, without the sequences.
test::Problem network(const cudnnRNNStruct &rnn);

// A number that differs where descriptors differ.
uint64_t fingerprint(const cudnnRNNStruct &rnn);
uint64_t mix(uint64_t hash, uint64_t value);

// The handle belongs to the device that was current when it was made.
cudnnStatus_t check_handle(cudnnHandle_t handle);
cudnnStatus_t check_set(cudnnRNNDescriptor_t rnn);
// Sequences of vectors of this width that the network can take.
cudnnStatus_t check_data(const cudnnRNNStruct &rnn, cudnnRNNDataDescriptor_t data, int width, const char *name);

}  // namespace rondo_emulator::cudnn

#define STAND_IN_TRY(call)                                                       \
  do {                                                                           \
    if (const cudnnStatus_t status_ = (call); status_ != CUDNN_STATUS_SUCCESS) { \
      return status_;                                                            \
    }                                                                            \
  } while (false)
