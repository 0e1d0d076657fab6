// Shapes and indices of a problem, written from semantics.md alone.
// Simple rather than fast: a packed position is found by counting.
#include "problem.h"

#include <algorithm>
#include <sstream>

namespace rondo::test {

std::int64_t Problem::length(std::int64_t row) const {
  return sequence == Sequence::full ? T : lengths[static_cast<std::size_t>(row)];
}

std::int64_t Problem::state_row(std::int64_t row) const {
  return sorted_indices.empty() ? row : sorted_indices[static_cast<std::size_t>(row)];
}

std::int64_t Problem::positions() const {
  if (sequence != Sequence::packed) return T * N;
  std::int64_t sum = 0;
  for (const std::int64_t length : lengths) sum += length;
  return sum;
}

std::int64_t Problem::position(std::int64_t t, std::int64_t row) const {
  if (sequence != Sequence::packed) return batch_major ? row * T + t : t * N + row;
  // Every row has given min(length, t) elements before step t.
  std::int64_t before = 0;
  for (const std::int64_t length : lengths) before += std::min(length, t);
  return before + row;
}

std::vector<std::int64_t> Problem::batch_sizes() const {
  std::vector<std::int64_t> sizes;
  for (std::int64_t t = 0; t < T; ++t) {
    sizes.push_back(std::count_if(lengths.begin(), lengths.end(), [t](std::int64_t length) { return length > t; }));
  }
  return sizes;
}

std::vector<ParamShape> Problem::param_shapes() const {
  std::vector<ParamShape> shapes;
  for (std::int64_t layer = 0; layer < L; ++layer) {
    for (std::int64_t direction = 0; direction < D; ++direction) {
      std::string suffix;
      if (!single_cell) suffix = "_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "");
      shapes.push_back({"weight_ih" + suffix, gates() * H, layer_input(layer)});
      shapes.push_back({"weight_hh" + suffix, gates() * H, O()});
      if (bias) {
        shapes.push_back({"bias_ih" + suffix, gates() * H, 1});
        shapes.push_back({"bias_hh" + suffix, gates() * H, 1});
      }
      if (P > 0) shapes.push_back({"weight_hr" + suffix, P, H});
    }
  }
  return shapes;
}

std::string Problem::describe() const {
  std::ostringstream text;
  text << cell_name(cell) << (single_cell ? " cell" : "") << " I" << I << " H" << H << " P" << P << " L" << L << " D"
       << D << " T" << T << " N" << N << (bias ? "" : " no-bias") << (batch_major ? " batch-major" : "");
  if (dropout > 0) text << " dropout " << dropout;
  if (sequence != Sequence::full) {
    text << (sequence == Sequence::packed ? " packed" : " lengths");
    for (const std::int64_t length : lengths) text << ' ' << length;
  }
  if (!sorted_indices.empty()) text << " permuted";
  return text.str();
}

std::string cell_name(Cell cell) {
  switch (cell) {
    case Cell::rnn_tanh:
      return "rnn_tanh";
    case Cell::rnn_relu:
      return "rnn_relu";
    case Cell::lstm:
      return "lstm";
    case Cell::gru:
      return "gru";
  }
  return "unknown cell";
}

}  // namespace rondo::test
