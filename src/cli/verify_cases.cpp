// Builds the grid: every combination of the options that interact, then each of the others, then sizes.
// Inference cases take packed parameters; training cases run forward and all gradients.
#include "cli/verify_cases.h"

#include <functional>
#include <set>
#include <utility>

#include "cli/element.h"
#include "cli/random.h"
#include "cli/words.h"

namespace rondo::cli {
namespace {

constexpr rondo_dtype_t all_dtypes[] = {RONDO_F64, RONDO_F32, RONDO_F16, RONDO_BF16};
constexpr rondo_cell_t all_cells[] = {RONDO_CELL_RNN_TANH, RONDO_CELL_RNN_RELU, RONDO_CELL_LSTM, RONDO_CELL_GRU};

// relu's slope jumps at 0 and 16 bits round coarsely: with many units and steps some pre-activation always falls on the
// other side of 0 than in double, whatever is drawn, and no bound on gradients holds. Smaller cases are drawn anew.
bool always_meets_a_kink(const Problem &p) {
  const bool many = p.T * p.N * p.L * p.D() * p.H > 16000;
  return p.cell == RONDO_CELL_RNN_RELU && is_16_bit(p.dtype) && p.is_training() && many;
}

enum class Lengths { random, with_zeros, all_zero };

std::vector<int64_t> draw_lengths(const Problem &p, Lengths kind, uint64_t seed) {
  Random random(seed, "lengths of " + shape_name(p));
  std::vector<int64_t> lengths(static_cast<size_t>(p.N), 0);
  if (kind == Lengths::all_zero || p.T == 0) {
    return lengths;
  }
  for (size_t row = 0; row < lengths.size(); ++row) {
    lengths[row] = random.between(1, p.T);
    if (kind == Lengths::with_zeros && row % 3 == 0) {
      lengths[row] = 0;
    }
  }
  if (!lengths.empty()) {
    lengths[lengths.size() / 2 == 0 ? 0 : 1] = p.T;  // a packed call's T is its longest length
  }
  return lengths;
}

class Grid {
 public:
  Grid(bool quick, uint64_t seed) : quick_(quick), seed_(seed) {}

  void interacting_options();
  void single_options(rondo_cell_t cell, rondo_dtype_t dtype);
  void sequences(rondo_cell_t cell, rondo_dtype_t dtype);
  void sizes(rondo_cell_t cell, rondo_dtype_t dtype);
  std::vector<VerifyCase> take() { return std::move(cases_); }

 private:
  using Change = std::function<void(VerifyCase &)>;

  static Problem base(rondo_cell_t cell, rondo_dtype_t dtype) {
    Problem p;
    p.cell = cell;
    p.dtype = dtype;
    p.T = 9;
    p.N = 4;
    p.I = 7;
    p.H = 10;
    return p;
  }

  // Two cases, for training and for inference, with what option names behind the shape.
  void add(const Problem &problem, const std::string &option, const Change &change = {},
           Lengths lengths = Lengths::random) {
    for (const rondo_mode_t mode : {RONDO_TRAINING, RONDO_INFERENCE}) {
      VerifyCase one;
      one.problem = problem;
      one.problem.mode = mode;
      if (change) {
        change(one);
      }
      Problem &p = one.problem;
      if (p.sequence != RONDO_SEQUENCE_FULL) {
        p.lengths = draw_lengths(p, lengths, seed_);
        p.T = p.sequence == RONDO_SEQUENCE_PACKED && lengths == Lengths::all_zero ? 0 : p.T;
      }
      one.name = shape_name(p) + (option.empty() ? "" : "-" + option) +
                 (p.sequence == RONDO_SEQUENCE_FULL ? "" : "-" + text_of(sequence_words(), p.sequence)) + "-" +
                 text_of(mode_words(), mode);
      if (!always_meets_a_kink(p) && names_.insert(one.name).second) {
        cases_.push_back(std::move(one));
      }
    }
  }

