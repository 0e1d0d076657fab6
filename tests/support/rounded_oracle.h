// The oracle with the roundings to storage that semantics.md lists for 16-bit types.
// Not a second truth: it derives bounds, and settles on which side of relu's kink a rounded value lies.
#pragma once

#include "element.h"
#include "oracle.h"

namespace rondo::test {

struct OutputTypes {
  Dtype dtype = Dtype::f16;
  bool cell_state_f32 = false;
  bool param_grad_f32 = false;
};

Results run_rounded_oracle(const Problem &problem, const Values &values, const OutputTypes &types);

}  // namespace rondo::test
