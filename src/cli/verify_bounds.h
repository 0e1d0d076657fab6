// How far a back end's results may lie from the double path, in the error measure of semantics.md:
// max|a-b| / max(1, max|reference|) per tensor.
#pragma once

#include "cli/problem.h"

namespace rondo::cli {

struct Bounds {
  double forward;   // y, hn, cn
  double gradient;  // dx, dh0, dc0 and every parameter's
};

Bounds bounds_for(const Problem &problem);

}  // namespace rondo::cli
