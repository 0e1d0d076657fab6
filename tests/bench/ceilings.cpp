// rondo_bench_ceilings: what this machine can do at most, as one JSON object. A speed is told beside these, measured in
// the same run, because a virtual machine's ceilings move for minutes at a time.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <set>
#include <string>
#include <thread>

#include "bandwidth.h"
#include "kernels/cpu/peak.h"
#include "machine.h"

namespace {

constexpr size_t kibi = 1024;
constexpr size_t working_sets[] = {512 * kibi, 2048 * kibi, 8192 * kibi, 24576 * kibi, 524288 * kibi};

nlohmann::json measure(int threads, double seconds_each) {
  nlohmann::json figures;
  figures["fma_f32_gflops"] = rondo::kernels::measure_fma_peak_gflops(threads, seconds_each, false);
  if (const auto reached = rondo::bench::bf16_dot_gflops(threads, seconds_each)) figures["bf16_dot_gflops"] = *reached;
  for (const size_t bytes : working_sets) {
    figures["read_gb_s"][std::to_string(bytes)] = rondo::bench::read_gb_s(threads, bytes, seconds_each);
  }
  return figures;
}

}  // namespace

int main(int argc, char **argv) {
  CLI::App app("The machine's ceilings, as JSON: multiply-adds, reading memory, a barrier of two threads");
  double seconds = 6;
  app.add_option("--seconds", seconds, "How long to measure, all in all")->check(CLI::Range(0.0, 3600.0));
  CLI11_PARSE(app, argc, argv);
  const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const std::set<int> teams{1, processors};
  const double each = seconds / static_cast<double>(teams.size() * (std::size(working_sets) + 2) + 1);
  nlohmann::json told = rondo::bench::describe_processor();
  told["processors"] = processors;
  told["target"] = rondo::bench::vector_target();
  for (const int threads : teams) told["threads"][std::to_string(threads)] = measure(threads, each);
  if (processors > 1) told["barrier_ns"] = rondo::bench::barrier_ns(each);
  std::printf("%s\n", told.dump(2).c_str());
  return 0;
}
