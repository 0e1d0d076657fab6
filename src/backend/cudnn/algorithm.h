// Which of cuDNN's recurrent algorithms may serve a problem, and which one a rule picks: two tables in algorithm.cpp.
// A plan fixes one algorithm for forward and backward, because they share a reserve.
#pragma once

#include <cudnn.h>

#include <string>
#include <vector>

#include "backend/cuda/device.h"
#include "core/problem.h"

namespace rondo::cudnn {

// How a network is cut into cuDNN networks.
enum class Division {
  whole,      // one network
  layers,     // a network per layer, with our dropout between
  directions  // a network per layer and direction, in chunks of steps: for what is too long for one call
};
Division division_of(const Spec &spec, const Problem &problem);

// cuDNN refuses 65536 steps and more.
inline constexpr int64_t max_steps = 65535;

// What an algorithm's fitness depends on: of the largest call, and of the networks a plan is cut into.
struct AlgorithmFacts {
  Spec spec;
  Problem problem;
  int64_t layers, directions;  // of one network
  int64_t T;                   // of one cuDNN call
  int capability;
  int multiprocessors;
};
AlgorithmFacts algorithm_facts(const Spec &spec, const Problem &problem, const cuda::Device &device);

struct Candidate {
  cudnnRNNAlgo_t algorithm;
  std::string why;
};

// What may run, the one to take first; and a line for each that may not.
struct Candidates {
  std::vector<Candidate> list;
  std::string refusals;  // "not persist_static: ...\n" each
};
// Under the attribute persistent. The list is empty only where it is `require`.
Candidates find_candidates(const AlgorithmFacts &facts);

const char *algorithm_name(cudnnRNNAlgo_t algorithm);

}  // namespace rondo::cudnn
