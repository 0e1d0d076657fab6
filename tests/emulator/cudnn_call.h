// What the three computing calls have in common: the checks that cuDNN makes at the call, the memory it may overwrite,
// and putting the computation into the handle's stream.
#pragma once

#include <functional>

#include "cudnn_values.h"

namespace rondo_emulator::cudnn {

// Everything that the deferred computation needs of the host's arguments, copied at the call.
struct Call {
  cudnnRNNStruct rnn;
  cudnnRNNDataStruct x, y;
  void *workspace, *reserve;
  size_t workspace_size, reserve_size;
  WeightMap weights;

  int c_width() const { return rnn.cell == CUDNN_LSTM ? rnn.H : 0; }
  test::Problem problem() const { return problem_of(rnn, x); }
  test::Dtype type() const { return dtype_of(rnn.type); }
  Seen seen() const;
  void poison_workspace() const;
};

struct Arguments {
  cudnnHandle_t handle;
  cudnnRNNDescriptor_t rnn;
  const int32_t *device_lengths;
  cudnnRNNDataDescriptor_t x, y;
  cudnnTensorDescriptor_t h, c;
  bool needs_c;  // whether the call has a cDesc
  bool training, backward;
  size_t weight_size, workspace_size, reserve_size;
  void *workspace, *reserve;
};

cudnnStatus_t check_call(const Arguments &arguments, Call *call);

struct Memory {
  const char *name;
  const void *pointer;
  size_t bytes;
  bool optional = false;  // NULL is allowed
};
// NULL where it may not be is a wrong call; memory that is no device memory of this size is a fault, as on a device.
cudnnStatus_t check_memory(const Call &call, cudnnHandle_t handle, const std::vector<Memory> &memory);

// compute() tells why it could not, or nothing.
cudnnStatus_t run(cudnnHandle_t handle, const Call &call, const char *name, std::function<std::string()> compute);

}  // namespace rondo_emulator::cudnn
