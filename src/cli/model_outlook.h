// Tiers that are not built, as the cost model sees them: what is to be gained is argued before they are written.
// Coarser than the rows of kernels/cuda/tiers.h, and no call ever runs by them.
#pragma once

#include <optional>

#include "kernels/cuda/tiers.h"

namespace rondo::cli {

struct OutlookRow {
  const char *name;
  // Nothing where the problem does not fit, or a simpler tier holds it.
  std::optional<double> (*step_ns)(const kernels::cuda::SequenceProblem &problem, const kernels::cuda::GpuFacts &gpu);
};

inline constexpr int kOutlookRows = 1;
// "hybrid": where registers and shared memory of all SMs do not hold W_hh, the rest is read from the L2 cache and from
// memory in every step.
const OutlookRow &outlook_row(int row);

}  // namespace rondo::cli
