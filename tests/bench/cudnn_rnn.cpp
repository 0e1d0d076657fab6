// cuDNN's calls in their documented order. Parameters go where cudnnGetRNNWeightParams says, in rondo's values.
// A gradient of the weights is cleared and added to, within the timed call, because rondo overwrites it.
#include "cudnn_rnn.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace rondo::bench {
namespace {

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

cudnnRNNMode_t cell_mode(rondo_cell_t cell) {
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

cudnnMathType_t math_type(rondo_dtype_t dtype, bool tf32) {
  if (dtype == RONDO_F16 || dtype == RONDO_BF16) return CUDNN_TENSOR_OP_MATH;
  // The default may use tf32 on newer devices.
  return tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
}

int32_t narrow(int64_t value) { return static_cast<int32_t>(value); }

}  // namespace

void need(cudnnStatus_t status, const char *call) {
  if (status != CUDNN_STATUS_SUCCESS) throw std::runtime_error(std::string(call) + ": " + cudnnGetErrorString(status));
}

void need(cudaError_t error, const char *call) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(error));
}

DeviceMemory::DeviceMemory(size_t bytes) { reset(bytes); }

DeviceMemory::~DeviceMemory() { cudaFree(memory_); }

void DeviceMemory::reset(size_t bytes) {
  cudaFree(memory_);
  memory_ = nullptr;
  size_ = bytes;
  if (bytes > 0) need(cudaMalloc(&memory_, bytes), "cudaMalloc");
}

