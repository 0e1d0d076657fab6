// The table by which the cuDNN back end picks an algorithm, at its edges, on devices that no emulated machine plays:
// PyTorch's rule for f16 as shared users know it, the same for bf16, and the limits of each algorithm.
#include <algorithm>

#include "backend/cudnn/algorithm.h"
#include "support/catch.h"

namespace {

using namespace rondo;
using namespace rondo::cudnn;

constexpr cudnnRNNAlgo_t standard = CUDNN_RNN_ALGO_STANDARD, persist_static = CUDNN_RNN_ALGO_PERSIST_STATIC,
                         dynamic = CUDNN_RNN_ALGO_PERSIST_DYNAMIC, small_h = CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;

struct Machine {
  int capability, multiprocessors;
};
constexpr Machine v100{70, 80}, t4{75, 40}, a100{80, 108}, a10{86, 108}, a30{80, 56}, h200{90, 132}, b200{100, 148},
    p100{60, 56}, old{52, 24};

struct Case {
  int64_t cell = RONDO_CELL_LSTM;
  int64_t dtype = RONDO_F16;
  int64_t T = 40, N = 32, I = 128, H = 1024, L = 1;
  rondo_mode_t mode = RONDO_TRAINING;
  rondo_sequence_t sequence = RONDO_SEQUENCE_FULL;
  int64_t bidirectional = 0, proj_size = 0, persistent = RONDO_PERSISTENT_AUTO;
  bool fixed_batch = false;
  double dropout = 0;
};

Candidates candidates(const Machine &machine, const Case &it) {
  Spec spec{};
  spec.cell = it.cell;
  spec.dtype = it.dtype;
  spec.input_size = it.I;
  spec.hidden_size = it.H;
  spec.num_layers = it.L;
  spec.bidirectional = it.bidirectional;
  spec.proj_size = it.proj_size;
  spec.persistent = it.persistent;
  spec.fixed_batch = it.fixed_batch ? 1 : 0;
  spec.dropout = it.dropout;
  spec.bias = 1;
  Problem problem{};
  problem.training = it.mode == RONDO_TRAINING;
  problem.sequence = it.sequence;
  problem.max_T = it.T;
  problem.max_N = it.N;
  problem.max_S = it.T * it.N;
  problem.fixed_batch = it.fixed_batch;
  cuda::Device device{};
  device.major = machine.capability / 10;
  device.minor = machine.capability % 10;
  device.multiprocessors = machine.multiprocessors;
  return find_candidates(algorithm_facts(spec, problem, device));
}

std::string picked(const Machine &machine, const Case &it) {
  const Candidates found = candidates(machine, it);
  return found.list.empty() ? "none" : algorithm_name(found.list.front().algorithm);
}

bool may_run(const Machine &machine, const Case &it, cudnnRNNAlgo_t algorithm) {
  const auto list = candidates(machine, it).list;
  return std::any_of(list.begin(), list.end(), [&](const Candidate &one) { return one.algorithm == algorithm; });
}

struct Expected {
  Machine machine;
  Case problem;
  cudnnRNNAlgo_t algorithm;
};

void check_all(const std::vector<Expected> &table) {
  for (const Expected &row : table) {
    const Case &it = row.problem;
    CAPTURE(row.machine.capability, it.cell, it.dtype, it.T, it.N, it.I, it.H, it.L);
    CHECK(picked(row.machine, it) == algorithm_name(row.algorithm));
  }
}

}  // namespace

TEST_CASE("16-bit networks of one layer in 128s run persistently where PyTorch runs them so", "[algorithms]") {
  const int64_t dtype = GENERATE(values<int64_t>({RONDO_F16, RONDO_BF16}));
  check_all({
      {a100, {.dtype = dtype, .N = 8}, persist_static},
      {a100, {.dtype = dtype, .N = 12}, standard},
      {a100, {.dtype = dtype, .N = 128}, persist_static},
      {a100, {.dtype = dtype, .N = 136}, standard},
      {a100, {.dtype = dtype, .T = 1}, persist_static},
      {a100, {.dtype = dtype, .I = 64}, standard},
      {a100, {.dtype = dtype, .H = 1000}, standard},
      {a100, {.dtype = dtype, .H = 1152}, standard},
      {a100, {.dtype = dtype, .L = 2}, standard},
      {a100, {.dtype = dtype, .bidirectional = 1}, standard},
      {a100, {.cell = RONDO_CELL_GRU, .dtype = dtype}, standard},
      {a100, {.cell = RONDO_CELL_RNN_TANH, .dtype = dtype, .N = 88}, persist_static},
      {a100, {.cell = RONDO_CELL_RNN_TANH, .dtype = dtype, .N = 96}, standard},
      {a100, {.cell = RONDO_CELL_RNN_RELU, .dtype = dtype, .N = 96, .H = 768}, persist_static},
      {a100, {.cell = RONDO_CELL_RNN_RELU, .dtype = dtype, .N = 96, .H = 896}, standard},
      {h200, {.dtype = dtype}, persist_static},
      {h200, {.cell = RONDO_CELL_GRU, .dtype = dtype}, standard},
      {b200, {.dtype = dtype}, persist_static},
      {a30, {.dtype = dtype}, standard},
      {a10, {.dtype = dtype}, standard},
      {t4, {.dtype = dtype}, standard},
      {p100, {.dtype = dtype}, standard},
  });
}

