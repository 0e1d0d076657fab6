// `rondo explain --model`: what a step is predicted to take in each tier on each known GPU, without a GPU at hand.
// Predictions are those that selection uses, from the same rows; nothing here is measured.
#pragma once

#include <cstdint>
#include <string>

namespace rondo::cli {

struct ModelProblem {
  int64_t cell, dtype, H, P, N, T;
  bool bidirectional, training, tf32;
};

// Every tier on every GPU, with its layout.
std::string model_of(const ModelProblem &problem);
// The shapes with a floor: each tier on the H200 against it, and the best tier of the other GPUs.
std::string model_table(int64_t dtype, bool tf32);

}  // namespace rondo::cli
