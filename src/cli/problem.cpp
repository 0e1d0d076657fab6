// From a problem to the library's description of it.
// Packed rows are sorted by the library itself, so that its helper and its indices are part of every packed case.
#include "cli/problem.h"

#include <algorithm>
#include <numeric>

#include "cli/words.h"

namespace rondo::cli {

int64_t Problem::G() const {
  switch (cell) {
    case RONDO_CELL_LSTM:
      return 4;
    case RONDO_CELL_GRU:
      return 3;
    default:
      return 1;
  }
}

int64_t Problem::S() const {
  return sequence == RONDO_SEQUENCE_FULL ? T * N : std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
}

double Problem::flops() const {
  double per_row = 0;
  for (int64_t layer = 0; layer < L; ++layer) {
    const int64_t in = layer == 0 ? I : D() * O();
    per_row += 2.0 * static_cast<double>(D()) * static_cast<double>(G() * H * (in + O()) + P * H);
  }
  return per_row * static_cast<double>(S()) * (is_training() ? 3.0 : 1.0);
}

Rnn make_rnn(const Problem &problem) {
  Rnn rnn = make_rnn();
  const auto set = [&](rondo_attribute_t attribute, int64_t value) {
    check(rondo_rnn_set_int(rnn.get(), attribute, value));
  };
  set(RONDO_ATTR_CELL, problem.cell);
  set(RONDO_ATTR_DTYPE, problem.dtype);
  set(RONDO_ATTR_INPUT_SIZE, problem.I);
  set(RONDO_ATTR_HIDDEN_SIZE, problem.H);
  set(RONDO_ATTR_PROJ_SIZE, problem.P);
  set(RONDO_ATTR_NUM_LAYERS, problem.L);
  set(RONDO_ATTR_BIDIRECTIONAL, problem.bidirectional ? 1 : 0);
  set(RONDO_ATTR_BIAS, problem.bias ? 1 : 0);
  set(RONDO_ATTR_CELL_STATE_TYPE, problem.cell_state_f32 ? RONDO_AS_F32 : RONDO_AS_STORAGE);
  set(RONDO_ATTR_PARAM_GRAD_TYPE, problem.param_grad_f32 ? RONDO_AS_F32 : RONDO_AS_STORAGE);
  set(RONDO_ATTR_LAYOUT, problem.layout);
  set(RONDO_ATTR_BACKEND, problem.backend);
  set(RONDO_ATTR_SINGLE_CELL, problem.single_cell ? 1 : 0);
  check(rondo_rnn_set_float(rnn.get(), RONDO_ATTR_DROPOUT, problem.dropout));
  check(rondo_rnn_set_float(rnn.get(), RONDO_ATTR_PADDING_VALUE, problem.padding_value));
  return rnn;
}

std::string shape_name(const Problem &problem) {
  const auto size = [](const char *letter, int64_t value) { return "-" + (letter + std::to_string(value)); };
  return text_of(words_of(RONDO_ATTR_CELL), problem.cell) + "-" + text_of(words_of(RONDO_ATTR_DTYPE), problem.dtype) +
         size("t", problem.T) + size("n", problem.N) + size("i", problem.I) + size("h", problem.H) +
         (problem.P > 0 ? size("p", problem.P) : "") + (problem.L > 1 ? size("l", problem.L) : "") +
         (problem.bidirectional ? "-bi" : "");
}

Batch::Batch(const Problem &problem) : lengths_(problem.lengths) {
  lengths_.reserve(1);  // an address even where N = 0
  args_.T = problem.T;
  args_.N = problem.N;
  if (problem.sequence == RONDO_SEQUENCE_LENGTHS) {
    args_.lengths = lengths_.data();
  }
  if (problem.sequence == RONDO_SEQUENCE_PACKED) {
    batch_sizes_.resize(static_cast<size_t>(std::max<int64_t>(problem.T, 1)));
    sorted_indices_.resize(static_cast<size_t>(std::max<int64_t>(problem.N, 1)));
    check(rondo_batch_sizes_from_lengths(lengths_.data(), problem.N, 0, batch_sizes_.data(),
                                         static_cast<int64_t>(batch_sizes_.size()), &args_.T, &args_.S,
                                         sorted_indices_.data(), nullptr));
    args_.batch_sizes = batch_sizes_.data();
    args_.sorted_indices = sorted_indices_.data();
  }
}

}  // namespace rondo::cli
