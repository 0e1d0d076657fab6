// What `rondo verify` leaves behind: the worst figures as text, a JUnit file, a JSON file.
// All three are made from the same list of results.
#pragma once

#include <string>
#include <vector>

#include "cli/verify_run.h"

namespace rondo::cli {

struct Counts {
  int64_t passed = 0, failed = 0, skipped = 0;
};

Counts count(const std::vector<CaseResult> &results);
// A line for each storage type: the largest error, and the largest part of its bound, forward and gradients.
std::string worst_figures(const std::vector<CaseResult> &results);
std::string junit_document(const std::vector<CaseResult> &results);
std::string json_document(const std::vector<CaseResult> &results, const VerifyOptions &options);

}  // namespace rondo::cli
