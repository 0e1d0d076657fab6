// Times one shape: forward with packed parameters in inference, forward and backward in training.
// A figure is the median of several rounds, each long enough for the clock.
#pragma once

#include <string>

#include "cli/bench_shapes.h"
#include "cli/handles.h"

namespace rondo::cli {

struct BenchOptions {
  rondo_backend_t backend = RONDO_BACKEND_AUTO;
  int64_t rounds = 5;
  double min_time = 0.05;  // seconds a round
};

struct BenchRow {
  BenchShape shape;
  std::string backend;
  bool on_device = false;                       // a GPU's, whose peak is not the one that is measured
  std::string skipped;                          // why it was not timed; empty where it was
  double median = 0, fastest = 0, slowest = 0;  // seconds a call
  int64_t calls_per_round = 0;

  double gflops() const { return shape.problem.flops() / median * 1e-9; }
};

// A problem that the back end does not support is skipped, as one too large for the memory; other failures are thrown.
BenchRow measure(const BenchShape &shape, const BenchOptions &options, const Context &context);

}  // namespace rondo::cli
