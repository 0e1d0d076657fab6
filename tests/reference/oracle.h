// The oracle: forward and backward of every recurrent network rondo computes, naive and in double precision.
// It shares no code with the library, so that the two can only agree by both being right.
#pragma once

#include "problem.h"

namespace rondo::test {

enum class Direction { forward_only, forward_and_backward };

// Rows are computed one after the other, each as its own sequence of length problem.length(row).
Results run_oracle(const Problem &problem, const Values &values, Direction direction = Direction::forward_and_backward);

}  // namespace rondo::test
