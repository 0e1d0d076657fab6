// cuDNN's tensor, RNN and RNN data descriptors: what each accepts is decided here, when it is set.
// The H limits of persistent algorithms are not: as in cuDNN they show only when a call runs.
#include <algorithm>
#include <bit>

#include "cudnn_state.h"
#include "cudnn_use.h"

namespace rondo_emulator::cudnn {
namespace {

constexpr int kFirstUnsupportedT = 65536;

bool is_16_bit(cudnnDataType_t type) { return type == CUDNN_DATA_HALF || type == CUDNN_DATA_BFLOAT16; }

cudnnStatus_t check_types(cudnnRNNAlgo_t algo, cudnnDataType_t data, cudnnDataType_t precision, cudnnMathType_t math) {
  if (!known_type(data)) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "dataType is not float, double, half or bfloat16");
  const bool half_math = data == CUDNN_DATA_HALF && precision == CUDNN_DATA_HALF;
  const bool own_math = precision == data && !is_16_bit(data);
  if (!half_math && !own_math && !(is_16_bit(data) && precision == CUDNN_DATA_FLOAT)) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "dataType and mathPrec do not go together");
  }
  if (half_math && algo != CUDNN_RNN_ALGO_STANDARD) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "half mathPrec needs CUDNN_RNN_ALGO_STANDARD");
  }
  if (data == CUDNN_DATA_DOUBLE && algo != CUDNN_RNN_ALGO_STANDARD && algo != CUDNN_RNN_ALGO_PERSIST_DYNAMIC) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "double needs CUDNN_RNN_ALGO_STANDARD or PERSIST_DYNAMIC");
  }
  const bool tensor_op = math == CUDNN_TENSOR_OP_MATH;
  const bool conversion = math == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
  if (math < CUDNN_DEFAULT_MATH || math > CUDNN_FMA_MATH || (tensor_op && !is_16_bit(data)) ||
      (conversion && data == CUDNN_DATA_DOUBLE)) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "mathType does not go with dataType");
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_sizes(cudnnRNNAlgo_t algo, cudnnRNNMode_t cell, int32_t I, int32_t H, int32_t O, int32_t L) {
  if (I <= 0 || H <= 0 || L <= 0) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "inputSize, hiddenSize and numLayers must be positive");
  }
  if (O <= 0 || O > H) {
    return refuse(CUDNN_STATUS_BAD_PARAM,
                  "projSize is " + std::to_string(O) + ", expected 1 to hiddenSize, which means no projection");
  }
  if (O != H && (cell != CUDNN_LSTM || algo != CUDNN_RNN_ALGO_STANDARD)) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "projection needs CUDNN_LSTM and CUDNN_RNN_ALGO_STANDARD");
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_lengths(const cudnnRNNDataStruct &data) {
  for (int row = 0; row < data.N; ++row) {
    const int length = data.lengths[static_cast<size_t>(row)];
    const std::string name = "seqLengthArray[" + std::to_string(row) + "] is " + std::to_string(length);
    if (length < 0 || length > data.T) {
      return refuse(CUDNN_STATUS_BAD_PARAM, name + ", expected 0 to maxSeqLength = " + std::to_string(data.T));
    }
    if (!data.packed()) continue;
    if (length == 0) return refuse(CUDNN_STATUS_BAD_PARAM, name + ", packed data has no empty sequence");
    if (row == 0 && length != data.T) {
      return refuse(CUDNN_STATUS_BAD_PARAM, name + ", packed data expects maxSeqLength = " + std::to_string(data.T));
    }
    if (row > 0 && length > data.lengths[static_cast<size_t>(row) - 1]) {
      return refuse(CUDNN_STATUS_BAD_PARAM, name + ", packed data must be sorted longest first");
    }
  }
  return CUDNN_STATUS_SUCCESS;
}

test::Cell cell_of(cudnnRNNMode_t mode) {
  switch (mode) {
    case CUDNN_RNN_RELU:
      return test::Cell::rnn_relu;
    case CUDNN_RNN_TANH:
      return test::Cell::rnn_tanh;
    case CUDNN_LSTM:
      return test::Cell::lstm;
    case CUDNN_GRU:
      return test::Cell::gru;
  }
  return test::Cell::lstm;
}

}  // namespace

bool known_type(cudnnDataType_t type) {
  return type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_DOUBLE || is_16_bit(type);
}

test::Dtype dtype_of(cudnnDataType_t type) {
  if (type == CUDNN_DATA_DOUBLE) return test::Dtype::f64;
  if (type == CUDNN_DATA_HALF) return test::Dtype::f16;
  return type == CUDNN_DATA_BFLOAT16 ? test::Dtype::bf16 : test::Dtype::f32;
}

