// From a test's problem to the library's description and plan of it; no arrays yet.
// Apart from the runner, because a refusal is asked for without any.
#pragma once

#include <cstdint>
#include <vector>

#include "element.h"
#include "handles.h"
#include "problem.h"

namespace rondo::test {

struct RunOptions {
  Dtype dtype = Dtype::f32;
  bool cell_state_f32 = false;
  bool param_grad_f32 = false;
  bool consume_reserve = false;
  std::int64_t threads = 0;  // 0: the context's default
  // How much larger than the call the plan's maxima are.
  std::int64_t extra_T = 0, extra_N = 0, extra_S = 0;
  bool tight_S = false;          // max_S is the call's own sum of lengths, else 0 (T*N)
  bool pack_params = false;      // forward takes rondo_plan_pack_params' output
  bool lengths32 = false;        // int32 lengths
  bool seed_by_pointer = false;  // seed and offset are read from memory
  // Sequence::lengths only: the lengths lie in device memory, as given here where not empty, else the problem's, which
  // are what out-of-bounds ones count as.
  bool device_lengths = false;
  std::vector<std::int64_t> given_lengths{};
};

struct LibraryPlan {
  Rnn rnn;
  Plan plan;
};

// On the back end under test; throws RondoError where that refuses.
LibraryPlan plan_of(const Problem &problem, const RunOptions &options);

}  // namespace rondo::test
