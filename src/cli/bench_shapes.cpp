// The lists themselves, as {T, N, H} rows of a cell.
// DeepBench's "vanilla" recurrent layer is timed with tanh; relu differs by nothing that shows.
#include "cli/bench_shapes.h"

#include <algorithm>
#include <utility>

#include "cli/random.h"
#include "cli/words.h"

namespace rondo::cli {
namespace {

constexpr rondo_cell_t rnn = RONDO_CELL_RNN_TANH;
constexpr rondo_cell_t lstm = RONDO_CELL_LSTM;
constexpr rondo_cell_t gru = RONDO_CELL_GRU;

struct Row {
  int64_t T, N, H;
};

std::string name_of(const Problem &p) {
  const std::string layers = p.L > 1 ? "-l" + std::to_string(p.L) : "";
  const std::string dtype = p.dtype == RONDO_F32 ? "" : "-" + text_of(words_of(RONDO_ATTR_DTYPE), p.dtype);
  const std::string cell = p.cell == rnn ? "rnn" : text_of(words_of(RONDO_ATTR_CELL), p.cell);
  return cell + "-t" + std::to_string(p.T) + "-n" + std::to_string(p.N) + "-h" + std::to_string(p.H) + layers + dtype +
         "-" + text_of(mode_words(), p.mode);
}

class Lists {
 public:
  // What follows belongs to this set.
  void begin(const std::string &set, rondo_mode_t mode) {
    set_ = set;
    mode_ = mode;
  }
  void add(rondo_cell_t cell, const std::vector<Row> &rows, rondo_dtype_t dtype = RONDO_F32) {
    for (const Row &row : rows) {
      Problem p;
      p.cell = cell;
      p.dtype = dtype;
      p.mode = mode_;
      p.T = row.T;
      p.N = row.N;
      p.I = p.H = row.H;
      add(name_of(p), p, "");
    }
  }
  // The shape in full, with lengths, and packed.
  void add_variable(Row row, int64_t layers) {
    Problem p;
    p.mode = mode_;
    p.T = row.T;
    p.N = row.N;
    p.I = p.H = row.H;
    p.L = layers;
    const std::string full_name = name_of(p);
    add(full_name, p, "");
    Random random(1, "lengths");
    for (int64_t n = 0; n < p.N; ++n) {
      p.lengths.push_back(random.between(p.T / 10, p.T));
    }
    p.lengths.back() = p.T;
    for (const rondo_sequence_t sequence : {RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}) {
      p.sequence = sequence;
      add(full_name + "-" + text_of(sequence_words(), sequence), p, full_name);
    }
  }
  std::vector<BenchShape> take() { return std::move(shapes_); }

 private:
  void add(const std::string &name, const Problem &problem, const std::string &full_name) {
    const auto known =
        std::find_if(shapes_.begin(), shapes_.end(), [&](const BenchShape &shape) { return shape.name == name; });
    if (known != shapes_.end()) {
      known->sets.push_back(set_);
    } else {
      shapes_.push_back({name, problem, {set_}, full_name});
    }
  }

