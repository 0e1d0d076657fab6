// Timing of cuDNN's algorithms when a plan is made: on its device, in memory and on a stream of its own, all given back
// before the plan is there.
#pragma once

#include <memory>
#include <string>

#include "backend/cudnn/algorithm.h"
#include "backend/cudnn/handles.h"

namespace rondo::cudnn {

// What a plan is made of and where.
struct Workplace {
  Context &context;
  const Spec &spec;
  const Problem &problem;
  cuda::Device device;
  std::shared_ptr<Handle> handle;
};

// Puts the fastest candidate first, as measured or as remembered; what fails when it runs is dropped, with its reason.
// *report: lines for explain. Refused while the default stream is part of a capture. Without memory to measure in, the
// candidates stay as the rule has them.
Status autotune(const Workplace &place, Candidates *candidates, std::string *report);

}  // namespace rondo::cudnn