TEST_CASE("on compute capability 7.0 batch and T decide together", "[algorithms]") {
  const int64_t cell = GENERATE(values<int64_t>({RONDO_CELL_LSTM, RONDO_CELL_GRU}));
  check_all({
      {v100, {.cell = cell, .T = 10, .N = 32}, persist_static},
      {v100, {.cell = cell, .T = 9, .N = 32}, standard},
      {v100, {.cell = cell, .T = 10, .N = 48}, standard},
      {v100, {.cell = cell, .T = 10, .N = 8}, persist_static},
      {v100, {.cell = cell, .T = 40, .N = 24}, standard},
      {v100, {.cell = cell, .T = 20, .N = 96}, persist_static},
      {v100, {.cell = cell, .T = 19, .N = 96}, standard},
      {v100, {.cell = cell, .T = 40, .N = 80}, standard},
      {v100, {.cell = cell, .T = 40, .N = 112}, standard},
      {v100, {.cell = cell, .T = 40, .N = 128}, persist_static},
      {v100, {.cell = cell, .T = 39, .N = 128}, standard},
      {v100, {.cell = cell, .T = 40, .N = 144}, standard},
  });
}

TEST_CASE("a small H runs in the algorithm for it, up to its limits in either mode", "[algorithms]") {
  const int64_t dtype = GENERATE(values<int64_t>({RONDO_F32, RONDO_F16, RONDO_BF16}));
  constexpr int64_t lstm = RONDO_CELL_LSTM, gru = RONDO_CELL_GRU, tanh = RONDO_CELL_RNN_TANH;
  const auto row = [&](int64_t cell, int64_t H, rondo_mode_t mode, cudnnRNNAlgo_t algorithm) {
    return Expected{a10, {.cell = cell, .dtype = dtype, .H = H, .L = 2, .mode = mode}, algorithm};
  };
  check_all({
      row(lstm, 192, RONDO_INFERENCE, small_h),
      row(lstm, 193, RONDO_INFERENCE, standard),
      row(lstm, 128, RONDO_TRAINING, small_h),
      row(lstm, 129, RONDO_TRAINING, standard),
      row(gru, 192, RONDO_INFERENCE, small_h),
      row(gru, 129, RONDO_TRAINING, standard),
      row(tanh, 384, RONDO_INFERENCE, small_h),
      row(tanh, 385, RONDO_INFERENCE, standard),
      row(tanh, 256, RONDO_TRAINING, small_h),
      row(tanh, 257, RONDO_TRAINING, standard),
  });
  CHECK(picked(p100, {.dtype = dtype, .H = 64}) == "persist_static_small_h");
  CHECK(picked(old, {.dtype = dtype, .H = 64}) == "standard");
}

TEST_CASE("projection, sequences that are not full, f64 and persistent = never run in the standard algorithm",
          "[algorithms]") {
  check_all({
      {a100, {.H = 1024, .proj_size = 64}, standard},
      {a100, {.H = 64, .proj_size = 32}, standard},
      {a100, {.sequence = RONDO_SEQUENCE_PACKED}, standard},
      {a100, {.sequence = RONDO_SEQUENCE_LENGTHS}, standard},
      {a100, {.H = 64, .sequence = RONDO_SEQUENCE_LENGTHS}, standard},
      {a100, {.dtype = RONDO_F64, .H = 64}, standard},
      {a100, {.persistent = RONDO_PERSISTENT_NEVER}, standard},
      {a100, {.H = 64, .persistent = RONDO_PERSISTENT_NEVER}, standard},
  });
  const Candidates never = candidates(a100, {.persistent = RONDO_PERSISTENT_NEVER, .fixed_batch = true});
  CHECK(never.list.size() == 1);
  CHECK_THAT(never.refusals, Catch::Matchers::Contains("not persist_dynamic: the attribute persistent is never"));
}

TEST_CASE("layers that run one by one are looked at one by one", "[algorithms]") {
  CHECK(picked(a100, {.L = 2, .dropout = 0.5}) == "persist_static");
  CHECK(picked(a100, {.I = 64, .L = 2, .dropout = 0.5}) == "standard");
  CHECK(picked(a100, {.L = 2, .mode = RONDO_INFERENCE, .dropout = 0.5}) == "standard");
}

TEST_CASE("persistent = require takes what may run, the surest first, or nothing", "[algorithms]") {
  constexpr int64_t require = RONDO_PERSISTENT_REQUIRE;
  CHECK(picked(a10, {.dtype = RONDO_F32, .H = 64, .persistent = require}) == "persist_static_small_h");
  CHECK(picked(a10, {.dtype = RONDO_F32, .H = 512, .persistent = require}) == "persist_static");
  CHECK(picked(a10, {.dtype = RONDO_F32, .H = 512, .persistent = require, .fixed_batch = true}) == "persist_dynamic");
  CHECK(picked(a10, {.dtype = RONDO_F64, .H = 64, .persistent = require}) == "none");
  CHECK(picked(a10, {.dtype = RONDO_F64, .H = 64, .persistent = require, .fixed_batch = true}) == "persist_dynamic");
  CHECK(picked(a10, {.dtype = RONDO_F32, .H = 1152, .persistent = require}) == "none");
  CHECK(picked(a10, {.sequence = RONDO_SEQUENCE_PACKED, .persistent = require, .fixed_batch = true}) == "none");
  CHECK(picked(a10, {.proj_size = 64, .persistent = require}) == "none");
  CHECK_THAT(candidates(a10, {.dtype = RONDO_F64, .persistent = require}).refusals,
             Catch::Matchers::Contains("not standard: the attribute persistent is require") &&
                 Catch::Matchers::Contains("not persist_static: it has no f64"));
}

TEST_CASE("what is built for one N may run only where N is fixed", "[algorithms]") {
  CHECK_FALSE(may_run(a100, {}, dynamic));
  CHECK(may_run(a100, {.fixed_batch = true}, dynamic));
  CHECK_FALSE(may_run(a100, {.N = 0, .fixed_batch = true}, dynamic));
  CHECK_FALSE(may_run(a100, {.H = 1025}, persist_static));
}
