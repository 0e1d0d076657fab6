// Tiers: the ways in which W_hh can stay on chip for a whole sequence, one row each: what it needs, how it lies, and
// what a step is predicted to take. Selection, launcher and `explain` read these rows and nothing else.
#pragma once

#include <cstdint>
#include <optional>

#include "kernels/cell/numbers.h"

namespace rondo::kernels::cuda {

enum class Tier { single, cluster, grid };

// What a tier is asked about.
struct SequenceProblem {
  int64_t cell;  // CellRow
  Storage storage;
  bool backward;
  int64_t H, N;
  int directions;
  bool tf32;      // products of f32 storage may round their operands so
  int64_t P = 0;  // of a projection, less than H; 0: none. LSTM of 16-bit storage only
};

// What of a GPU decides what fits and how long it takes; gpu_facts.h has those of known GPUs.
struct GpuFacts {
  int capability;  // as 90
  int multiprocessors;
  int64_t shared_bytes;  // of one block at most
  int largest_cluster;   // blocks; 1: no clusters
  double clock_ghz;
  double tensor_per_clock;    // dense 16-bit multiply-adds of mma.sync per SM and clock
  double tf32_per_clock;      // the same of tf32
  double tensor_clocks;       // from one mma.sync to the next that adds to the same accumulators
  double adds_per_clock;      // multiply-adds of f32 per SM and clock
  double shared_per_clock;    // bytes a SM reads of its shared memory per clock
  double exchange_per_clock;  // bytes a SM receives from other blocks of its cluster per clock
  double memory_gb_per_s;     // of the whole GPU
  double block_barrier_ns;    // __syncthreads of a block
  double exchange_ns;         // a value's way into another block of the cluster until its barrier lets go
  double cell_ns;             // gates, states and stores of a step, where each thread has few of them
  double all_blocks_ns;       // a value's way through global memory until the flags of all blocks have been seen
  double l2_per_clock;        // bytes a SM reads of the L2 cache per clock, while all do
  int64_t l2_kept_bytes;      // of the L2 cache, what can be kept in it from step to step
};

// How a layer lies on the GPU. A group is the blocks that together hold W_hh for one slice of the batch.
struct SequenceLayout {
  Tier tier;
  uint32_t blocks;        // of a group: 1, the cluster's, or as many of the grid's as share W_hh
  uint32_t units;         // of a block, a multiple of 16; a group's last blocks may have fewer, down to none
  uint32_t rows;          // of a slice, a multiple of 8 up to 32
  uint32_t groups;        // slices of the batch
  uint32_t k_parts;       // warps that share one product's K
  uint32_t held;          // steps of 16 along a part's K that a warp holds in registers
  uint32_t threads;       // of a block: 32 * units / 16 * k_parts
  uint32_t shared_bytes;  // dynamic, of a block
  double step_ns;         // predicted
};

struct TierRow {
  Tier tier;
  const char *name;  // "fused single", "fused cluster", "fused grid"
  int min_capability;
  // The best layout, or nothing where the problem does not fit.
  std::optional<SequenceLayout> (*layout)(const SequenceProblem &problem, const GpuFacts &gpu);
};

// Multiply-adds of the problem's products per SM and clock.
double products_per_clock(const SequenceProblem &problem, const GpuFacts &gpu);

inline constexpr int kTierRows = 3;
const TierRow &tier_row(int row);

// Rows of W_hr, or columns of what it gives, that a block of `units` units has: a multiple of 16, never more than
// units; the last blocks with units may have fewer, down to none. Without a projection there are as many as units.
uint32_t sequence_outputs(const SequenceProblem &problem, uint32_t units);

// The places of a block's dynamic shared memory, in bytes from its beginning: launcher and kernel read this. With a
// projection nothing is held, and a step has a second product, whose operand takes turns with the first's: each has one
// place.
struct SequenceShared {
  uint32_t weight;       // the block's rows of W_hh (backward: of W_hh^T), [tiles*16, weight_row] storage
  uint32_t weight_row;   // elements: what of K is not held, rounded up to 16, and 16 bytes more; 0: all is held
  uint32_t operand[2];   // h (backward: dG), [rows, operand_row] storage each; steps take turns; grid: one place
  uint32_t operand_row;  // elements: K rounded up to 16, and 16 bytes more
  uint32_t partial;      // [k_parts - 1, warps of a part, 32 lanes, accumulators] f32
  uint32_t barrier[2];   // 8 bytes each
  uint32_t bytes;
  // With a projection: the block's rows of W_hr (backward: of W_hr^T) and what they multiply, o*tanh(c) (backward: the
  // gradient of h), [rows, projected_row] storage both.
  uint32_t projection;
  uint32_t projected;
  uint32_t projected_row;  // elements: K rounded up to 16, and 16 bytes more
};
SequenceShared sequence_shared(const SequenceProblem &problem, Tier tier, uint32_t units, uint32_t rows,
                               uint32_t k_parts, uint32_t held);

// What the blocks of a grid's groups put their numbers and their flags into, in global memory: never less for more
// rows, whatever their layouts.
struct SequenceExchange {
  int64_t row;      // elements of a row's numbers: K rounded up to 16; with a projection those of both operands
  int64_t numbers;  // bytes of two copies of all rows (with a projection: of one), of all directions
  int64_t flags;    // bytes of a flag for each group, at most
};
inline constexpr int64_t kFlagBytes = 128;  // a flag has a cache line of its own
SequenceExchange sequence_exchange(const SequenceProblem &problem);

}  // namespace rondo::kernels::cuda