  std::string set_;
  rondo_mode_t mode_ = RONDO_INFERENCE;
  std::vector<BenchShape> shapes_;
};

void add_cpu_tables(Lists &lists) {
  lists.begin("cpu-inference", RONDO_INFERENCE);
  for (const rondo_cell_t cell : {lstm, gru}) {
    lists.add(cell, {{1, 1, 256}, {1, 1, 512}, {1, 1, 1024}, {100, 1, 64}, {100, 1, 128}});
  }
  lists.add(rnn, {{100, 1, 64}, {100, 1, 128}, {672, 1, 32}});
  for (const rondo_cell_t cell : {lstm, gru, rnn}) {
    lists.add(cell, {{100, 32, 64}, {100, 32, 128}});
  }
  lists.add(lstm, {{150, 1, 256}, {25, 1, 512}, {50, 1, 1536}, {25, 2, 1024}, {25, 4, 1024}});
  lists.add(gru, {{187, 1, 1024}, {187, 4, 1024}, {187, 1, 1536}});
  lists.add(lstm, {{150, 16, 256}, {25, 64, 512}, {25, 128, 1024}});
  lists.add(gru, {{187, 32, 1024}});
  lists.add(lstm, {{1, 1, 1024}, {25, 4, 1024}, {25, 64, 512}}, RONDO_BF16);
  lists.begin("cpu-training", RONDO_TRAINING);
  lists.add(lstm, {{100, 1, 64}, {100, 1, 128}, {100, 32, 64}, {150, 16, 256}, {25, 64, 512}, {25, 64, 1024}});
  lists.add(lstm, {{50, 8, 1536}, {25, 32, 2048}});
  lists.add(gru, {{100, 1, 64}, {100, 32, 64}, {1, 32, 512}, {187, 32, 1024}});
  lists.add(rnn, {{100, 1, 64}, {50, 64, 1760}});
}

void add_deepbench_inference(Lists &lists) {
  lists.begin("deepbench-inference", RONDO_INFERENCE);
  for (const int64_t N : {1, 2, 4}) {
    lists.add(lstm, {{25, N, 512}, {25, N, 1024}, {25, N, 2048}, {50, N, 1536}, {150, N, 256}});
    for (const auto &[H, T] : {std::pair{2816, 1500}, {2048, 750}, {1536, 375}, {2560, 187}}) {
      lists.add(gru, {{T, N, H}});
    }
    lists.add(gru, {{1, N, 512}, {1500, N, 1024}});
  }
  // Its list for devices.
  lists.add(rnn, {{672, 1, 32}, {96, 1, 64}});
  lists.add(lstm, {{150, 1, 256}});
}

void add_deepbench_training(Lists &lists) {
  lists.begin("deepbench-training", RONDO_TRAINING);
  for (const int64_t H : {1760, 2048, 2560}) {
    lists.add(rnn, {{50, 16, H}, {50, 32, H}, {50, 64, H}, {50, 128, H}});
  }
  for (const int64_t H : {512, 1024, 2048, 4096}) {
    lists.add(lstm, {{25, 16, H}, {25, 32, H}, {25, 64, H}, {25, 128, H}});
  }
  lists.add(lstm, {{50, 8, 1536}, {50, 16, 1536}, {50, 32, 1536}, {150, 16, 256}, {150, 32, 256}, {150, 64, 256}});
  for (const auto &[H, T] : {std::pair{2816, 1500}, {2048, 750}, {1536, 375}, {2560, 187}}) {
    lists.add(gru, {{T, 32, H}});
  }
  lists.add(gru, {{1, 32, 512}, {1500, 32, 1024}, {1500, 64, 1024}});
}

void add_streaming(Lists &lists) {
  lists.begin("streaming", RONDO_INFERENCE);
  for (const rondo_cell_t cell : {rnn, lstm, gru}) {
    lists.add(cell, {{1, 1, 256}, {1, 1, 512}, {1, 1, 1024}});
  }
}

void add_varlen(Lists &lists) {
  for (const rondo_mode_t mode : {RONDO_INFERENCE, RONDO_TRAINING}) {
    lists.begin("varlen", mode);
    lists.add_variable({100, 32, 128}, 1);
    lists.add_variable({100, 32, 512}, 2);
  }
}

}  // namespace

std::vector<std::string> bench_sets() {
  return {"cpu-inference", "cpu-training", "deepbench-inference", "deepbench-training", "streaming", "varlen"};
}

std::vector<BenchShape> bench_shapes() {
  Lists lists;
  add_cpu_tables(lists);
  add_deepbench_inference(lists);
  add_deepbench_training(lists);
  add_streaming(lists);
  add_varlen(lists);
  return lists.take();
}

}  // namespace rondo::cli
