// How far a result may lie from the oracle's: semantics.md's figures, and for 16 bits and tf32 a bound derived in
// bounds.cpp. Both are relative to max(1, max|reference|) of a tensor, as compare.h measures.
#pragma once

#include "element.h"
#include "problem.h"

namespace rondo::test {

struct Bounds {
  double forward = 0;
  double gradient = 0;
};

Bounds bounds_for(const Problem &problem, Dtype dtype);

}  // namespace rondo::test
