// Where the stand-in's weight space holds each matrix and bias: an order and gaps drawn anew in every process from
// RONDO_EMULATOR_SEED, or else the process's number, so that only cudnnGetRNNWeightParams can tell.
#pragma once

#include <vector>

#include "cudnn_state.h"

namespace rondo_emulator::cudnn {

// One gate's part of one of PyTorch's parameters.
struct WeightPiece {
  int32_t pseudo_layer, id;  // as cudnnGetRNNWeightParams counts
  bool is_bias;
  int rows, columns;
  size_t param;   // index among the parameters of the oracle's problem
  size_t from;    // first element in that parameter
  size_t offset;  // first element in the weight space
  size_t size() const { return static_cast<size_t>(rows) * static_cast<size_t>(columns); }
};

struct WeightMap {
  std::vector<WeightPiece> pieces;  // that exist
  std::vector<size_t> param_sizes;  // of the oracle's parameters, biases that cuDNN lacks included
  size_t elements = 0;              // of the weight space, gaps included
};

WeightMap weight_map(const cudnnRNNStruct &rnn);

// The oracle's parameters; those that the weight space lacks are zero.
std::vector<std::vector<double>> read_weights(const WeightMap &map, test::Dtype type, const void *space);
// Adds gradients to a weight space and overwrites its gaps with NaN.
void add_weights(const WeightMap &map, test::Dtype type, const std::vector<std::vector<double>> &gradients,
                 void *space);

}  // namespace rondo_emulator::cudnn
