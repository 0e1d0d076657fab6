// rondo_gpu_capture: forward and backward captured in a CUDA graph and replayed with other inputs, against eager calls.
// Built only where the CUDA toolkit is: captures need the runtime itself. Equal means bit for bit: the kernels are the
// same. Eager calls come first, so that the graphs hold what is to be compared and not what a process loads at first;
// --cold asks for the opposite, in a process of its own.
#include <cuda_runtime.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "device_run.h"

namespace {

using rondo::gpu::DeviceRun;
using rondo::gpu::RunChoice;
using rondo::gpu::Shape;
using rondo::gpu::Stream;

void need(cudaError_t error, const char *what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

class Graph {
 public:
  Graph(DeviceRun &run, const Stream &stream) {
    auto *cuda_stream = static_cast<cudaStream_t>(stream.get());
    need(cudaStreamBeginCapture(cuda_stream, cudaStreamCaptureModeThreadLocal), "begin capture");
    try {
      run.call(stream);
    } catch (...) {
      // The thread must not stay in capture.
      cudaStreamEndCapture(cuda_stream, &graph_);
      if (graph_ != nullptr) cudaGraphDestroy(graph_);
      throw;
    }
    need(cudaStreamEndCapture(cuda_stream, &graph_), "end capture");
    need(cudaGraphInstantiate(&executable_, graph_, 0), "instantiate");
  }
  Graph(const Graph &) = delete;
  Graph &operator=(const Graph &) = delete;
  ~Graph() {
    if (executable_ != nullptr) cudaGraphExecDestroy(executable_);
    if (graph_ != nullptr) cudaGraphDestroy(graph_);
  }
  void replay(const Stream &stream) const {
    need(cudaGraphLaunch(executable_, static_cast<cudaStream_t>(stream.get())), "replay");
    stream.synchronize();
  }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
};

// Inputs, and lengths in device memory, change between replays; variant 0 comes again last, so that nothing of an
// earlier replay may stay behind.
void compare_replays(DeviceRun &eager, DeviceRun &captured, const Graph &graph, const Stream &stream) {
  for (const int64_t variant : {0, 1, 2, 0}) {
    eager.refill(variant, stream);
    eager.poison(stream);
    eager.call(stream);
    stream.synchronize();
    eager.probe(stream);
    captured.refill(variant, stream);
    captured.poison(stream);
    graph.replay(stream);
    if (eager.outputs(stream) != captured.outputs(stream)) {
      throw std::runtime_error("replay " + std::to_string(variant) + " differs from the eager call");
    }
  }
}

// The same inputs under another seed: the graph must read the seed at each replay.
void compare_seeds(DeviceRun &captured, const Graph &graph, const Stream &stream) {
  std::vector<std::vector<unsigned char>> outputs;
  for (const int64_t variant : {1, 2, 1}) {
    captured.write_seed(variant, stream);
    captured.poison(stream);
    graph.replay(stream);
    outputs.push_back(captured.outputs(stream));
  }
  if (outputs[0] == outputs[1]) throw std::runtime_error("another seed in device memory changes nothing");
  if (outputs[0] != outputs[2]) throw std::runtime_error("a seed that comes again gives other results");
}

void compare(const rondo::test::Context &context, const Shape &shape, const RunChoice &choice) {
  DeviceRun eager(context, shape, choice);
  DeviceRun captured(context, shape, choice);
  const Stream stream(eager.device());
  eager.fill(stream);
  captured.fill(stream);
  captured.call(stream);
  stream.synchronize();
  const Graph graph(captured, stream);
  compare_replays(eager, captured, graph, stream);
  if (choice.dropout > 0) compare_seeds(captured, graph, stream);
}

std::vector<Shape> problems(const RunChoice &choice) {
  const bool device_lengths = choice.backend == RONDO_BACKEND_FUSED;
  std::vector<Shape> list;
  for (const rondo_cell_t cell : {RONDO_CELL_RNN_TANH, RONDO_CELL_LSTM, RONDO_CELL_GRU}) {
    for (const rondo_dtype_t dtype : {RONDO_F32, RONDO_F16}) {
      if (!choice.tier.empty() && !rondo::gpu::has_tiers(dtype, false)) continue;
      for (const rondo_sequence_t sequence :
           {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED, RONDO_SEQUENCE_DEVICE_LENGTHS}) {
        if (sequence == RONDO_SEQUENCE_DEVICE_LENGTHS && !device_lengths) continue;
        for (const rondo_mode_t mode : {RONDO_INFERENCE, RONDO_TRAINING}) {
          list.push_back({cell, dtype, mode, sequence, 12, 6, 24, 40, 2, 2});
        }
      }
    }
  }
  return list;
}

RunChoice choice_of(const std::string &backend, const std::string &tier) {
  RunChoice choice;
  choice.tier = tier;
  choice.backend = backend == "cudnn" ? RONDO_BACKEND_CUDNN : RONDO_BACKEND_FUSED;
  choice.deterministic = true;
  return choice;
}

int run_all(const RunChoice &wanted) {
  const rondo::test::Context context = rondo::test::make_context();
  int passed = 0;
  int failed = 0;
  for (const double dropout : {0.0, 0.4}) {
    RunChoice choice = wanted;
    choice.dropout = dropout;
    for (const Shape &shape : problems(choice)) {
      if (dropout > 0 && !shape.is_training()) continue;
      try {
        compare(context, shape, choice);
        ++passed;
      } catch (const std::exception &error) {
        std::printf("FAILED %s dropout %.1f: %s\n", shape.name().c_str(), dropout, error.what());
        ++failed;
      }
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed > 0 || passed == 0 ? 1 : 0;
}

// Kernels and libraries are loaded within the capture, which a driver or library may refuse: told, and no failure.
int run_cold(const RunChoice &choice) {
  const Shape shape{RONDO_CELL_LSTM, RONDO_F16, RONDO_TRAINING, RONDO_SEQUENCE_FULL, 12, 6, 24, 40, 2, 2};
  const rondo::test::Context context = rondo::test::make_context();
  DeviceRun captured(context, shape, choice);
  const Stream stream(captured.device());
  captured.fill(stream);
  std::unique_ptr<Graph> graph;
  try {
    graph = std::make_unique<Graph>(captured, stream);
  } catch (const rondo::test::RondoError &error) {
    std::printf("skipped: refused as the first call of a process: %s\n0 passed, 0 failed, 1 skipped\n", error.what());
    return 0;
  }
  DeviceRun eager(context, shape, choice);
  eager.fill(stream);
  compare_replays(eager, captured, *graph, stream);
  std::printf("1 passed, 0 failed\n");
  return 0;
}

}  // namespace

int main(int argc, char **argv) {
  CLI::App app("Captures forward and backward in a graph and compares replays with eager calls");
  std::string backend = "fused";
  std::string tier;
  bool cold = false;
  app.add_option("--backend", backend, "The back end")->check(CLI::IsMember({"fused", "cudnn"}));
  app.add_option("--tier", tier, "Of the fused back end's persistent kernels")
      ->check(CLI::IsMember(rondo::gpu::tiers()));
  app.add_flag("--cold", cold, "One capture, before any eager call of the process");
  CLI11_PARSE(app, argc, argv);
  try {
    const RunChoice choice = choice_of(backend, tier);
    return cold ? run_cold(choice) : run_all(choice);
  } catch (const std::exception &error) {
    std::printf("failed: %s\n0 passed, 1 failed\n", error.what());
    return 1;
  }
}