  const bool quick_;
  const uint64_t seed_;
  std::vector<VerifyCase> cases_;
  std::set<std::string> names_;
};

// Layers, directions, projection and the kind of sequence change each other's loops: all combinations.
void Grid::interacting_options() {
  for (const rondo_cell_t cell : all_cells) {
    for (const rondo_dtype_t dtype : all_dtypes) {
      for (const int64_t proj : {0, 4}) {
        for (const int64_t layers : {1, 2}) {
          for (const bool both : {false, true}) {
            for (const rondo_sequence_t sequence :
                 {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}) {
              const bool corner = layers == 2 && both;
              if ((proj > 0 && cell != RONDO_CELL_LSTM) || (quick_ && !corner)) {
                continue;
              }
              Problem p = base(cell, dtype);
              p.P = proj;
              p.L = layers;
              p.bidirectional = both;
              p.sequence = sequence;
              add(p, "");
            }
          }
        }
      }
    }
  }
}

void Grid::single_options(rondo_cell_t cell, rondo_dtype_t dtype) {
  const Problem p = base(cell, dtype);
  const auto dropped = [](double probability) {
    return [probability](VerifyCase &c) {
      c.problem.L = 3;
      c.problem.bidirectional = true;
      c.problem.dropout = probability;
      c.problem.sequence = RONDO_SEQUENCE_LENGTHS;
    };
  };
  add(p, "nobias", [](VerifyCase &c) {
    c.problem.bias = false;
    c.problem.L = 2;
  });
  add(p, "batchmajor", [](VerifyCase &c) {
    c.problem.layout = RONDO_BATCH_MAJOR;
    c.problem.bidirectional = true;
  });
  add(p, "dropout0.4", dropped(0.4));
  add(p, "dropout1", dropped(1.0));
  add(p, "nostates", [](VerifyCase &c) { c.states = false; });
  add(p, "accumulate", [](VerifyCase &c) { c.accumulate = c.problem.is_training(); });
  add(p, "largerplan", [](VerifyCase &c) { c.spare = true; });
  add(p, "cell", [](VerifyCase &c) {
    c.problem.single_cell = true;
    c.problem.T = 1;
  });
  if (cell == RONDO_CELL_LSTM) {
    add(p, "cellstatef32", [](VerifyCase &c) { c.problem.cell_state_f32 = true; });
  }
  add(p, "paramgradf32", [](VerifyCase &c) { c.problem.param_grad_f32 = true; });
}

void Grid::sequences(rondo_cell_t cell, rondo_dtype_t dtype) {
  for (const rondo_sequence_t sequence : {RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}) {
    Problem p = base(cell, dtype);
    p.sequence = sequence;
    p.bidirectional = true;
    add(p, "zerolengths", {}, Lengths::with_zeros);
    add(p, "allzerolengths", {}, Lengths::all_zero);
  }
  Problem padded = base(cell, dtype);
  padded.sequence = RONDO_SEQUENCE_LENGTHS;
  padded.layout = RONDO_BATCH_MAJOR;
  padded.padding_value = -0.75;
  add(padded, "batchmajor-padding");
  Problem empty = base(cell, dtype);
  empty.bidirectional = true;
  empty.T = 0;
  add(empty, "empty");
  empty.T = 5;
  empty.N = 0;
  add(empty, "empty");
}

void Grid::sizes(rondo_cell_t cell, rondo_dtype_t dtype) {
  struct Size {
    int64_t T, N, I, H;
    bool quick;
  };
  // Around the widths of vectors and blocks, the smallest, a long sequence, and some of the size that users run.
  constexpr Size sizes[] = {{1, 1, 1, 1, true},       {1, 3, 40, 24, true},     {7, 1, 3, 5, true},
                            {5, 2, 16, 16, true},     {6, 5, 17, 33, true},     {4, 33, 8, 64, false},
                            {20, 8, 64, 63, false},   {6, 3, 257, 3, false},    {3, 6, 2, 129, false},
                            {50, 1, 128, 128, false}, {12, 16, 96, 256, false}, {200, 2, 32, 48, false},
                            {4, 48, 100, 512, false}, {1000, 1, 4, 20, false},  {70000, 1, 2, 3, false}};
  for (const Size &size : sizes) {
    // A relu cell of three units may grow without bound over so many steps.
    const bool diverges = cell == RONDO_CELL_RNN_RELU && size.T > 1000;
    if ((quick_ && !size.quick) || diverges) {
      continue;
    }
    Problem p = base(cell, dtype);
    p.T = size.T;
    p.N = size.N;
    p.I = size.I;
    p.H = size.H;
    add(p, "");
  }
}

}  // namespace

std::vector<VerifyCase> verify_cases(bool quick, uint64_t seed) {
  Grid grid(quick, seed);
  grid.interacting_options();
  for (const rondo_cell_t cell : all_cells) {
    for (const rondo_dtype_t dtype : all_dtypes) {
      grid.single_options(cell, dtype);
      grid.sequences(cell, dtype);
      grid.sizes(cell, dtype);
    }
  }
  return grid.take();
}

}  // namespace rondo::cli
