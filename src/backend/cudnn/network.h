// Network: one cuDNN RNN descriptor: some layers of a spec, in one or both directions, with one algorithm.
// cuDNN's own dropout is never used, so that its masks are ours; projection absent means projSize == hiddenSize.
#pragma once

#include <memory>
#include <string>

#include "backend/cudnn/descriptors.h"
#include "core/problem.h"

namespace rondo::cudnn {

class Network {
 public:
  struct Shape {
    int64_t input, layers, directions;
    bool operator==(const Shape &other) const = default;
  };
  struct TempSizes {
    int64_t workspace, reserve;
  };

  // fixed_N: the rows of every call, which only PERSIST_DYNAMIC needs to know, and builds its kernel for.
  static Status create(cudnnHandle_t library, const Spec &spec, const Problem &problem, cudnnRNNAlgo_t algorithm,
                       const Shape &shape, std::unique_ptr<Network> *network);
  // Why the descriptor itself is refused, empty where it is not; needs no device.
  static std::string refusal(const Spec &spec, const Problem &problem, cudnnRNNAlgo_t algorithm, const Shape &shape);

  const Shape &shape() const { return shape_; }
  cudnnRNNDescriptor_t get() const { return descriptor_.get(); }
  cudnnDataType_t type() const { return type_; }
  int64_t weight_bytes() const { return weight_bytes_; }
  int64_t output() const { return shape_.directions * O_; }
  int64_t O() const { return O_; }
  int64_t H() const { return H_; }
  bool has_cell_state() const { return has_cell_state_; }

  Status temp_sizes(cudnnHandle_t library, bool training, const Sequences &sequences, TempSizes *sizes) const;

 private:
  Network(const Spec &spec, const Shape &shape);

  const Shape shape_;
  const int64_t O_, H_;
  const bool has_cell_state_;
  const cudnnDataType_t type_;
  RnnDescriptor descriptor_;
  int64_t weight_bytes_ = 0;
};

}  // namespace rondo::cudnn