Library::Library() {
  need(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  need(cudnnCreate(&handle), "cudnnCreate");
  need(cudnnSetStream(handle, stream), "cudnnSetStream");
}

Library::~Library() {
  cudnnDestroy(handle);
  cudaStreamDestroy(stream);
}

CudnnRnn::CudnnRnn(const Library &library, const Shape &shape, const Algorithm &algorithm, bool tf32)
    : library_(library),
      shape_(shape),
      type_(data_type(shape.dtype)),
      mode_(shape.is_training() ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE) {
  describe(algorithm, tf32);
  allocate();
  fill();
}

void CudnnRnn::describe(const Algorithm &algorithm, bool tf32) {
  const bool packed = shape_.sequence == RONDO_SEQUENCE_PACKED;
  need(cudnnSetRNNDescriptor_v8(rnn_.get(), algorithm.id, cell_mode(shape_.cell), CUDNN_RNN_DOUBLE_BIAS,
                                shape_.D == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, type_,
                                type_ == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT,
                                math_type(shape_.dtype, tf32), narrow(shape_.I), narrow(shape_.H), narrow(shape_.H),
                                narrow(shape_.L), nullptr,
                                packed ? CUDNN_RNN_PADDED_IO_DISABLED : CUDNN_RNN_PADDED_IO_ENABLED),
       "cudnnSetRNNDescriptor_v8");
  if (algorithm.id == CUDNN_RNN_ALGO_PERSIST_DYNAMIC) {
    need(cudnnBuildRNNDynamic(library_.handle, rnn_.get(), narrow(shape_.N)), "cudnnBuildRNNDynamic");
  }
  describe_data(x_data_, shape_.I);
  describe_data(y_data_, shape_.D * shape_.H);
  const int sizes[] = {narrow(shape_.L * shape_.D), narrow(shape_.N), narrow(shape_.H)};
  const int strides[] = {sizes[1] * sizes[2], sizes[2], 1};
  need(cudnnSetTensorNdDescriptor(state_.get(), type_, 3, sizes, strides), "cudnnSetTensorNdDescriptor");
}

void CudnnRnn::describe_data(const DataDescriptor &descriptor, int64_t features) {
  const std::vector<int64_t> wanted = shape_.lengths();
  std::vector<int> lengths(static_cast<size_t>(shape_.N), narrow(shape_.T));
  std::transform(wanted.begin(), wanted.end(), lengths.begin(), narrow);
  const cudnnRNNDataLayout_t layout = shape_.sequence == RONDO_SEQUENCE_PACKED
                                          ? CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED
                                          : CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
  double zero = 0;  // zero bits in every type
  need(cudnnSetRNNDataDescriptor(descriptor.get(), type_, layout, narrow(shape_.T), narrow(shape_.N), narrow(features),
                                 lengths.data(), &zero),
       "cudnnSetRNNDataDescriptor");
}

void CudnnRnn::allocate() {
  const size_t element = rondo::gpu::element_size(shape_.dtype);
  const size_t x_bytes = static_cast<size_t>(shape_.positions() * shape_.I) * element;
  const size_t y_bytes = static_cast<size_t>(shape_.positions() * shape_.D * shape_.H) * element;
  const size_t state_bytes = static_cast<size_t>(shape_.state_size()) * element;
  x_.reset(x_bytes);
  y_.reset(y_bytes);
  hn_.reset(state_bytes);
  if (shape_.is_lstm()) cn_.reset(state_bytes);
  size_t weights = 0;
  need(cudnnGetRNNWeightSpaceSize(library_.handle, rnn_.get(), &weights), "cudnnGetRNNWeightSpaceSize");
  weights_.reset(weights);
  if (shape_.is_training()) {
    dx_.reset(x_bytes);
    dy_.reset(y_bytes);
    dweights_.reset(weights);
  }
  size_t workspace = 0;
  size_t reserve = 0;
  need(cudnnGetRNNTempSpaceSizes(library_.handle, rnn_.get(), mode_, x_data_.get(), &workspace, &reserve),
       "cudnnGetRNNTempSpaceSizes");
  workspace_.reset(workspace);
  reserve_.reset(reserve);
}

void CudnnRnn::fill() {
  const auto draw = [&](const DeviceMemory &memory, int64_t array) {
    const auto element = static_cast<int64_t>(rondo::gpu::element_size(shape_.dtype));
    const auto values = rondo::gpu::pool_values(shape_.dtype, static_cast<int64_t>(memory.size()) / element,
                                                rondo::gpu::data_bound, array);
    need(cudaMemcpy(memory.get(), values.data(), memory.size(), cudaMemcpyHostToDevice), "cudaMemcpy");
  };
  draw(x_, rondo::gpu::x_array);
  if (shape_.is_training()) draw(dy_, rondo::gpu::dy_array);
  fill_params();
  need(cudaMemset(y_.get(), 0xFF, y_.size()), "cudaMemset");
  need(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

// rondo's arrays are whole, cuDNN's come gate by gate: each array's values, cut at its gates.
void CudnnRnn::fill_params() {
  const int64_t G = shape_.gates();
  const auto element = static_cast<int64_t>(rondo::gpu::element_size(shape_.dtype));
  const double bound = rondo::gpu::param_bound(shape_);
  need(cudaMemset(weights_.get(), 0, weights_.size()), "cudaMemset");
  for (int64_t pseudo = 0; pseudo < shape_.L * shape_.D; ++pseudo) {
    const int64_t in = pseudo < shape_.D ? shape_.I : shape_.D * shape_.H;
    const int64_t first = rondo::gpu::first_param_array + 4 * pseudo;  // weight_ih, weight_hh, bias_ih, bias_hh
    for (int64_t part = 0; part < 2; ++part) {
      const int64_t columns = part == 0 ? in : shape_.H;
      const auto matrix = rondo::gpu::pool_values(shape_.dtype, G * shape_.H * columns, bound, first + part);
      const auto bias = rondo::gpu::pool_values(shape_.dtype, G * shape_.H, bound, first + 2 + part);
      for (int64_t gate = 0; gate < G; ++gate) {
        void *matrix_at = nullptr;
        void *bias_at = nullptr;
        need(cudnnGetRNNWeightParams(library_.handle, rnn_.get(), narrow(pseudo), weights_.size(), weights_.get(),
                                     narrow(part * G + gate), matrix_.get(), &matrix_at, bias_.get(), &bias_at),
             "cudnnGetRNNWeightParams");
        const int64_t matrix_bytes = shape_.H * columns * element;
        const int64_t bias_bytes = shape_.H * element;
        need(cudaMemcpy(matrix_at, matrix.data() + gate * matrix_bytes, static_cast<size_t>(matrix_bytes),
                        cudaMemcpyHostToDevice),
             "cudaMemcpy");
        need(cudaMemcpy(bias_at, bias.data() + gate * bias_bytes, static_cast<size_t>(bias_bytes),
                        cudaMemcpyHostToDevice),
             "cudaMemcpy");
      }
    }
  }
}

void CudnnRnn::forward() {
  need(cudnnRNNForward(library_.handle, rnn_.get(), mode_, nullptr, x_data_.get(), x_.get(), y_data_.get(), y_.get(),
                       state_.get(), nullptr, hn_.get(), state_.get(), nullptr, cn_.get(), weights_.size(),
                       weights_.get(), workspace_.size(), workspace_.get(), reserve_.size(), reserve_.get()),
       "cudnnRNNForward");
}

void CudnnRnn::backward() {
  need(cudaMemsetAsync(dweights_.get(), 0, dweights_.size(), library_.stream), "cudaMemsetAsync");
  need(cudnnRNNBackwardData_v8(library_.handle, rnn_.get(), nullptr, y_data_.get(), y_.get(), dy_.get(), x_data_.get(),
                               dx_.get(), state_.get(), nullptr, nullptr, nullptr, state_.get(), nullptr, nullptr,
                               nullptr, weights_.size(), weights_.get(), workspace_.size(), workspace_.get(),
                               reserve_.size(), reserve_.get()),
       "cudnnRNNBackwardData_v8");
  need(cudnnRNNBackwardWeights_v8(library_.handle, rnn_.get(), CUDNN_WGRAD_MODE_ADD, nullptr, x_data_.get(), x_.get(),
                                  state_.get(), nullptr, y_data_.get(), y_.get(), dweights_.size(), dweights_.get(),
                                  workspace_.size(), workspace_.get(), reserve_.size(), reserve_.get()),
       "cudnnRNNBackwardWeights_v8");
}

void CudnnRnn::enqueue() {
  forward();
  if (shape_.is_training()) backward();
}

void CudnnRnn::wait() { need(cudaStreamSynchronize(library_.stream), "cudaStreamSynchronize"); }

std::vector<double> CudnnRnn::probe() {
  const size_t element = rondo::gpu::element_size(shape_.dtype);
  std::vector<double> values;
  for (int64_t k = 0; k < rondo::gpu::probe_count; ++k) {
    const int64_t index = rondo::gpu::probe_index(k, static_cast<int64_t>(y_.size() / element));
    unsigned char bytes[8];
    need(cudaMemcpy(bytes, static_cast<const unsigned char *>(y_.get()) + static_cast<size_t>(index) * element, element,
                    cudaMemcpyDeviceToHost),
         "cudaMemcpy");
    double value = 0;
    rondo::test::decode(rondo::gpu::test_dtype(shape_.dtype), bytes, 1, &value);
    if (!std::isfinite(value)) throw std::runtime_error("y is not finite");
    values.push_back(value);
  }
  return values;
}

}  // namespace rondo::bench
