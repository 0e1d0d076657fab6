// The grid of `rondo verify`: which problems are compared, and their names.
// A name is stable and unique, so that --filter, JUnit and a bug report speak of the same case.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/problem.h"

namespace rondo::cli {

struct VerifyCase {
  Problem problem;          // dtype is the one under test; the reference runs the same in f64
  bool states = true;       // h0, c0 are given, dhn, dcn too
  bool accumulate = false;  // a second backward adds to the first one's parameter gradients
  bool spare = false;       // the plan is larger than the call
  std::string name;
};

// quick: a small part of it, for a first look. seed: of the drawn lengths.
std::vector<VerifyCase> verify_cases(bool quick, uint64_t seed);

}  // namespace rondo::cli
