// The tables: what each algorithm cannot do, and the rule that picks one. The rule is PyTorch's, which its users know
// for f16, with bf16 in the same rows; cuDNN does not check the limits on H itself before it runs.
#include "backend/cudnn/algorithm.h"

#include <array>

namespace rondo::cudnn {
namespace {

bool is_plain_rnn(const Spec &spec) { return spec.cell == RONDO_CELL_RNN_TANH || spec.cell == RONDO_CELL_RNN_RELU; }

// The largest H that PERSIST_STATIC is known to run.
constexpr int64_t static_limit = 1024;

// The largest H that PERSIST_STATIC_SMALL_H runs; backward's limit is the stricter one.
int64_t small_h_limit(const AlgorithmFacts &facts) {
  if (is_plain_rnn(facts.spec)) {
    return facts.problem.training ? 256 : 384;
  }
  return facts.problem.training ? 128 : 192;
}

std::string refuse_nothing(const AlgorithmFacts & /*facts*/) { return {}; }

std::string refuse_any_persistent(const AlgorithmFacts &facts) {
  if (facts.spec.persistent == RONDO_PERSISTENT_NEVER) {
    return "the attribute persistent is never";
  }
  if (facts.spec.proj_size > 0) {
    return "it has no projection";
  }
  if (facts.problem.sequence != RONDO_SEQUENCE_FULL) {
    return std::string("it takes full sequences only, not ") + sequence_name(facts.problem.sequence);
  }
  if (facts.capability < 60) {
    return "it needs compute capability 6.0";
  }
  return {};
}

std::string refuse_above(int64_t limit, const AlgorithmFacts &facts) {
  if (facts.spec.hidden_size > limit) {
    return "hidden_size is " + std::to_string(facts.spec.hidden_size) + ", and it runs up to " + std::to_string(limit) +
           (facts.problem.training ? " in training" : " in inference");
  }
  return facts.spec.storage() == RONDO_F64 ? "it has no f64" : refuse_any_persistent(facts);
}

std::string refuse_static(const AlgorithmFacts &facts) { return refuse_above(static_limit, facts); }
std::string refuse_small_h(const AlgorithmFacts &facts) { return refuse_above(small_h_limit(facts), facts); }

std::string refuse_dynamic(const AlgorithmFacts &facts) {
  if (!facts.problem.fixed_batch) {
    return "it is built for one N, and the attribute fixed_batch is 0";
  }
  return facts.problem.max_N == 0 ? "it is built for an N of 1 or more" : refuse_any_persistent(facts);
}

struct AlgorithmRow {
  cudnnRNNAlgo_t algorithm;
  const char *name;
  bool persistent;
  std::string (*refuse)(const AlgorithmFacts &facts);  // empty: it may run
};

// The surest to run first: where persistent is `require`, the first that may.
constexpr std::array<AlgorithmRow, 4> algorithms{{
    {CUDNN_RNN_ALGO_STANDARD, "standard", false, refuse_nothing},
    {CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, "persist_static_small_h", true, refuse_small_h},
    {CUDNN_RNN_ALGO_PERSIST_DYNAMIC, "persist_dynamic", true, refuse_dynamic},
    {CUDNN_RNN_ALGO_PERSIST_STATIC, "persist_static", true, refuse_static},
}};

const AlgorithmRow &row_of(cudnnRNNAlgo_t algorithm) {
  for (const AlgorithmRow &row : algorithms) {
    if (row.algorithm == algorithm) {
      return row;
    }
  }
  return algorithms.front();
}

// ---- the rule

bool always(const AlgorithmFacts & /*facts*/) { return true; }
bool is_f16(const AlgorithmFacts &facts) { return facts.spec.storage() == RONDO_F16; }
bool is_bf16(const AlgorithmFacts &facts) { return facts.spec.storage() == RONDO_BF16; }

// One layer in one direction, in whole tiles of 128.
bool is_tiled(const AlgorithmFacts &facts) {
  const Spec &spec = facts.spec;
  const bool inputs_fit = spec.input_size % 128 == 0 && (spec.num_layers == 1 || spec.layer_input(1) % 128 == 0);
  return facts.layers == 1 && facts.directions == 1 && spec.hidden_size <= static_limit &&
         spec.hidden_size % 128 == 0 && inputs_fit;
}

bool suits_volta(const AlgorithmFacts &facts) {
  const int64_t N = facts.problem.max_N;
  const bool batch = (N % 16 == 0 && N != 80 && N != 112) || N == 8;
  const bool work = (facts.T >= 40 && N <= 128) || (facts.T >= 20 && N <= 96) || (facts.T >= 10 && N <= 32);
  return is_tiled(facts) && batch && work;
}

bool suits_ampere(const AlgorithmFacts &facts) {
  const int64_t N = facts.problem.max_N;
  if (!is_tiled(facts) || facts.spec.cell == RONDO_CELL_GRU || N % 8 != 0 || N > 128) {
    return false;
  }
  return !is_plain_rnn(facts.spec) || N < 96 || facts.spec.hidden_size < 896;
}

bool is_volta(const AlgorithmFacts &facts) { return facts.capability / 10 == 7 && facts.capability != 75; }
bool is_large_ampere(const AlgorithmFacts &facts) {
  return facts.capability >= 80 && facts.capability % 10 != 6 && facts.multiprocessors >= 98;
}

struct RuleRow {
  bool (*type)(const AlgorithmFacts &facts);
  bool (*device)(const AlgorithmFacts &facts);
  bool (*shape)(const AlgorithmFacts &facts);
  cudnnRNNAlgo_t algorithm;
  const char *why;
};

// The first row that holds, and whose algorithm may run, is picked.
constexpr std::array<RuleRow, 6> rule{{
    {always, always, always, CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, "hidden_size is small"},
    {is_f16, is_volta, suits_volta, CUDNN_RNN_ALGO_PERSIST_STATIC,
     "f16, H and I in 128s, a batch and T that suit sm_7x"},
    {is_f16, is_large_ampere, suits_ampere, CUDNN_RNN_ALGO_PERSIST_STATIC, "f16, H and I in 128s, a batch that suits"},
    {is_bf16, is_volta, suits_volta, CUDNN_RNN_ALGO_PERSIST_STATIC, "bf16, H and I in 128s, a batch and T that suit"},
    {is_bf16, is_large_ampere, suits_ampere, CUDNN_RNN_ALGO_PERSIST_STATIC,
     "bf16, H and I in 128s, a batch that suits"},
    {always, always, always, CUDNN_RNN_ALGO_STANDARD, "no row of the rule for persistent algorithms holds"},
}};

void add_once(Candidates *candidates, cudnnRNNAlgo_t algorithm, const char *why) {
  for (const Candidate &there : candidates->list) {
    if (there.algorithm == algorithm) {
      return;
    }
  }
  candidates->list.push_back({algorithm, why});
}

}  // namespace

Division division_of(const Spec &spec, const Problem &problem) {
  if (problem.max_T > max_steps) {
    return Division::directions;
  }
  return problem.training && spec.dropout > 0 && spec.num_layers > 1 ? Division::layers : Division::whole;
}

AlgorithmFacts algorithm_facts(const Spec &spec, const Problem &problem, const cuda::Device &device) {
  const Division division = division_of(spec, problem);
  return {spec,
          problem,
          division == Division::whole ? spec.num_layers : 1,
          division == Division::directions ? 1 : spec.directions(),
          std::min(problem.max_T, max_steps),
          device.capability(),
          device.multiprocessors};
}

const char *algorithm_name(cudnnRNNAlgo_t algorithm) { return row_of(algorithm).name; }

Candidates find_candidates(const AlgorithmFacts &facts) {
  const bool required = facts.spec.persistent == RONDO_PERSISTENT_REQUIRE;
  const auto refusal = [&](const AlgorithmRow &row) {
    return required && !row.persistent ? std::string("the attribute persistent is require") : row.refuse(facts);
  };
  Candidates candidates;
  for (const RuleRow &row : rule) {
    if (row.type(facts) && row.device(facts) && row.shape(facts) && refusal(row_of(row.algorithm)).empty()) {
      add_once(&candidates, row.algorithm, row.why);
      break;
    }
  }
  for (const AlgorithmRow &row : algorithms) {
    const std::string why_not = refusal(row);
    if (why_not.empty()) {
      add_once(&candidates, row.algorithm, "the first that may run");
    } else {
      candidates.refusals += std::string("not ") + row.name + ": " + why_not + "\n";
    }
  }
  return candidates;
}

}  // namespace rondo::cudnn
