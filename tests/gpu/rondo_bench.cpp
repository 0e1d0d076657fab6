// rondo_gpu_bench: rondo's own back ends as a peer of the benchmark.
// On a machine without a GPU it serves the CPU back end when RONDO_GPU_BENCH_BACKEND=cpu asks for it: a test of itself.
#include <cstdlib>

#include "device_run.h"
#include "peer.h"

namespace {

using rondo::gpu::Candidate;
using rondo::gpu::DeviceRun;
using rondo::gpu::has_tiers;
using rondo::gpu::RunChoice;
using rondo::gpu::Shape;

class RondoVariant : public rondo::gpu::Variant {
 public:
  RondoVariant(const rondo::test::Context &context, const Shape &shape, const RunChoice &choice)
      : run_(context, shape, choice), stream_(run_.device()) {
    run_.fill(stream_);
    run_.poison(stream_);
  }
  void enqueue() override { run_.call(stream_); }
  void wait() override { stream_.synchronize(); }
  std::vector<double> probe() override { return run_.probe(stream_); }
  std::string explain() override { return run_.explain(); }

 private:
  DeviceRun run_;
  rondo::gpu::Stream stream_;
};

Candidate candidate(const rondo::test::Context &context, const std::string &name, const RunChoice &choice) {
  return {name,
          [&context, choice](const Shape &shape) -> std::unique_ptr<rondo::gpu::Variant> {
            if (choice.allow_tf32 && shape.dtype != RONDO_F32) return nullptr;
            if (!choice.tier.empty() && !has_tiers(shape.dtype)) return nullptr;
            return std::make_unique<RondoVariant>(context, shape, choice);
          },
          choice.autotune};
}

std::vector<Candidate> candidates(const rondo::test::Context &context, bool on_cpu) {
  RunChoice choice;
  choice.pack_params = true;
  if (on_cpu) {
    choice.backend = RONDO_BACKEND_CPU;
    return {candidate(context, "cpu", choice)};
  }
  std::vector<Candidate> list;
  for (const bool tf32 : {false, true}) {
    const std::string suffix = tf32 ? " tf32" : "";
    choice.allow_tf32 = tf32;
    choice.backend = RONDO_BACKEND_FUSED;
    list.push_back(candidate(context, "fused" + suffix, choice));
    choice.backend = RONDO_BACKEND_CUDNN;
    list.push_back(candidate(context, "cudnn" + suffix, choice));
  }
  for (const bool tf32 : {false, true}) {
    for (const char *tier : rondo::gpu::tier_names) {
      RunChoice forced = choice;
      forced.allow_tf32 = tf32;
      forced.backend = RONDO_BACKEND_FUSED;
      forced.tier = tier;
      list.push_back(candidate(context, std::string("fused ") + tier + (tf32 ? " tf32" : ""), forced));
    }
  }
  choice.allow_tf32 = false;
  choice.autotune = true;
  list.push_back(candidate(context, "cudnn autotuned", choice));
  choice.backend = RONDO_BACKEND_FUSED;
  list.push_back(candidate(context, "fused autotuned", choice));
  return list;
}

}  // namespace

int main() {
  const rondo::test::Context context = rondo::test::make_context();
  const char *wanted = std::getenv("RONDO_GPU_BENCH_BACKEND");
  const bool on_cpu = wanted != nullptr && std::string(wanted) == "cpu";
  return rondo::gpu::serve(candidates(context, on_cpu));
}