test::Problem network(const cudnnRNNStruct &rnn) {
  test::Problem problem;
  problem.cell = cell_of(rnn.cell);
  problem.I = rnn.I;
  problem.H = rnn.H;
  problem.P = rnn.projects() ? rnn.O : 0;
  problem.L = rnn.L;
  problem.D = rnn.D();
  problem.bias = rnn.bias != CUDNN_RNN_NO_BIAS;
  return problem;
}

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15U;
  return hash ^ std::rotr(hash, 29);
}

uint64_t fingerprint(const cudnnRNNStruct &rnn) {
  uint64_t hash = 1;
  for (const int64_t value : {int64_t{rnn.algo}, int64_t{rnn.cell}, int64_t{rnn.bias}, int64_t{rnn.direction},
                              int64_t{rnn.type}, int64_t{rnn.math_precision}, int64_t{rnn.math}, int64_t{rnn.I},
                              int64_t{rnn.H}, int64_t{rnn.O}, int64_t{rnn.L}, int64_t{rnn.flags}}) {
    hash = mix(hash, static_cast<uint64_t>(value));
  }
  return hash;
}

cudnnStatus_t check_set(cudnnRNNDescriptor_t rnn) {
  if (rnn == nullptr || !rnn->set) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "rnnDesc was not set by cudnnSetRNNDescriptor_v8");
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_data(const cudnnRNNStruct &rnn, cudnnRNNDataDescriptor_t data, int width, const char *name) {
  const std::string argument = name;
  if (data == nullptr || !data->set) return refuse(CUDNN_STATUS_BAD_PARAM, argument + " was not set");
  if (data->type != rnn.type) return refuse(CUDNN_STATUS_BAD_PARAM, argument + " has another data type than rnnDesc");
  if (data->vector != width) {
    return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
                  argument + " has vectors of " + std::to_string(data->vector) + ", expected " + std::to_string(width));
  }
  if (!data->packed() && (rnn.flags & CUDNN_RNN_PADDED_IO_ENABLED) == 0) {
    return refuse(CUDNN_STATUS_BAD_PARAM, argument + " is unpacked, which needs CUDNN_RNN_PADDED_IO_ENABLED");
  }
  return CUDNN_STATUS_SUCCESS;
}

template <class Struct>
cudnnStatus_t create(Struct **descriptor) {
  if (descriptor == nullptr) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the place of the descriptor is NULL");
  *descriptor = new Struct;
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace rondo_emulator::cudnn

using namespace rondo_emulator::cudnn;

extern "C" {

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *tensorDesc) {
  count_call(__func__);
  return create(tensorDesc);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensorDesc) {
  count_call(__func__);
  delete tensorDesc;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t tensorDesc, cudnnDataType_t dataType, int nbDims,
                                         const int dimA[], const int strideA[]) {
  count_call(__func__);
  if (tensorDesc == nullptr || dimA == nullptr || strideA == nullptr) {
    return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "cudnnSetTensorNdDescriptor: an argument is NULL");
  }
  if (nbDims < 3 || nbDims > CUDNN_DIM_MAX) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "nbDims is " + std::to_string(nbDims) + ", expected 3 to 8");
  }
  if (std::any_of(dimA, dimA + nbDims, [](int dim) { return dim <= 0; })) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "cudnnSetTensorNdDescriptor: a dimension is not positive");
  }
  tensorDesc->type = dataType;
  tensorDesc->dims.assign(dimA, dimA + nbDims);
  tensorDesc->strides.assign(strideA, strideA + nbDims);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetTensorNdDescriptor(const cudnnTensorDescriptor_t tensorDesc, int nbDimsRequested,
                                         cudnnDataType_t *dataType, int *nbDims, int dimA[], int strideA[]) {
  count_call(__func__);
  if (tensorDesc == nullptr || dataType == nullptr || nbDims == nullptr || dimA == nullptr || strideA == nullptr) {
    return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "cudnnGetTensorNdDescriptor: an argument is NULL");
  }
  if (nbDimsRequested < 0 || nbDimsRequested > CUDNN_DIM_MAX) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "nbDimsRequested is above CUDNN_DIM_MAX");
  }
  *dataType = tensorDesc->type;
  *nbDims = static_cast<int>(tensorDesc->dims.size());
  const auto told = std::min(tensorDesc->dims.size(), static_cast<size_t>(nbDimsRequested));
  std::copy_n(tensorDesc->dims.begin(), told, dimA);
  std::copy_n(tensorDesc->strides.begin(), told, strideA);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t *rnnDesc) {
  count_call(__func__);
  return create(rnnDesc);
}

cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t rnnDesc) {
  count_call(__func__);
  delete rnnDesc;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t rnnDesc, cudnnRNNAlgo_t algo, cudnnRNNMode_t cellMode,
                                       cudnnRNNBiasMode_t biasMode, cudnnDirectionMode_t dirMode,
                                       cudnnRNNInputMode_t inputMode, cudnnDataType_t dataType,
                                       cudnnDataType_t mathPrec, cudnnMathType_t mathType, int32_t inputSize,
                                       int32_t hiddenSize, int32_t projSize, int32_t numLayers,
                                       cudnnDropoutDescriptor_t dropoutDesc, uint32_t auxFlags) {
  count_call(__func__);
  if (rnnDesc == nullptr) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "rnnDesc is NULL");
  if (algo < CUDNN_RNN_ALGO_STANDARD || algo >= CUDNN_RNN_ALGO_COUNT || cellMode < CUDNN_RNN_RELU ||
      cellMode > CUDNN_GRU || biasMode < CUDNN_RNN_NO_BIAS || biasMode > CUDNN_RNN_SINGLE_REC_BIAS ||
      (dirMode != CUDNN_UNIDIRECTIONAL && dirMode != CUDNN_BIDIRECTIONAL) ||
      (auxFlags & ~CUDNN_RNN_PADDED_IO_ENABLED) != 0) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "cudnnSetRNNDescriptor_v8: an enumeration or flag has no such value");
  }
  if (inputMode != CUDNN_LINEAR_INPUT || dropoutDesc != nullptr) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the stand-in has neither CUDNN_SKIP_INPUT nor dropout");
  }
  STAND_IN_TRY(check_types(algo, dataType, mathPrec, mathType));
  STAND_IN_TRY(check_sizes(algo, cellMode, inputSize, hiddenSize, projSize, numLayers));
  if (algo != CUDNN_RNN_ALGO_STANDARD && biasMode != CUDNN_RNN_DOUBLE_BIAS) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "persistent algorithms need CUDNN_RNN_DOUBLE_BIAS");
  }
  *rnnDesc = {true,     algo,      cellMode,   biasMode, dirMode,   dataType, mathPrec,
              mathType, inputSize, hiddenSize, projSize, numLayers, auxFlags, 0};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t handle, cudnnRNNDescriptor_t rnnDesc, int miniBatch) {
  count_call(__func__);
  STAND_IN_TRY(check_handle(handle));
  STAND_IN_TRY(check_set(rnnDesc));
  if (rnnDesc->algo != CUDNN_RNN_ALGO_PERSIST_DYNAMIC) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "cudnnBuildRNNDynamic needs CUDNN_RNN_ALGO_PERSIST_DYNAMIC");
  }
  if (miniBatch <= 0) return refuse(CUDNN_STATUS_BAD_PARAM, "miniBatch is not positive");
  rnnDesc->built_for = miniBatch;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t *rnnDataDesc) {
  count_call(__func__);
  return create(rnnDataDesc);
}

cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t rnnDataDesc) {
  count_call(__func__);
  delete rnnDataDesc;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t rnnDataDesc, cudnnDataType_t dataType,
                                        cudnnRNNDataLayout_t layout, int maxSeqLength, int batchSize, int vectorSize,
                                        const int seqLengthArray[], void *paddingFill) {
  count_call(__func__);
  if (rnnDataDesc == nullptr || seqLengthArray == nullptr) {
    return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "rnnDataDesc and seqLengthArray must not be NULL");
  }
  if (!known_type(dataType))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "dataType is not float, double, half or bfloat16");
  if (layout < CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED || layout > CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "layout has no such value");
  }
  if (maxSeqLength <= 0 || batchSize <= 0 || vectorSize <= 0) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "maxSeqLength, batchSize and vectorSize must be positive");
  }
  if (maxSeqLength >= kFirstUnsupportedT) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "maxSeqLength is " + std::to_string(maxSeqLength) + ", above 65535");
  }
  cudnnRNNDataStruct data{true,
                          dataType,
                          layout,
                          maxSeqLength,
                          batchSize,
                          vectorSize,
                          std::vector<int>(seqLengthArray, seqLengthArray + batchSize),
                          {}};
  STAND_IN_TRY(check_lengths(data));
  if (paddingFill != nullptr) {
    const auto *fill = static_cast<const unsigned char *>(paddingFill);
    data.padding_fill.assign(fill, fill + rondo_emulator::cudnn::size_of(dataType));
  }
  *rnnDataDesc = std::move(data);
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
