// The constants, and how a device is likened to one of them: by capability first, then by its number of SMs.
// Counts and sizes are the vendor's; "estimate" is said of what nobody published or published figures disagree on.
#include "kernels/cuda/gpu_facts.h"

#include <cstdlib>
#include <iterator>

namespace rondo::kernels::cuda {
namespace {

// Estimate: the clocks from a cell's sums to its stored state, a chain of two activations, each with an exponential and
// a division of some 20 dependent instructions.
constexpr double kCellClocks = 300;
constexpr int64_t kMiB = 1048576;

// CUDA programming guide, throughput of arithmetic instructions: GPUs before 8.6 have half as many units.
constexpr double adds_per_clock(int capability) { return capability < 86 ? 64 : 128; }

constexpr GpuFacts hopper(double memory_gb_per_s) {
  constexpr double clock_ghz = 1.98;  // the highest; a kernel that mostly waits keeps it
  return {.capability = 90,
          .multiprocessors = 132,  // data sheet, SXM
          .shared_bytes = 232448,  // CUDA programming guide, 227 KiB
          .largest_cluster = 16,   // CUDA programming guide, beyond 8 on request
          .clock_ghz = clock_ghz,
          .tensor_per_clock = 1280,  // 63 % of wgmma's 2048: arXiv 2402.13499 on mma.sync
          .tf32_per_clock = 640,     // estimate: half, as in the data sheet
          .tensor_clocks = 33,       // estimate, near arXiv 2206.02874's of the A100
          .adds_per_clock = adds_per_clock(90),
          .shared_per_clock = 128,  // CUDA programming guide, 32 banks of 4 bytes
          // arXiv 2501.12084: 3.3 TB/s in clusters of 2, 2.65 TB/s in clusters of 4, over 132 SMs at 1.755 GHz; larger
          // clusters are an estimate.
          .exchange_per_clock = 11,
          .memory_gb_per_s = memory_gb_per_s,
          .block_barrier_ns = 15,  // estimate: some 30 clocks for 16 warps
          // Estimate: arXiv 2501.12084 has 181 to 213 clocks for a load from another SM, there and back; a store goes
          // one way, and its barrier is then seen by a loop of waiting.
          .exchange_ns = 130,
          .cell_ns = kCellClocks / clock_ghz,
          .all_blocks_ns = 1000,        // estimate, as the RTX 5090
          .l2_per_clock = 25,           // estimate: reads of some 5.7 TB/s were reported
          .l2_kept_bytes = 30 * kMiB};  // estimate, of 50
}

constexpr GpuFacts ampere() {
  constexpr double clock_ghz = 1.41;  // data sheet
  return {.capability = 80,
          .multiprocessors = 108,  // data sheet
          .shared_bytes = 166912,  // CUDA programming guide, 163 KiB
          .largest_cluster = 1,    // none before 9.0
          .clock_ghz = clock_ghz,
          .tensor_per_clock = 1024,  // data sheet, 312 TFLOP/s
          .tf32_per_clock = 512,     // data sheet, 156 TFLOP/s
          .tensor_clocks = 33,       // estimate, near arXiv 2206.02874
          .adds_per_clock = adds_per_clock(80),
          .shared_per_clock = 128,  // CUDA programming guide
          .exchange_per_clock = 0,  // no clusters
          .memory_gb_per_s = 1830,  // estimate, 90 % of the data sheet's 2039
          .block_barrier_ns = 20,   // estimate: some 30 clocks
          .exchange_ns = 0,         // no clusters
          .cell_ns = kCellClocks / clock_ghz,
          .all_blocks_ns = 1200,        // estimate
          .l2_per_clock = 30,           // estimate
          .l2_kept_bytes = 24 * kMiB};  // estimate, of 40
}

constexpr GpuFacts blackwell_graphics() {
  constexpr double clock_ghz = 2.407;  // data sheet
  return {.capability = 120,
          .multiprocessors = 170,  // data sheet
          .shared_bytes = 101376,  // CUDA programming guide, 99 KiB
          .largest_cluster = 8,    // CUDA programming guide
          .clock_ghz = clock_ghz,
          .tensor_per_clock = 256,  // data sheet, 209 TFLOP/s with f32 sums
          .tf32_per_clock = 128,    // data sheet, 105 TFLOP/s
          .tensor_clocks = 35,      // estimate
          .adds_per_clock = adds_per_clock(120),
          .shared_per_clock = 128,   // CUDA programming guide
          .exchange_per_clock = 11,  // estimate, as Hopper
          .memory_gb_per_s = 1600,   // estimate, 90 % of the data sheet's 1792
          .block_barrier_ns = 8,     // estimate: 7 ns were reported of the RTX PRO 6000, of the same chip
          .exchange_ns = 130,        // estimate: what was reported of that one for a barrier of a cluster
          .cell_ns = kCellClocks / clock_ghz,
          .all_blocks_ns = 1000,        // estimate: some 1 us was reported of the RTX PRO 6000, with 8 KiB to every SM
          .l2_per_clock = 20,           // estimate
          .l2_kept_bytes = 60 * kMiB};  // estimate, of 96
}

constexpr GpuModel kModels[] = {
    {"H200", hopper(4300)},  // read at, of the data sheet's 4800
    {"H100", hopper(3000)},  // estimate, 90 % of the data sheet's 3350
    {"A100", ampere()},
    {"RTX 5090", blackwell_graphics()},
};
static_assert(std::size(kModels) == kGpuModels);

// Any capability is likened to the nearest: 86 and 89 to 80, 100 and 103 to 90.
int distance(const GpuFacts &model, int capability, int multiprocessors) {
  return std::abs(model.capability - capability) * 1000 + std::abs(model.multiprocessors - multiprocessors);
}

}  // namespace

const GpuModel &gpu_model(int row) { return kModels[row]; }

GpuFacts facts_of(int capability, int multiprocessors, int64_t shared_bytes, double clock_ghz) {
  const GpuModel *nearest = &kModels[0];
  for (const GpuModel &model : kModels) {
    if (distance(model.facts, capability, multiprocessors) < distance(nearest->facts, capability, multiprocessors)) {
      nearest = &model;
    }
  }
  GpuFacts facts = nearest->facts;
  // Clusters: 16 blocks on the data centre's GPUs, 8 on the others, none before 9.0.
  facts.largest_cluster = capability < 90 ? 1 : capability < 110 ? 16 : 8;
  facts.adds_per_clock = adds_per_clock(capability);
  facts.capability = capability;
  facts.multiprocessors = multiprocessors;
  facts.shared_bytes = shared_bytes;
  if (clock_ghz > 0) {
    facts.clock_ghz = clock_ghz;
  }
  return facts;
}

}  // namespace rondo::kernels::cuda
