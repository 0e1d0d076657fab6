// rondo_bench_onednn: oneDNN itself as a peer of the benchmark, on the CPU.
// Its ways to run a shape are named by its version, so that two builds of the library can be peers of one run.
#include "gpu/peer.h"
#include "onednn_rnn.h"

namespace {

using rondo::bench::Inference;
using rondo::bench::OnednnRnn;
using rondo::gpu::Shape;
using rondo::gpu::Variant;

std::unique_ptr<Variant> as_meant(const Shape &shape) {
  return std::make_unique<OnednnRnn>(shape, Inference::AsInference);
}

std::unique_ptr<Variant> as_training(const Shape &shape) {
  if (shape.is_training() || shape.dtype != RONDO_F32) return nullptr;  // the same kernels
  return std::make_unique<OnednnRnn>(shape, Inference::AsTraining);
}

}  // namespace

int main() {
  const std::string name = rondo::bench::onednn_name();
  return rondo::gpu::serve({{name, as_meant}, {name + " forward_training", as_training}});
}
