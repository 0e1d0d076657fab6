// The shapes of `rondo bench`, in sets: this project's CPU tables, DeepBench's lists, streaming, variable lengths.
// H = I in all of them; data is f32 unless the name says otherwise.
#pragma once

#include <string>
#include <vector>

#include "cli/problem.h"

namespace rondo::cli {

struct BenchShape {
  std::string name;  // as "lstm-t25-n64-h512-training"
  Problem problem;
  std::vector<std::string> sets;  // a shape may stand in several
  // Variable lengths: the name of the same shape with all rows T long, which this one is compared with; else empty.
  std::string full_name;
};

std::vector<std::string> bench_sets();
// Every shape once, in the order of the sets.
std::vector<BenchShape> bench_shapes();

}  // namespace rondo::cli
