// Conversions between device memory and the oracle's arrays.
// Padding is never even read, because a caller may have no memory worth reading there.
#include "cudnn_values.h"

#include <cstring>

namespace rondo_emulator::cudnn {
namespace {

// Calls visit(row, t, first element) for every position, beyond a row's length too.
template <class Visit>
void each_position(const test::Problem &problem, const cudnnRNNDataStruct &data, const Visit &visit) {
  for (int row = 0; row < data.N; ++row) {
    const int end = data.packed() ? data.lengths[static_cast<size_t>(row)] : data.T;
    for (int t = 0; t < end; ++t) {
      visit(row, t, static_cast<size_t>(problem.position(t, row)) * static_cast<size_t>(data.vector));
    }
  }
}

size_t state_count(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, int width) {
  return static_cast<size_t>(rnn.L) * static_cast<size_t>(rnn.D()) * static_cast<size_t>(data.N) *
         static_cast<size_t>(width);
}

}  // namespace

test::Problem problem_of(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data) {
  test::Problem problem = network(rnn);
  problem.T = data.T;
  problem.N = data.N;
  problem.batch_major = data.layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED;
  problem.sequence = data.packed() ? test::Sequence::packed : test::Sequence::lengths;
  problem.lengths.assign(data.lengths.begin(), data.lengths.end());
  return problem;
}

uint64_t fingerprint(const cudnnRNNDataStruct &data) {
  uint64_t hash = mix(mix(static_cast<uint64_t>(data.layout), static_cast<uint64_t>(data.T)), data.lengths.size());
  for (const int length : data.lengths) hash = mix(hash, static_cast<uint64_t>(length));
  return hash;
}

size_t sequence_bytes(const cudnnRNNDataStruct &data) {
  return data.positions() * static_cast<size_t>(data.vector) * size_of(data.type);
}

size_t state_bytes(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, int width) {
  return state_count(rnn, data, width) * size_of(rnn.type);
}

Doubles read_sequences(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, const void *memory) {
  const test::Problem problem = problem_of(rnn, data);
  Doubles values(sequence_bytes(data) / size_of(data.type), 0.0);
  each_position(problem, data, [&](int row, int t, size_t at) {
    if (t >= data.lengths[static_cast<size_t>(row)]) return;
    const auto *from = static_cast<const char *>(memory) + at * size_of(data.type);
    test::decode(dtype_of(data.type), from, static_cast<size_t>(data.vector), values.data() + at);
  });
  return values;
}

void write_sequences(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, const Doubles &values, void *memory) {
  const test::Problem problem = problem_of(rnn, data);
  const size_t element = size_of(data.type);
  each_position(problem, data, [&](int row, int t, size_t at) {
    auto *to = static_cast<char *>(memory) + at * element;
    const auto count = static_cast<size_t>(data.vector);
    if (t < data.lengths[static_cast<size_t>(row)]) {
      test::encode(dtype_of(data.type), values.data() + at, count, to);
    } else if (data.padding_fill.empty()) {
      std::memset(to, 0xff, count * element);
    } else {
      for (size_t k = 0; k < count; ++k) std::memcpy(to + k * element, data.padding_fill.data(), element);
    }
  });
}

Doubles read_states(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, int width, const void *memory) {
  Doubles values(state_count(rnn, data, width), 0.0);
  if (memory != nullptr) test::decode(dtype_of(rnn.type), memory, values.size(), values.data());
  return values;
}

void write_states(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, int width, const Doubles &values,
                  void *memory) {
  if (memory == nullptr) return;
  const auto count = static_cast<size_t>(width);
  const size_t bytes = count * size_of(rnn.type);
  for (size_t state = 0; state * count < values.size(); ++state) {
    auto *to = static_cast<char *>(memory) + state * bytes;
    if (data.lengths[state % static_cast<size_t>(data.N)] == 0) {
      std::memset(to, 0xff, bytes);
    } else {
      test::encode(dtype_of(rnn.type), values.data() + state * count, count, to);
    }
  }
}

Doubles flattened(const std::vector<Doubles> &params) {
  Doubles values;
  for (const Doubles &param : params) values.insert(values.end(), param.begin(), param.end());
  return values;
}

std::vector<Doubles> unflattened(const WeightMap &map, const Doubles &values) {
  std::vector<Doubles> params;
  auto at = values.begin();
  for (const size_t size : map.param_sizes) {
    params.emplace_back(at, at + static_cast<std::ptrdiff_t>(size));
    at += static_cast<std::ptrdiff_t>(size);
  }
  return params;
}

}  // namespace rondo_emulator::cudnn
