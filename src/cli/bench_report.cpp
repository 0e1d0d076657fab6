// Formats rows. "x peak" is time over the least time at the peak, "of peak" its inverse; neither is a GPU's.
// A row of variable lengths also tells its time over that of the full run, and the fill, S / (T*N), it can hope for.
#include "cli/bench_report.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/words.h"

namespace rondo::cli {
namespace {

double time_over_peak(const BenchRun &run, const BenchRow &row) { return run.peak_gflops / row.gflops(); }

double fill(const Problem &p) { return static_cast<double>(p.S()) / static_cast<double>(p.T * p.N); }

// NULL where the row has no full one, or it was skipped.
const BenchRow *full_row(const BenchRun &run, const BenchRow &row) {
  const auto found = std::find_if(run.rows.begin(), run.rows.end(), [&](const BenchRow &other) {
    return !row.shape.full_name.empty() && other.shape.name == row.shape.full_name && other.skipped.empty();
  });
  return found == run.rows.end() ? nullptr : &*found;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

nlohmann::ordered_json shape_json(const BenchShape &shape) {
  const Problem &p = shape.problem;
  return {{"cell", text_of(words_of(RONDO_ATTR_CELL), p.cell)},
          {"dtype", text_of(words_of(RONDO_ATTR_DTYPE), p.dtype)},
          {"mode", text_of(mode_words(), p.mode)},
          {"sequence", text_of(sequence_words(), p.sequence)},
          {"T", p.T},
          {"N", p.N},
          {"I", p.I},
          {"H", p.H},
          {"L", p.L},
          {"S", p.S()}};
}

}  // namespace

std::string bench_heading(const BenchRun &run) {
  char text[256];
  std::snprintf(
      text, sizeof text,
      "rondo %s, %lld threads, f32 FMA peak %.1f GFLOP/s, median of %lld rounds\n%-44s %11s %8s %10s %8s %8s\n",
      rondo_version_string(), static_cast<long long>(run.threads), run.peak_gflops,
      static_cast<long long>(run.options.rounds), "shape", "ms", "spread", "GFLOP/s", "x peak", "of peak");
  return text;
}

std::string bench_line(const BenchRun &run, const BenchRow &row) {
  char text[320];
  if (!row.skipped.empty()) {
    std::snprintf(text, sizeof text, "%-44s skipped: %.200s\n", row.shape.name.c_str(), row.skipped.c_str());
    return text;
  }
  std::string more;
  if (const BenchRow *full = full_row(run, row); full != nullptr) {
    char ratio[96];
    std::snprintf(ratio, sizeof ratio, "  %.2f of the full run, fill %.2f", row.median / full->median,
                  fill(row.shape.problem));
    more = ratio;
  }
  std::string beside_peak = "       -        -";
  if (!row.on_device) {
    const double ratio = time_over_peak(run, row);
    char both[48];
    std::snprintf(both, sizeof both, "%8.2f %7.1f%%", ratio, 100 / ratio);
    beside_peak = both;
  }
  std::snprintf(text, sizeof text, "%-44s %11.4f %7.1f%% %10.1f %s%s\n", row.shape.name.c_str(), row.median * 1e3,
                (row.slowest - row.fastest) / row.median * 100, row.gflops(), beside_peak.c_str(), more.c_str());
  return text;
}

std::string bench_document(const BenchRun &run) {
  nlohmann::ordered_json document;
  document["rondo"] = rondo_version_string();
  document["processor"] = processor();
  document["threads"] = run.threads;
  document["fma_peak_f32_gflops"] = run.peak_gflops;
  document["rounds"] = run.options.rounds;
  document["min_time_s"] = run.options.min_time;
  document["rows"] = nlohmann::ordered_json::array();
  for (const BenchRow &row : run.rows) {
    nlohmann::ordered_json one;
    one["name"] = row.shape.name;
    one["sets"] = row.shape.sets;
    one["backend"] = row.backend;
    one["shape"] = shape_json(row.shape);
    if (!row.skipped.empty()) {
      one["skipped"] = row.skipped;
    } else {
      one["ms"] = row.median * 1e3;
      one["ms_fastest"] = row.fastest * 1e3;
      one["ms_slowest"] = row.slowest * 1e3;
      one["calls_per_round"] = row.calls_per_round;
      one["gflops"] = row.gflops();
      if (!row.on_device) {
        one["time_over_peak"] = time_over_peak(run, row);
        one["fraction_of_peak"] = 1 / time_over_peak(run, row);
      }
    }
    if (const BenchRow *full = full_row(run, row); full != nullptr && row.skipped.empty()) {
      one["time_over_full"] = row.median / full->median;
      one["fill"] = fill(row.shape.problem);
    }
    document["rows"].push_back(std::move(one));
  }
  return document.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace rondo::cli
