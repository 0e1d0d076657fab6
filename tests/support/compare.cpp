// Comparison of results and the printed figures.
// Comparisons are written so that a NaN never counts as small.
#include "compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace rondo::test {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

void take_worse(Worst &worst, const std::vector<double> &actual, const std::vector<double> &reference,
                const std::string &name) {
  const double error = error_between(actual, reference);
  if (error > worst.error) worst = {error, name};
}

}  // namespace

double error_between(const std::vector<double> &actual, const std::vector<double> &reference) {
  if (actual.size() != reference.size()) return infinite;
  double largest = 1.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double a = actual[i];
    const double b = reference[i];
    if (std::isfinite(a) && std::isfinite(b)) {
      largest = std::max(largest, std::fabs(b));
      difference = std::max(difference, std::fabs(a - b));
    } else if (!(std::isnan(a) && std::isnan(b)) && a != b) {
      return infinite;
    }
  }
  return difference / largest;
}

Errors errors_between(const Results &actual, const Results &reference) {
  Errors errors;
  take_worse(errors.forward, actual.y, reference.y, "y");
  take_worse(errors.forward, actual.hn, reference.hn, "hn");
  take_worse(errors.forward, actual.cn, reference.cn, "cn");
  if (!reference.dx.empty()) take_worse(errors.gradient, actual.dx, reference.dx, "dx");
  if (!reference.dh0.empty()) take_worse(errors.gradient, actual.dh0, reference.dh0, "dh0");
  if (!reference.dc0.empty()) take_worse(errors.gradient, actual.dc0, reference.dc0, "dc0");
  if (actual.dparams.size() != reference.dparams.size()) {
    errors.gradient = {infinite, "the number of parameter gradients"};
    return errors;
  }
  for (std::size_t i = 0; i < reference.dparams.size(); ++i) {
    if (reference.dparams[i].empty()) continue;
    take_worse(errors.gradient, actual.dparams[i], reference.dparams[i], "dparams[" + std::to_string(i) + "]");
  }
  return errors;
}

void WorstFigures::record(const std::string &group, const std::string &kind, double error, double bound) {
  Line &line = groups_[group][kind];
  ++line.cases;
  line.error = std::max(line.error, error);
  line.part_of_bound = std::max(line.part_of_bound, error / bound);
}

WorstFigures::~WorstFigures() {
  std::printf("%s: worst error (and as a part of its bound)\n", title_.c_str());
  for (const auto &[group, kinds] : groups_) {
    std::printf("  %-22s", group.c_str());
    for (const auto &[kind, line] : kinds) {
      std::printf(" %s %.1e (%.2f, %lld cases)", kind.c_str(), line.error, line.part_of_bound,
                  static_cast<long long>(line.cases));
    }
    std::printf("\n");
  }
  std::fflush(stdout);
}

}  // namespace rondo::test
