// One shape on cuDNN itself, through its v8/v9 RNN calls, with one algorithm: the opponent at its best.
// It shares nothing with rondo's cuDNN back end, so that a mistake there cannot slow the opponent down as well.
#pragma once

#include <cudnn.h>

#include <string>
#include <vector>

#include "gpu/peer.h"

namespace rondo::bench {

using rondo::gpu::Shape;

struct Algorithm {
  const char *name;
  cudnnRNNAlgo_t id;
};
inline constexpr Algorithm algorithms[] = {{"STANDARD", CUDNN_RNN_ALGO_STANDARD},
                                           {"PERSIST_STATIC", CUDNN_RNN_ALGO_PERSIST_STATIC},
                                           {"PERSIST_DYNAMIC", CUDNN_RNN_ALGO_PERSIST_DYNAMIC},
                                           {"PERSIST_STATIC_SMALL_H", CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H}};

// Throws with the call and cuDNN's own words.
void need(cudnnStatus_t status, const char *call);
void need(cudaError_t error, const char *call);

template <class Type, cudnnStatus_t (*create)(Type *), cudnnStatus_t (*destroy)(Type)>
class Descriptor {
 public:
  Descriptor() { need(create(&value_), "creating a descriptor"); }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor() { destroy(value_); }
  Type get() const { return value_; }

 private:
  Type value_ = nullptr;
};
using RnnDescriptor = Descriptor<cudnnRNNDescriptor_t, cudnnCreateRNNDescriptor, cudnnDestroyRNNDescriptor>;
using DataDescriptor =
    Descriptor<cudnnRNNDataDescriptor_t, cudnnCreateRNNDataDescriptor, cudnnDestroyRNNDataDescriptor>;
using TensorDescriptor = Descriptor<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;

class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(size_t bytes);
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;
  ~DeviceMemory();
  void reset(size_t bytes);
  void *get() const { return memory_; }
  size_t size() const { return size_; }

 private:
  void *memory_ = nullptr;
  size_t size_ = 0;
};

// One handle and stream for the program.
struct Library {
  cudnnHandle_t handle = nullptr;
  cudaStream_t stream = nullptr;
  Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;
  ~Library();
};

class CudnnRnn : public rondo::gpu::Variant {
 public:
  // Throws where cuDNN refuses; tf32 matters in f32 only.
  CudnnRnn(const Library &library, const Shape &shape, const Algorithm &algorithm, bool tf32);
  void enqueue() override;
  void wait() override;
  std::vector<double> probe() override;

 private:
  void describe(const Algorithm &algorithm, bool tf32);
  void describe_data(const DataDescriptor &descriptor, int64_t features);
  void allocate();
  void fill();
  void fill_params();
  void forward();
  void backward();

  const Library &library_;
  const Shape shape_;
  const cudnnDataType_t type_;
  const cudnnForwardMode_t mode_;
  RnnDescriptor rnn_;
  DataDescriptor x_data_, y_data_;
  TensorDescriptor state_, matrix_, bias_;
  DeviceMemory x_, dy_, y_, hn_, cn_, dx_, weights_, dweights_, workspace_, reserve_;
};

}  // namespace rondo::bench
