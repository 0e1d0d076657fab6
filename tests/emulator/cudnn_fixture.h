// A network on the cuDNN stand-in for its tests: descriptors, memory and the calls, set up rightly, so that each test
// spoils one thing. Arrays are device memory.
#pragma once

#include <cudnn.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control.h"
#include "reference/oracle.h"
#include "support/catch.h"
#include "support/element.h"

namespace rondo_test {

struct DeviceArray {
  explicit DeviceArray(size_t size) : bytes(size) { REQUIRE(cudaMalloc(&memory, size + 1) == cudaSuccess); }
  ~DeviceArray() { cudaFree(memory); }
  DeviceArray(const DeviceArray &) = delete;
  DeviceArray &operator=(const DeviceArray &) = delete;

  void *memory = nullptr;
  size_t bytes;
};

struct NetworkSettings {
  cudnnRNNAlgo_t algo = CUDNN_RNN_ALGO_STANDARD;
  cudnnRNNMode_t cell = CUDNN_LSTM;
  cudnnRNNBiasMode_t bias = CUDNN_RNN_DOUBLE_BIAS;
  cudnnDirectionMode_t direction = CUDNN_BIDIRECTIONAL;
  cudnnRNNInputMode_t input = CUDNN_LINEAR_INPUT;
  cudnnDataType_t type = CUDNN_DATA_DOUBLE;
  cudnnDataType_t precision = CUDNN_DATA_DOUBLE;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
  int I = 3, H = 4, O = 4, L = 2;
  uint32_t flags = CUDNN_RNN_PADDED_IO_ENABLED;
  cudnnRNNDataLayout_t layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
  int T = 3;
  std::vector<int> lengths = {3, 3};
  bool fill = true;  // give a padding fill of 7

  int D() const { return direction == CUDNN_BIDIRECTIONAL ? 2 : 1; }
  int N() const { return static_cast<int>(lengths.size()); }
};

class CudnnNetwork {
 public:
  using Doubles = std::vector<double>;

  CudnnNetwork();
  ~CudnnNetwork();
  CudnnNetwork(const CudnnNetwork &) = delete;
  CudnnNetwork &operator=(const CudnnNetwork &) = delete;

  // The calls that set descriptors, the first that fails ends it.
  cudnnStatus_t set(const NetworkSettings &settings);
  // Sizes asked, memory taken and filled with the oracle's values; weights through cudnnGetRNNWeightParams.
  void allocate();
  // allocate() with everything right.
  void make(const NetworkSettings &settings);

  cudnnStatus_t forward(cudnnForwardMode_t mode = CUDNN_FWD_MODE_TRAINING);
  cudnnStatus_t backward_data();
  cudnnStatus_t backward_weights(cudnnWgradMode_t mode = CUDNN_WGRAD_MODE_ADD);

  // What the oracle says.
  rondo::test::Results expected() const;
  rondo::test::Problem problem() const;
  // An array as doubles, after its work is done.
  Doubles read(const std::string &name);
  void write(const std::string &name, const Doubles &values);
  // A weight space as the oracle's parameters.
  std::vector<Doubles> read_params(const std::string &name);
  void *at(const std::string &name) { return pointers.at(name); }

  cudnnHandle_t handle = nullptr;
  cudnnRNNDescriptor_t rnn = nullptr;
  cudnnRNNDataDescriptor_t x = nullptr, y = nullptr;
  cudnnTensorDescriptor_t h = nullptr, c = nullptr;
  NetworkSettings settings;
  rondo::test::Values values;
  size_t weight_bytes = 0, workspace_bytes = 0, reserve_bytes = 0;
  const int32_t *device_lengths = nullptr;
  // What the calls hand over, by cuDNN's names; a test may change them.
  std::map<std::string, void *> pointers;

 private:
  struct Gate {
    size_t param, from, count;
    char *address;
  };

  void take(const std::string &name, size_t bytes);
  std::vector<Gate> gates(const std::string &space);
  void set_state(cudnnTensorDescriptor_t descriptor, int width);
  size_t element() const;
  rondo::test::Dtype type() const;

  std::vector<std::unique_ptr<DeviceArray>> arrays_;
  std::map<std::string, size_t> sizes_;
};

// What cuDNN said of the last failure.
std::string cudnn_words();
// The fault that a synchronisation brings, forgotten afterwards.
std::string fault_of_work();

}  // namespace rondo_test
