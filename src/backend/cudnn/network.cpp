// A spec in cuDNN's words. Padded input is enabled where sequences are full: that is what an unpacked layout asks for.
#include "backend/cudnn/network.h"

#include <cinttypes>

namespace rondo::cudnn {
namespace {

cudnnRNNMode_t cell_mode(int64_t cell) {
  switch (cell) {
    case RONDO_CELL_RNN_TANH:
      return CUDNN_RNN_TANH;
    case RONDO_CELL_RNN_RELU:
      return CUDNN_RNN_RELU;
    case RONDO_CELL_GRU:
      return CUDNN_GRU;
    default:
      return CUDNN_LSTM;
  }
}

// 16-bit products accumulate in f32; f32 keeps its operands whole unless tf32 is allowed.
cudnnMathType_t math_type(const Spec &spec) {
  switch (spec.storage()) {
    case RONDO_F16:
    case RONDO_BF16:
      return CUDNN_TENSOR_OP_MATH;
    case RONDO_F32:
      return spec.allow_tf32 != 0 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
    default:
      return CUDNN_DEFAULT_MATH;
  }
}

// The persistent algorithms know double biases only: without biases they are given zeros.
cudnnRNNBiasMode_t bias_mode(const Spec &spec, cudnnRNNAlgo_t algorithm) {
  return spec.bias == 0 && algorithm == CUDNN_RNN_ALGO_STANDARD ? CUDNN_RNN_NO_BIAS : CUDNN_RNN_DOUBLE_BIAS;
}

cudnnStatus_t set_descriptor(const RnnDescriptor &descriptor, const Spec &spec, const Problem &problem,
                             cudnnRNNAlgo_t algorithm, const Network::Shape &shape) {
  return cudnnSetRNNDescriptor_v8(
      descriptor.get(), algorithm, cell_mode(spec.cell), bias_mode(spec, algorithm),
      shape.directions == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, data_type(spec.storage()),
      spec.storage() == RONDO_F64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT, math_type(spec),
      static_cast<int32_t>(shape.input), static_cast<int32_t>(spec.hidden_size), static_cast<int32_t>(spec.output()),
      static_cast<int32_t>(shape.layers), nullptr,
      problem.sequence == RONDO_SEQUENCE_FULL ? CUDNN_RNN_PADDED_IO_ENABLED : CUDNN_RNN_PADDED_IO_DISABLED);
}

}  // namespace

Network::Network(const Spec &spec, const Shape &shape)
    : shape_(shape),
      O_(spec.output()),
      H_(spec.hidden_size),
      has_cell_state_(spec.has_cell_state()),
      type_(data_type(spec.storage())) {}

Status Network::create(cudnnHandle_t library, const Spec &spec, const Problem &problem, cudnnRNNAlgo_t algorithm,
                       const Shape &shape, std::unique_ptr<Network> *network) {
  std::unique_ptr<Network> made(new Network(spec, shape));
  RONDO_CUDNN(made->descriptor_.create());
  RONDO_CUDNN(set_descriptor(made->descriptor_, spec, problem, algorithm, shape));
  if (algorithm == CUDNN_RNN_ALGO_PERSIST_DYNAMIC && problem.max_N > 0) {
    RONDO_CUDNN(cudnnBuildRNNDynamic(library, made->get(), static_cast<int>(problem.max_N)));
  }
  size_t bytes = 0;
  RONDO_CUDNN(cudnnGetRNNWeightSpaceSize(library, made->get(), &bytes));
  made->weight_bytes_ = static_cast<int64_t>(bytes);
  *network = std::move(made);
  return {};
}

std::string Network::refusal(const Spec &spec, const Problem &problem, cudnnRNNAlgo_t algorithm, const Shape &shape) {
  RnnDescriptor descriptor;
  cudnnStatus_t status = descriptor.create();
  if (status == CUDNN_STATUS_SUCCESS) {
    status = set_descriptor(descriptor, spec, problem, algorithm, shape);
  }
  return status == CUDNN_STATUS_SUCCESS ? std::string() : "cuDNN answers " + cudnn_words(status);
}

Status Network::temp_sizes(cudnnHandle_t library, bool training, const Sequences &sequences, TempSizes *sizes) const {
  DataDescriptor x;
  RONDO_TRY(describe_data(sequences, type_, shape_.input, &x));
  size_t workspace = 0;
  size_t reserve = 0;
  RONDO_CUDNN(cudnnGetRNNTempSpaceSizes(library, get(), training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE,
                                        x.get(), &workspace, &reserve));
  *sizes = {static_cast<int64_t>(workspace), static_cast<int64_t>(reserve)};
  return {};
}

}  // namespace rondo::cudnn
