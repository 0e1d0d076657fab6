// The list itself, as {T, N, H} rows of a cell; H = I throughout.
// Longest sequences come last: one of them costs as much as twenty of the others.
#include "bench_shapes.h"

#include <algorithm>

namespace rondo::gpu {
namespace {

constexpr rondo_cell_t rnn = RONDO_CELL_RNN_TANH;
constexpr rondo_cell_t lstm = RONDO_CELL_LSTM;
constexpr rondo_cell_t gru = RONDO_CELL_GRU;

struct Row {
  int64_t T, N, H;
};

struct Kind {
  rondo_cell_t cell;
  rondo_dtype_t dtype;
  rondo_mode_t mode;
  rondo_sequence_t sequence = RONDO_SEQUENCE_FULL;
  int64_t L = 1, D = 1;
};

void add(std::vector<Shape> &list, const Kind &kind, const std::vector<Row> &rows) {
  for (const Row &row : rows) {
    list.push_back({kind.cell, kind.dtype, kind.mode, kind.sequence, row.T, row.N, row.H, row.H, kind.L, kind.D});
  }
}

std::vector<Shape> telling() {
  std::vector<Shape> list;
  for (const rondo_dtype_t dtype : {RONDO_F16, RONDO_BF16, RONDO_F32}) {
    for (const rondo_mode_t mode : {RONDO_INFERENCE, RONDO_TRAINING}) {
      add(list, {lstm, dtype, mode}, {{1024, 16, 768}});  // FlashRNN's
    }
  }
  // What the tiers of persistent kernels hold on chip.
  for (const rondo_mode_t mode : {RONDO_INFERENCE, RONDO_TRAINING}) {
    add(list, {lstm, RONDO_F16, mode}, {{512, 1, 128}, {512, 16, 256}, {512, 32, 512}});
    add(list, {gru, RONDO_F16, mode}, {{512, 16, 256}, {512, 64, 512}});
  }
  for (const rondo_cell_t cell : {lstm, gru}) add(list, {cell, RONDO_BF16, RONDO_TRAINING}, {{512, 16, 256}});
  for (const rondo_cell_t cell : {rnn, lstm, gru}) {
    add(list, {cell, RONDO_F32, RONDO_INFERENCE}, {{1, 1, 256}, {1, 1, 1024}, {100, 1, 64}, {100, 32, 128}});
    add(list, {cell, RONDO_F16, RONDO_TRAINING}, {{100, 32, 128}});
  }
  for (const rondo_sequence_t sequence : {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}) {
    for (const rondo_mode_t mode : {RONDO_INFERENCE, RONDO_TRAINING}) {
      add(list, {lstm, RONDO_F16, mode, sequence, 2}, {{100, 32, 512}});
    }
  }
  for (const rondo_mode_t mode : {RONDO_INFERENCE, RONDO_TRAINING}) {
    add(list, {gru, RONDO_F16, mode, RONDO_SEQUENCE_FULL, 2, 2}, {{100, 32, 512}});
  }
  return list;
}

std::vector<Shape> deepbench() {
  std::vector<Shape> list;
  for (const rondo_dtype_t dtype : {RONDO_F16, RONDO_F32}) {
    const Kind train_rnn{rnn, dtype, RONDO_TRAINING};
    const Kind train_lstm{lstm, dtype, RONDO_TRAINING};
    const Kind train_gru{gru, dtype, RONDO_TRAINING};
    const Kind infer_lstm{lstm, dtype, RONDO_INFERENCE};
    const Kind infer_gru{gru, dtype, RONDO_INFERENCE};
    add(list, train_lstm, {{25, 16, 512}, {25, 64, 1024}, {25, 128, 2048}, {50, 16, 1536}, {150, 32, 256}});
    add(list, train_gru, {{187, 32, 2560}, {1, 32, 512}});
    add(list, train_rnn, {{50, 16, 1760}, {50, 64, 2048}});
    add(list, infer_lstm, {{25, 1, 512}, {25, 4, 1024}, {25, 2, 2048}, {50, 1, 1536}, {150, 1, 256}});
    add(list, infer_gru, {{187, 1, 2560}, {375, 4, 1536}, {1, 2, 512}});
    add(list, {rnn, dtype, RONDO_INFERENCE}, {{672, 1, 32}, {96, 1, 64}});
    add(list, train_rnn, {{50, 32, 1760}, {50, 64, 1760}, {50, 128, 1760}, {50, 16, 2048}, {50, 32, 2048}});
    add(list, train_rnn, {{50, 128, 2048}, {50, 16, 2560}, {50, 32, 2560}, {50, 64, 2560}, {50, 128, 2560}});
    add(list, train_lstm, {{25, 32, 512}, {25, 64, 512}, {25, 128, 512}, {25, 16, 1024}, {25, 32, 1024}});
    add(list, train_lstm, {{25, 128, 1024}, {25, 16, 2048}, {25, 32, 2048}, {25, 64, 2048}, {25, 16, 4096}});
    add(list, train_lstm, {{25, 32, 4096}, {25, 64, 4096}, {25, 128, 4096}, {50, 8, 1536}, {50, 32, 1536}});
    add(list, train_lstm, {{150, 16, 256}, {150, 64, 256}});
    add(list, infer_lstm, {{25, 2, 512}, {25, 4, 512}, {25, 1, 1024}, {25, 2, 1024}, {25, 1, 2048}, {25, 4, 2048}});
    add(list, infer_lstm, {{50, 2, 1536}, {50, 4, 1536}, {150, 2, 256}, {150, 4, 256}});
    add(list, infer_gru, {{187, 2, 2560}, {187, 4, 2560}, {375, 1, 1536}, {375, 2, 1536}, {1, 1, 512}, {1, 4, 512}});
    for (const int64_t N : {1, 2, 4}) add(list, infer_gru, {{750, N, 2048}, {1500, N, 2816}, {1500, N, 1024}});
    add(list, train_gru, {{375, 32, 1536}, {750, 32, 2048}, {1500, 32, 1024}, {1500, 64, 1024}, {1500, 32, 2816}});
  }
  // Both types of a shape stay together only where the cut does not matter: short ones of both types come first.
  std::stable_sort(list.begin(), list.end(), [](const Shape &a, const Shape &b) { return a.T < 300 && b.T >= 300; });
  return list;
}

}  // namespace

std::vector<Shape> bench_shapes(bool quick) {
  std::vector<Shape> list = telling();
  if (quick) {
    // One of each kind is enough to see that the peers run.
    list.erase(std::remove_if(list.begin(), list.end(), [](const Shape &shape) { return shape.T > 100; }), list.end());
    return list;
  }
  const std::vector<Shape> more = deepbench();
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

bool is_thorough(const Shape &shape) {
  return shape.T == 100 && shape.N == 32 && shape.D == 1 && shape.sequence == RONDO_SEQUENCE_FULL;
}

}  // namespace rondo::gpu
