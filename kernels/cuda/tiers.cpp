// The tiers' rows: every layout that fits is given a predicted step time, and the shortest is taken. Host code without
// CUDA's headers, so that the command and the tests can ask without a GPU.
#include "kernels/cuda/tiers.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "kernels/cuda/persistent_limits.h"

namespace rondo::kernels::cuda {
namespace {

constexpr int64_t kMostBlocks = 2147483647;  // of a grid's x
constexpr uint32_t kWarp = 32;
constexpr double kSchedulers = 4;  // of a SM, each with a quarter of its tensor cores
constexpr int64_t kSumBytes = 4;
// Estimate: a load of shared memory takes some 30 clocks, and four steps along K are loaded at a time.
constexpr double kLoadClocks = 8;
// Estimate: shared memory bandwidth that a warp's load of 16 bytes a lane takes: half of what its lanes get where
// neighbours read the same, as the four that share a unit do, else all.
constexpr double kUnitLoadBytes = 256;
constexpr double kRowLoadBytes = 512;
constexpr int64_t kPaddingBytes = 16;  // rows begin 4 banks apart, so that no load meets a bank twice
// A GPU's partitions hold at least so many SMs, and a cluster lies in one of them.
constexpr int64_t kPartition = 16;

constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

uint32_t gates_of(int64_t cell) { return cell == kLstm ? 4 : cell == kGru ? 3 : 1; }

// The product of one step, [stationary rows, K] * [K, rows of the batch].
struct Product {
  uint32_t tiles_of_unit_tile;  // 16-row tiles for each 16 units
  int64_t K;
};
// With W_hh or, backward, its transpose.
Product product_of(const SequenceProblem &problem) {
  const uint32_t gates = gates_of(problem.cell);
  return problem.backward ? Product{1, gates * problem.H} : Product{gates, problem.P != 0 ? problem.P : problem.H};
}
// With W_hr.
Product projection_of(const SequenceProblem &problem) { return {1, problem.backward ? problem.P : problem.H}; }

ProductKind kind_of(const SequenceProblem &problem) { return product_kind(problem.storage, problem.tf32); }
int64_t element_bytes(const SequenceProblem &problem) { return problem.storage == Storage::f32 ? 4 : 2; }

// Accumulators of one thread.
uint32_t accumulators(const Product &product, uint32_t rows) { return product.tiles_of_unit_tile * 4 * rows / 8; }

int64_t most_threads(const SequenceProblem &problem, int64_t rows, int64_t k_parts, uint32_t held) {
  return sequence_threads(kind_of(problem), static_cast<int>(gates_of(problem.cell)), problem.backward,
                          static_cast<uint32_t>(rows / 8), static_cast<uint32_t>(k_parts), held, problem.P != 0);
}

// Of the one kernel that holds anything of W_hh in registers, 0 where there is none.
uint32_t most_held(const SequenceProblem &problem, int64_t rows, int64_t k_parts) {
  if (problem.P != 0) {
    return 0;
  }
  return sequence_held(kind_of(problem), static_cast<int>(gates_of(problem.cell)), problem.backward,
                       static_cast<uint32_t>(rows / 8), static_cast<uint32_t>(k_parts));
}

// Columns of the stationary slice that registers do not hold, a multiple of 16.
int64_t columns_in_shared(const Product &product, int64_t k_parts, int64_t held) {
  return std::max<int64_t>(round_up(product.K, 16) - k_parts * held * 16, 0);
}

bool is_possible(const SequenceProblem &problem) {
  return problem.cell >= 0 && problem.cell < kCells && problem.H >= 1 && problem.N >= 1 &&
         (problem.directions == 1 || problem.directions == 2) && problem.storage != Storage::f64 &&
         (problem.storage == Storage::f32 || !problem.tf32) &&
         (problem.P == 0 ||
          (problem.P > 0 && problem.P < problem.H && problem.cell == kLstm && kind_of(problem) == ProductKind::narrow));
}

// Groups that run at the same time: one block a SM, as a second one would share all that a step waits for.
int64_t groups_at_once(Tier tier, const GpuFacts &gpu, int64_t blocks) {
  return tier == Tier::cluster ? gpu.multiprocessors / kPartition * (kPartition / blocks)
                               : gpu.multiprocessors / blocks;
}

uint32_t warps_of(const SequenceLayout &layout) { return layout.threads / kWarp; }

// One of a step's products as a layout's block has it.
struct Part {
  Product product;
  uint32_t units;  // rows of its first gate
  uint32_t held;

