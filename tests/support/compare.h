// The error measure of semantics.md, max|a-b| / max(1, max|reference|) per tensor, and the table of worst figures.
// Values that are not finite must agree exactly: NaN with NaN, an infinity with the same infinity; else the error is
// infinite.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "problem.h"

namespace rondo::test {

// Infinite where the sizes differ.
double error_between(const std::vector<double> &actual, const std::vector<double> &reference);

struct Worst {
  double error = 0;
  std::string tensor;  // which one
};

struct Errors {
  Worst forward;   // y, hn, cn
  Worst gradient;  // dx, dh0, dc0 and each parameter's
};

// Gradients are compared where the reference has them.
Errors errors_between(const Results &actual, const Results &reference);

// The worst figure of each group of cases, printed one line a group when the table ends its life.
class WorstFigures {
 public:
  explicit WorstFigures(std::string title) : title_(std::move(title)) {}
  WorstFigures(const WorstFigures &) = delete;
  WorstFigures &operator=(const WorstFigures &) = delete;
  ~WorstFigures();
  void record(const std::string &group, const std::string &kind, double error, double bound);

 private:
  struct Line {
    std::int64_t cases = 0;
    double error = 0;          // the largest
    double part_of_bound = 0;  // the largest error / bound
  };
  std::string title_;
  std::map<std::string, std::map<std::string, Line>> groups_;
};

}  // namespace rondo::test
