// PyTorch's results as committed by tests/golden/make_goldens.py, as problems, values and results.
// The folder is RONDO_GOLDEN_DIR of the environment, else the definition RONDO_TEST_GOLDEN_DIR given by the build.
#pragma once

#include <string>
#include <vector>

#include "element.h"
#include "problem.h"

namespace rondo::test {

struct Golden {
  std::string name;
  std::string made_with;
  Problem problem;
  Values values;
  Results results;                       // dh0 and dc0 are empty where the case has no states
  std::vector<std::string> param_names;  // as PyTorch names them, in its order
  std::vector<std::int64_t> lengths;     // packed: of the rows in the caller's order
};

// dtype: f64 or f32.
std::vector<Golden> read_goldens(Dtype dtype);

// The same case as padded rows with lengths, in the caller's order; only for packed cases.
Golden unpacked(const Golden &packed);

}  // namespace rondo::test
