// rondo_gpu_soak: many plans made, run and destroyed; device memory before and after must agree within a bound.
// With --once every problem runs once and nothing is measured; --few keeps those that compute-sanitizer runs over.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <thread>

#include "streams.h"

namespace {

using rondo::gpu::DeviceRun;
using rondo::gpu::RunChoice;
using rondo::gpu::Shape;
using rondo::gpu::Stream;
using rondo::test::check;

struct Options {
  std::string backend = "fused", tier;
  double seconds = 20;
  bool once = false, few = false, streams = false, f32 = false, tf32 = false;
};

// The driver keeps memory for kernels and library handles it loaded once; the first passes are let to fill that.
constexpr int64_t most_growth = int64_t{4} << 20;

// Small, and between them every cell, type, kind of sequence, mode and direction; sizes off every power of two.
// few: every cell in every type, the kinds of sequence in turn, two of them where f32 is the only type. For a tier in
// its types, and of several blocks where it has them.
std::vector<Shape> problems(const Options &options) {
  const bool device_lengths = options.backend == "fused";
  const bool tier = !options.tier.empty();
  std::vector<Shape> list;
  for (const rondo_cell_t cell : {RONDO_CELL_RNN_TANH, RONDO_CELL_RNN_RELU, RONDO_CELL_LSTM, RONDO_CELL_GRU}) {
    for (const rondo_dtype_t dtype : {RONDO_F32, RONDO_F16, RONDO_BF16, RONDO_F64}) {
      for (const rondo_sequence_t sequence :
           {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED, RONDO_SEQUENCE_DEVICE_LENGTHS}) {
        if (sequence == RONDO_SEQUENCE_DEVICE_LENGTHS && !device_lengths) continue;
        const bool of_f32 = options.f32 || options.tf32;
        const int turn = (sequence - cell - dtype + 8) % 4;
        if (options.few && turn != 0 && (!of_f32 || turn != 1)) continue;
        if (tier && !rondo::gpu::has_tiers(dtype, of_f32)) continue;
        const bool training = (cell + dtype + sequence) % 3 != 0;
        Shape shape{cell, dtype, training ? RONDO_TRAINING : RONDO_INFERENCE, sequence, 7, 5, 11, 19, 1, 1};
        if (tier) shape.H = 67;
        if (tier) shape.N = 13;
        shape.L = 1 + (cell + sequence) % 2;
        shape.D = 1 + (dtype + sequence) % 2;
        list.push_back(shape);
      }
    }
  }
  return list;
}

void run_once(const rondo::test::Context &context, const Shape &shape, const RunChoice &choice) {
  DeviceRun run(context, shape, choice);
  const Stream stream(run.device());
  run.fill(stream);
  run.poison(stream);
  run.call(stream);
  stream.synchronize();
  run.probe(stream);
}

int64_t free_memory() {
  int64_t free_bytes = 0;
  int64_t total = 0;
  check(rondo_device_memory(&free_bytes, &total));
  return free_bytes;
}

// Each round has a context of its own, so that library handles come and go too, and its own thread.
void pass(const std::vector<Shape> &list, const RunChoice &choice) {
  std::exception_ptr failure;
  std::thread worker([&] {
    try {
      const rondo::test::Context context = rondo::test::make_context();
      for (const Shape &shape : list) run_once(context, shape, choice);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  worker.join();
  if (failure) std::rethrow_exception(failure);
}

RunChoice choice_of(const Options &options) {
  const std::map<std::string, rondo_backend_t> names{
      {"cpu", RONDO_BACKEND_CPU}, {"fused", RONDO_BACKEND_FUSED}, {"cudnn", RONDO_BACKEND_CUDNN}};
  RunChoice choice;
  choice.backend = names.at(options.backend);
  choice.tier = options.tier;
  choice.allow_tf32 = options.tf32;
  return choice;
}

class Timer {
 public:
  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A sanitizer slows some problems a lot: what the time is too short for is told as skipped.
int once(const Options &options, const std::vector<Shape> &list) {
  const Timer timer;
  const rondo::test::Context context = rondo::test::make_context();
  size_t done = 0;
  while (done < list.size() && timer.elapsed() < options.seconds) {
    run_once(context, list[done], choice_of(options));
    ++done;
  }
  if (done < list.size()) std::printf("skipped: %zu problems were cut at the time bound\n", list.size() - done);
  std::printf("%zu passed, 0 failed, %zu skipped\n", done, list.size() - done);
  return 0;
}

int soak(const Options &options) {
  const RunChoice choice = choice_of(options);
  if (options.streams) {
    std::printf("%lld passed, 0 failed\n", static_cast<long long>(rondo::gpu::check_streams(choice)));
    return 0;
  }
  const std::vector<Shape> list = problems(options);
  if (options.once) return once(options, list);
  const Timer timer;
  pass(list, choice);
  pass(list, choice);
  int64_t passes = 2;
  const bool measures = choice.backend != RONDO_BACKEND_CPU;
  const int64_t before = measures ? free_memory() : 0;
  while (timer.elapsed() < options.seconds) {
    pass(list, choice);
    ++passes;
  }
  const int64_t lost = measures ? before - free_memory() : 0;
  std::printf("%s: %lld plans; device memory: %lld KiB less than before (bound %lld KiB)\n", options.backend.c_str(),
              static_cast<long long>(passes) * static_cast<long long>(list.size()), static_cast<long long>(lost / 1024),
              static_cast<long long>(most_growth / 1024));
  const bool leaks = lost > most_growth;
  std::printf("%d passed, %d failed\n", leaks ? 0 : 1, leaks ? 1 : 0);
  return leaks ? 1 : 0;
}

}  // namespace

int main(int argc, char **argv) {
  CLI::App app("Makes, runs and destroys plans, and compares device memory before and after");
  Options options;
  app.add_option("--backend", options.backend, "The back end")->check(CLI::IsMember({"cpu", "fused", "cudnn"}));
  CLI::Option *tier = app.add_option("--tier", options.tier, "Of the fused back end's persistent kernels");
  tier->check(CLI::IsMember(rondo::gpu::tiers()));
  app.add_flag("--f32", options.f32, "With a tier: its kernels of f32, not those of 16 bits")->needs(tier);
  app.add_flag("--tf32", options.tf32, "With a tier: those of f32 whose products are of tf32")->needs(tier);
  app.add_option("--seconds", options.seconds, "How long")->check(CLI::Range(0.0, 86400.0));
  app.add_flag("--once", options.once, "Every problem once, as far as the seconds reach");
  app.add_flag("--few", options.few, "A quarter of the problems, half of those of f32 alone");
  app.add_flag("--streams", options.streams, "Two plans on two streams at once, instead");
  CLI11_PARSE(app, argc, argv);
  try {
    return soak(options);
  } catch (const std::exception &error) {
    std::printf("failed: %s\n0 passed, 1 failed\n", error.what());
    return 1;
  }
}
