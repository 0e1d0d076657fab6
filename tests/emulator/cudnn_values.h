// Values in device memory as the oracle takes them: sequences without what lies beyond a row's length, and states.
// Where cuDNN leaves an output undefined, NaN is written, so that nobody relies on it.
#pragma once

#include "cudnn_reserve.h"
#include "cudnn_weights.h"

namespace rondo_emulator::cudnn {

test::Problem problem_of(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data);
uint64_t fingerprint(const cudnnRNNDataStruct &data);

// Bytes of a sequence array and of a state array.
size_t sequence_bytes(const cudnnRNNDataStruct &data);
size_t state_bytes(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, int width);

// Zeros beyond a row's length, whatever lies there.
Doubles read_sequences(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, const void *memory);
// Beyond a row's length: the descriptor's padding fill or NaN.
void write_sequences(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, const Doubles &values, void *memory);

// NULL reads as zeros; writing to NULL does nothing. Rows of length 0 are written as NaN.
Doubles read_states(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, int width, const void *memory);
void write_states(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, int width, const Doubles &values,
                  void *memory);

Doubles flattened(const std::vector<Doubles> &params);
std::vector<Doubles> unflattened(const WeightMap &map, const Doubles &values);

}  // namespace rondo_emulator::cudnn
