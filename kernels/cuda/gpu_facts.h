// Constants of known GPUs, which the tiers' layouts are chosen by. Each says where it comes from; none was measured by
// this project yet, so a prediction argues for a choice and proves nothing.
#pragma once

#include "kernels/cuda/tiers.h"

namespace rondo::kernels::cuda {

struct GpuModel {
  const char *name;  // as "H200"
  GpuFacts facts;
};

inline constexpr int kGpuModels = 4;
const GpuModel &gpu_model(int row);

// A device that is there: the model nearest to it, with its own counts put in. clock_ghz of 0: the model's.
GpuFacts facts_of(int capability, int multiprocessors, int64_t shared_bytes, double clock_ghz);

}  // namespace rondo::kernels::cuda
