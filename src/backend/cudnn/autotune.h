// cuDNN's algorithms as choices to time when a plan is made; the times decide their order.
#pragma once

#include "backend/cuda/tuning.h"
#include "backend/cudnn/algorithm.h"
#include "backend/cudnn/handles.h"

namespace rondo::cudnn {

// Puts the fastest candidate first, as measured or as remembered; what failed when it ran is dropped, with its reason.
// Without memory to measure in, the candidates stay as the rule has them.
Status autotune(const cuda::Workplace &place, const std::shared_ptr<Handle> &handle, Candidates *candidates,
                cuda::Tuned *tuned);

}  // namespace rondo::cudnn
