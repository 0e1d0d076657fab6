// The lines that a run of the numeric suite ends with.
// The cuDNN stand-in proves how its API is used, not what cuDNN computes, and is named so.
#include "tally.h"

#include <cstdio>
#include <cstdlib>

#include "environment.h"

namespace rondo::test {
namespace {

// The tier that plans were forced to, where they were, and its types.
std::string tier() {
  const char *name = std::getenv("RONDO_FUSED_TIER");
  if (!persistent_tests()) return "";
  const std::string types = tf32_tests() ? "tf32" : persistent_f32_tests() ? "f32" : "16-bit";
  return (name == nullptr ? " in any tier" : std::string(" in tier ") + name) + ", " + types;
}

std::string shown(const std::string &backend) {
  if (backend == "cpu" || !emulated_tests()) return backend;
  return backend + (backend == "cudnn" ? " (stand-in, API use)" : " (emulated)");
}

}  // namespace

Tally &Tally::instance() {
  static Tally tally;
  return tally;
}

void Tally::asked(const std::string &suite, const std::string &reason) {
  Suite &counts = suites_[suite];
  ++counts.asked;
  if (reason.empty()) return;
  if (++counts.refused == 1) counts.first_reason = reason;
}

Tally::~Tally() {
  std::int64_t refused = 0;
  for (const auto &[suite, counts] : suites_) {
    refused += counts.refused;
    if (counts.refused == 0) continue;
    std::printf("%s: refused by the back end: %lld of %lld (first reason: %s)\n", suite.c_str(),
                static_cast<long long>(counts.refused), static_cast<long long>(counts.asked),
                counts.first_reason.c_str());
  }
  // Only where a back end is named: listing the cases, as the build does, must print nothing else.
  if (compared_ + refused > 0 && backend_under_test() != RONDO_BACKEND_AUTO) {
    std::printf("numeric on %s%s: %lld cases against the oracle, %lld refused\n", shown(backend_).c_str(),
                tier().c_str(), static_cast<long long>(compared_), static_cast<long long>(refused));
  }
  std::fflush(stdout);
}

}  // namespace rondo::test
