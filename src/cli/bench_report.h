// What `rondo bench` prints: a table line a shape, and one JSON document.
// Both tell a time beside the time that the products alone would take at the measured peak.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench_measure.h"

namespace rondo::cli {

struct BenchRun {
  int64_t threads = 0;
  double peak_gflops = 0;  // f32 fused multiply-adds, all threads, measured in the same run
  BenchOptions options;
  std::vector<BenchRow> rows;
};

std::string bench_heading(const BenchRun &run);
// run.rows holds the rows so far, where one of variable lengths finds its full one.
std::string bench_line(const BenchRun &run, const BenchRow &row);
std::string bench_document(const BenchRun &run);

}  // namespace rondo::cli
