// The fused back end's variants as choices to time when a plan is made; the fastest is taken. Proofs of hardware decide
// beforehand which of them may be: a time measured here is no proof.
#pragma once

#include "backend/cuda/tuning.h"
#include "backend/fused/executor.h"

namespace rondo::fused {

// Refused where none of the variants that may be chosen runs. Without memory to measure in, the choice stays as it is.
Status autotune(const cuda::Workplace &place, const std::shared_ptr<Handle> &handle, Variants *variants);

}  // namespace rondo::fused
