// rondo_bench_cudnn: cuDNN itself as a peer of the benchmark, with every algorithm it accepts.
// --limits asks another question: up to which H and N each persistent algorithm really runs, which its descriptor does
// not check and only a run shows. It stops at its own clock, and tells what it measured until then.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "cudnn_rnn.h"
#include "gpu/peer.h"

namespace {

using rondo::bench::Algorithm;
using rondo::bench::algorithms;
using rondo::bench::CudnnRnn;
using rondo::bench::Library;
using rondo::gpu::Candidate;
using rondo::gpu::Shape;

// PERSIST_DYNAMIC is compiled for each shape, which takes seconds.
bool is_compiled(const Algorithm &algorithm) { return algorithm.id == CUDNN_RNN_ALGO_PERSIST_DYNAMIC; }

std::vector<Candidate> candidates(const Library &library) {
  std::vector<Candidate> list;
  for (const Algorithm &algorithm : algorithms) {
    for (const bool tf32 : {false, true}) {
      if (tf32 && is_compiled(algorithm)) continue;
      const std::string name = std::string(algorithm.name) + (tf32 ? " tf32" : "");
      list.push_back({name,
                      [&library, algorithm, tf32](const Shape &shape) -> std::unique_ptr<rondo::gpu::Variant> {
                        if (tf32 && shape.dtype != RONDO_F32) return nullptr;
                        return std::make_unique<CudnnRnn>(library, shape, algorithm, tf32);
                      },
                      is_compiled(algorithm)});
    }
  }
  return list;
}

// Empty where it runs, else why not.
std::string why_not(const Library &library, const Shape &shape, const Algorithm &algorithm) {
  try {
    CudnnRnn rnn(library, shape, algorithm, false);
    rnn.enqueue();
    rnn.wait();
    rnn.probe();
    return "";
  } catch (const std::exception &error) {
    return error.what();
  }
}

struct Kind {
  Algorithm algorithm;
  rondo_cell_t cell;
  rondo_dtype_t dtype;

  Shape shape(int64_t N, int64_t H) const {
    return {cell, dtype, RONDO_TRAINING, RONDO_SEQUENCE_FULL, 4, N, H, H, 1, 1};
  }
};

std::vector<Kind> kinds() {
  std::vector<Kind> list;
  for (const bool compiled : {false, true}) {  // the quick ones first
    for (const Algorithm &algorithm : algorithms) {
      if (algorithm.id == CUDNN_RNN_ALGO_STANDARD || is_compiled(algorithm) != compiled) continue;
      for (const rondo_dtype_t dtype : {RONDO_F16, RONDO_F32, RONDO_BF16}) {
        for (const rondo_cell_t cell : {RONDO_CELL_LSTM, RONDO_CELL_GRU, RONDO_CELL_RNN_TANH}) {
          list.push_back({algorithm, cell, dtype});
        }
      }
    }
  }
  return list;
}

class Limits {
 public:
  Limits(const Library &library, double seconds) : library_(library), seconds_(seconds) {}

  int measure() {
    check_device("nothing");
    if (!broken_.empty()) throw std::runtime_error(broken_);
    const std::vector<Kind> all = kinds();
    size_t measured = 0;
    for (; measured < all.size() && !stopped(); ++measured) row(all[measured]);
    if (measured == all.size() && !stopped()) {
      std::printf("%zu passed, 0 failed\n", measured);
      return 0;
    }
    // The last row was cut too, but what it tells is told.
    std::printf("skipped: %s\n%zu passed, 0 failed, %zu skipped\n",
                broken_.empty() ? "the time was up" : broken_.c_str(), measured, all.size() - measured);
    return 0;
  }

 private:
  bool stopped() const { return !broken_.empty() || Clock::now() - start_ > std::chrono::duration<double>(seconds_); }

  void row(const Kind &kind) {
    std::string text = kind.shape(1, 64).name();
    text = std::string(kind.algorithm.name) + " " + text.substr(0, text.find("-t")) + ": H up to";
    for (const int64_t N : {1, 8, 16, 64, 128}) {
      const int64_t largest = largest_H(kind, N);
      text += " " + std::to_string(largest) + (stopped() ? " or more" : "") + " (N " + std::to_string(N) + ")";
      if (stopped()) break;
    }
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
  }

  // The largest H of the ladder that runs, 0 for none. An algorithm that stops at some H stops for good.
  int64_t largest_H(const Kind &kind, int64_t N) {
    int64_t largest = 0;
    for (const int64_t H : {64, 128, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048}) {
      if (stopped()) break;
      const std::string reason = why_not(library_, kind.shape(N, H), kind.algorithm);
      if (reason.empty()) {
        largest = H;
      } else {
        check_device(std::string(kind.algorithm.name) + " " + kind.shape(N, H).name() + " (" + reason + ")");
      }
      if (H >= 4 * std::max<int64_t>(largest, 64)) break;
    }
    return largest;
  }

  // Some errors stay with the process: every answer after one would be no.
  void check_device(const std::string &failed) {
    const Shape sure{RONDO_CELL_LSTM, RONDO_F32, RONDO_TRAINING, RONDO_SEQUENCE_FULL, 4, 8, 64, 64, 1, 1};
    const std::string reason = why_not(library_, sure, algorithms[0]);
    if (!reason.empty()) broken_ = "after " + failed + " nothing runs any more, STANDARD neither: " + reason;
  }

  using Clock = std::chrono::steady_clock;
  const Library &library_;
  const double seconds_;
  const Clock::time_point start_ = Clock::now();
  std::string broken_;
};

}  // namespace

int main(int argc, char **argv) {
  CLI::App app("cuDNN as a peer of rondo's GPU benchmark");
  bool asks_limits = false;
  app.add_flag("--limits", asks_limits, "Print up to which H each persistent algorithm runs");
  double seconds = 60;
  app.add_option("--seconds", seconds, "How long --limits may take")->check(CLI::Range(0.0, 86400.0));
  CLI11_PARSE(app, argc, argv);
  try {
    const Library library;
    return asks_limits ? Limits(library, seconds).measure() : rondo::gpu::serve(candidates(library));
  } catch (const std::exception &error) {
    std::fprintf(stderr, "rondo_bench_cudnn: %s\n", error.what());
    return 1;
  }
}