  uint32_t warps_of_part() const { return units / 16; }
  uint32_t warps(const SequenceLayout &layout) const { return warps_of_part() * layout.k_parts; }
};
Part main_part(const SequenceProblem &problem, const SequenceLayout &layout) {
  const uint32_t units = problem.backward ? sequence_outputs(problem, layout.units) : layout.units;
  return {product_of(problem), units, layout.held};
}
Part projection_part(const SequenceProblem &problem, const SequenceLayout &layout) {
  const uint32_t units = problem.backward ? layout.units : sequence_outputs(problem, layout.units);
  return {projection_of(problem), units, 0};
}

// Instructions of a cell on one unit of one row, with its loads and stores: counted in the machine code for sm_90, and
// rounded. The divisions' slow paths are not in them.
double cell_instructions(const SequenceProblem &problem) {
  constexpr double kForward[kCells] = {25, 12, 165, 115};
  constexpr double kBackward[kCells] = {20, 20, 70, 50};
  return (problem.backward ? kBackward : kForward)[problem.cell];
}

// Bytes of global memory that a step reads and writes for one unit of one row: `pre` and history, or dy, the gates, the
// states and the gradients. A projection's own are fewer than H and counted as if they were as many.
double memory_bytes(const SequenceProblem &problem) {
  const double gates = gates_of(problem.cell);
  const auto bytes = static_cast<double>(element_bytes(problem));
  const double projected = problem.P != 0 ? bytes : 0;
  return projected + (problem.backward ? 16 + (4 + bytes) * gates : bytes + 4 * gates);
}

// Of multiply-adds: a warp's own instructions and waits, or its reads of shared memory with all others'. For four k it
// reads two units of each gate and two rows of each tile.
double adds_clocks(const Product &product, const GpuFacts &gpu, const SequenceLayout &layout) {
  // Of the longest part; some may have nothing, since many rows want several parts.
  const double fours = static_cast<double>(ceil_div(ceil_div(product.K, 16), layout.k_parts)) * 4;
  const double unit_tiles = product.tiles_of_unit_tile;
  const double row_tiles = layout.rows / 8.0;
  const double clocks_of_add = kWarp * kSchedulers / gpu.adds_per_clock;
  const double chain = fours * (16 * unit_tiles * row_tiles * clocks_of_add + kLoadClocks);
  const double bytes = fours * warps_of(layout) * 2 * (unit_tiles * kUnitLoadBytes + row_tiles * kRowLoadBytes);
  return std::max(chain, bytes / gpu.shared_per_clock);
}

// Clocks until a block's warps have their sums: the tensor cores, the chain of one accumulator's additions or the reads
// of shared memory, whichever is longest. Every step reads what of the stationary slice is not in registers.
double product_clocks(const SequenceProblem &problem, const GpuFacts &gpu, const SequenceLayout &layout,
                      const Part &part) {
  const Product &product = part.product;
  const auto K = static_cast<double>(round_up(product.K, 16));
  const double tile_rows = product.tiles_of_unit_tile * part.units;
  const double busy = std::min(1.0, part.warps(layout) / kSchedulers);
  const double work = tile_rows * K * layout.rows / (products_per_clock(problem, gpu) * busy);
  if (kind_of(problem) == ProductKind::f32) {
    return std::max(work, adds_clocks(product, gpu, layout));
  }
  const double chains = sequence_chains(product.tiles_of_unit_tile, layout.rows / 8);
  // A step is of 32 bytes; of f32 and with a projection some parts may have none, and the longest counts.
  const int64_t depth = problem.storage == Storage::f32 ? 8 : 16;
  const double steps = problem.storage == Storage::f32 || problem.P != 0
                           ? static_cast<double>(ceil_div(ceil_div(product.K, depth), layout.k_parts))
                           : K / 16 / layout.k_parts;
  const double chain = steps * (gpu.tensor_clocks / chains + kLoadClocks);
  const double operand = layout.rows * K * part.warps_of_part();
  const auto columns = static_cast<double>(columns_in_shared(product, layout.k_parts, part.held));
  const double shared =
      (tile_rows * columns + operand) * static_cast<double>(element_bytes(problem)) / gpu.shared_per_clock;
  return std::max({work, chain, shared});
}

// The parts of K write what others finish and read what they finish themselves.
double meeting_ns(const GpuFacts &gpu, const SequenceLayout &layout, const Part &part) {
  if (layout.k_parts == 1) {
    return 0;
  }
  const double sums = accumulators(part.product, layout.rows) * kWarp * part.warps_of_part() * (layout.k_parts - 1.0);
  return gpu.block_barrier_ns + 2 * kSumBytes * sums / gpu.shared_per_clock / gpu.clock_ghz;
}

// From the sums to the new states: the first of a thread's cells takes its latency, the others and those of the warps
// that share its scheduler follow as fast as they are issued. Rows that do not exist cost as much as others.
double cells_ns(const SequenceProblem &problem, const GpuFacts &gpu, const SequenceLayout &layout) {
  const double cells = layout.rows / 2.0 / layout.k_parts * std::max(1.0, warps_of(layout) / kSchedulers);
  return gpu.cell_ns + (cells - 1) * cell_instructions(problem) / gpu.clock_ghz;
}

// Until every block of the group has what the next step multiplies. Only rows that exist are sent.
double exchange_ns(const SequenceProblem &problem, const GpuFacts &gpu, const SequenceLayout &layout,
                   const Product &product) {
  if (layout.tier == Tier::single) {
    return gpu.block_barrier_ns;
  }
  const auto rows = static_cast<double>(std::min<int64_t>(layout.rows, problem.N));
  const double of_others = static_cast<double>(product.K) * (1 - 1.0 / layout.blocks);
  const double bytes = of_others * rows * static_cast<double>(element_bytes(problem));
  if (layout.tier == Tier::cluster) {
    return gpu.exchange_ns + bytes / gpu.exchange_per_clock / gpu.clock_ghz;
  }
  // Barriers: what was read may be overwritten (a meeting of parts is one too), the block's own is written, the others'
  // is there to be read, and has been. Where two operands take turns, their exchanges make the first needless.
  const double barriers = layout.k_parts == 1 && problem.P == 0 ? 4 : 3;
  return gpu.all_blocks_ns + barriers * gpu.block_barrier_ns + bytes / gpu.l2_per_clock / gpu.clock_ghz;
}

// A product, its parts' meeting, and the exchange of what it multiplies.
double product_ns(const SequenceProblem &problem, const GpuFacts &gpu, const SequenceLayout &layout, const Part &part) {
  return product_clocks(problem, gpu, layout, part) / gpu.clock_ghz + meeting_ns(gpu, layout, part) +
         exchange_ns(problem, gpu, layout, part.product);
}

double step_ns(const SequenceProblem &problem, const GpuFacts &gpu, const SequenceLayout &layout) {
  const double projection = problem.P == 0 ? 0 : product_ns(problem, gpu, layout, projection_part(problem, layout));
  const double path =
      product_ns(problem, gpu, layout, main_part(problem, layout)) + cells_ns(problem, gpu, layout) + projection;
  const int64_t groups = int64_t{layout.groups} * problem.directions;
  const int64_t waves = ceil_div(groups, groups_at_once(layout.tier, gpu, layout.blocks));
  // Global memory is shared by all and is read ahead, so it counts only where it takes longer than all else.
  const double bytes = static_cast<double>(problem.N * problem.H * problem.directions) * memory_bytes(problem);
  return std::max(static_cast<double>(waves) * path, bytes / gpu.memory_gb_per_s);
}

// One candidate, or nothing where it does not fit.
std::optional<SequenceLayout> layout_of(Tier tier, const SequenceProblem &problem, const GpuFacts &gpu, int64_t blocks,
                                        int64_t rows, int64_t k_parts, uint32_t held) {
  // A step's longest; with a projection the other product may leave parts without work.
  const int64_t K = std::max(product_of(problem).K, problem.P != 0 ? projection_of(problem).K : 0);
  const int64_t units = round_up(ceil_div(problem.H, blocks), 16);
  const int64_t threads = 2 * units * k_parts;
  const int64_t groups = ceil_div(problem.N, rows);
  if (threads > most_threads(problem, rows, k_parts, held) || groups > kMostBlocks / blocks ||
      (problem.storage != Storage::f32 && k_parts * 16 > round_up(K, 16))) {
    return std::nullopt;
  }
  // Blocks that wait for each other over the grid must all run at once.
  const int64_t at_once = groups_at_once(tier, gpu, blocks);
  if (at_once < (tier == Tier::grid ? groups * problem.directions : 1)) {
    return std::nullopt;
  }
  SequenceLayout layout{.tier = tier,
                        .blocks = static_cast<uint32_t>(blocks),
                        .units = static_cast<uint32_t>(units),
                        .rows = static_cast<uint32_t>(rows),
                        .groups = static_cast<uint32_t>(groups),
                        .k_parts = static_cast<uint32_t>(k_parts),
                        .held = held,
                        .threads = static_cast<uint32_t>(threads),
                        .shared_bytes = 0,
                        .step_ns = 0};
  layout.shared_bytes = sequence_shared(problem, tier, layout.units, layout.rows, layout.k_parts, held).bytes;
  if (layout.shared_bytes > gpu.shared_bytes) {
    return std::nullopt;
  }
  layout.step_ns = step_ns(problem, gpu, layout);
  return layout;
}

std::optional<SequenceLayout> best_layout(Tier tier, const SequenceProblem &problem, const GpuFacts &gpu,
                                          const std::vector<int64_t> &group_blocks) {
  std::optional<SequenceLayout> best;
  // Beyond, not even one row of the operand fits, and sizes in bytes would leave 32 bits.
  if (!is_possible(problem) || problem.H > gpu.shared_bytes) {
    return best;
  }
  for (const int64_t blocks : group_blocks) {
    for (const int64_t rows : {8, 16, 24, 32}) {
      for (const int64_t k_parts : {1, 2, 4, 8}) {
        for (const uint32_t held : {0u, most_held(problem, rows, k_parts)}) {
          const auto layout = layout_of(tier, problem, gpu, blocks, rows, k_parts, held);
          if (layout && (!best || layout->step_ns < best->step_ns)) {
            best = layout;
          }
        }
      }
    }
  }
  return best;
}

std::optional<SequenceLayout> single_layout(const SequenceProblem &problem, const GpuFacts &gpu) {
  return gpu.capability < 80 ? std::nullopt : best_layout(Tier::single, problem, gpu, {1});
}

std::optional<SequenceLayout> cluster_layout(const SequenceProblem &problem, const GpuFacts &gpu) {
  if (gpu.capability < 90 || gpu.largest_cluster < 8) {
    return std::nullopt;
  }
  return gpu.largest_cluster < 16 ? best_layout(Tier::cluster, problem, gpu, {2, 4, 8})
                                  : best_layout(Tier::cluster, problem, gpu, {2, 4, 8, 16});
}

// As few blocks as hold all units, for each number of units that one may have.
std::optional<SequenceLayout> grid_layout(const SequenceProblem &problem, const GpuFacts &gpu) {
  constexpr int64_t kMostTiles = 32;  // of a block, a warp each
  std::vector<int64_t> group_blocks;
  const int64_t tiles = ceil_div(std::min(problem.H, gpu.shared_bytes), 16);
  for (int64_t of_block = 1; of_block <= kMostTiles; ++of_block) {
    const int64_t blocks = std::max<int64_t>(2, ceil_div(tiles, of_block));
    if (blocks <= gpu.multiprocessors && (group_blocks.empty() || blocks < group_blocks.back())) {
      group_blocks.push_back(blocks);
    }
  }
  return gpu.capability < 80 ? std::nullopt : best_layout(Tier::grid, problem, gpu, group_blocks);
}

constexpr TierRow kRows[] = {
    {Tier::single, "fused single", 80, &single_layout},
    {Tier::cluster, "fused cluster", 90, &cluster_layout},
    {Tier::grid, "fused grid", 80, &grid_layout},
};
static_assert(std::size(kRows) == kTierRows);

}  // namespace

const TierRow &tier_row(int row) { return kRows[row]; }

double products_per_clock(const SequenceProblem &problem, const GpuFacts &gpu) {
  switch (kind_of(problem)) {
    case ProductKind::f32:
      return gpu.adds_per_clock;
    case ProductKind::tf32:
      return gpu.tf32_per_clock;
    case ProductKind::narrow:
      break;
  }
  return gpu.tensor_per_clock;
}

uint32_t sequence_outputs(const SequenceProblem &problem, uint32_t units) {
  if (problem.P == 0) {
    return units;
  }
  const int64_t blocks = ceil_div(problem.H, units);
  return static_cast<uint32_t>(round_up(ceil_div(problem.P, blocks), 16));
}

SequenceShared sequence_shared(const SequenceProblem &problem, Tier tier, uint32_t units, uint32_t rows,
                               uint32_t k_parts, uint32_t held) {
  const Product product = product_of(problem);
  const bool projects = problem.P != 0;
  const uint32_t outputs = sequence_outputs(problem, units);
  SequenceShared shared{};
  uint32_t end = 0;
  const auto place = [&](int64_t bytes) {
    const uint32_t begin = end;
    end = static_cast<uint32_t>(round_up(int64_t{end} + bytes, 16));
    return begin;
  };
  const int64_t of_element = element_bytes(problem);
  const int64_t padding = kPaddingBytes / of_element;
  const int64_t columns = columns_in_shared(product, k_parts, held);
  shared.weight_row = static_cast<uint32_t>(columns == 0 ? 0 : columns + padding);
  shared.operand_row = static_cast<uint32_t>(round_up(product.K, 16) + padding);
  const uint32_t of_main = problem.backward ? outputs : units;
  shared.weight = place(int64_t{product.tiles_of_unit_tile} * of_main * shared.weight_row * of_element);
  const int64_t operand_bytes = int64_t{rows} * shared.operand_row * of_element;
  shared.operand[0] = place(operand_bytes);
  shared.operand[1] = tier == Tier::grid || projects ? shared.operand[0] : place(operand_bytes);
  if (projects) {
    shared.projected_row = static_cast<uint32_t>(round_up(projection_of(problem).K, 16) + padding);
    shared.projection = place(int64_t{problem.backward ? units : outputs} * shared.projected_row * of_element);
    shared.projected = place(int64_t{rows} * shared.projected_row * of_element);
  }
  // With a projection both products' sums in turn, neither of which has more.
  shared.partial = place((int64_t{k_parts} - 1) * (units / 16) * kWarp * accumulators(product, rows) * kSumBytes);
  // What is held comes by way of all that is before the barriers.
  if (held != 0) {
    const int64_t rows_of_warps = int64_t{units} * k_parts * product.tiles_of_unit_tile;
    end = std::max(end, static_cast<uint32_t>(rows_of_warps * held_row(product.tiles_of_unit_tile) * of_element));
  }
  for (uint32_t &barrier : shared.barrier) {
    barrier = place(8);
  }
  shared.bytes = end;
  return shared;
}

SequenceExchange sequence_exchange(const SequenceProblem &problem) {
  SequenceExchange exchange{};
  exchange.row = round_up(product_of(problem).K, 16);
  int64_t copies = 2;
  if (problem.P != 0) {
    exchange.row += round_up(projection_of(problem).K, 16);
    copies = 1;
  }
  exchange.numbers = copies * problem.directions * problem.N * exchange.row * element_bytes(problem);
  exchange.flags = problem.directions * ceil_div(problem.N, 8) * kFlagBytes;
  return exchange;
}

}  // namespace rondo::kernels::cuda
