// Runs one case of `rondo verify`: the same drawn inputs on the back end under test and on the CPU in double.
// Inputs are rounded to the storage type before both, so that only the computation is compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/handles.h"
#include "cli/verify_cases.h"

namespace rondo::cli {

enum class Verdict { passed, failed, skipped };

// One tensor's comparison, with the element that is furthest off.
struct Figure {
  std::string tensor;
  bool is_gradient = false;
  double error = 0;  // the measure of semantics.md; infinite where NaN or infinity stand on one side only
  double bound = 0;
  std::string element;  // as "y[3,0,12]"
  double actual = 0, expected = 0;

  bool is_within() const { return error <= bound; }  // false for NaN
};

struct CaseResult {
  std::string name;
  rondo_dtype_t dtype = RONDO_F32;
  Verdict verdict = Verdict::passed;
  std::string message;  // of a failure or a skip, one line
  std::string backend;
  int64_t draws = 0;  // of inputs: more than one only where relu's kink was met
  double seconds = 0;
  std::vector<Figure> figures;  // one a tensor
};

struct VerifyOptions {
  rondo_backend_t backend = RONDO_BACKEND_AUTO;
  uint64_t seed = 1;
  double bound_scale = 1;
};

// A back end that refuses the problem as unsupported makes a skip; any other failure of the library a failure.
CaseResult run_case(const VerifyCase &one, const VerifyOptions &options, const Context &tested,
                    const Context &reference);

}  // namespace rondo::cli
