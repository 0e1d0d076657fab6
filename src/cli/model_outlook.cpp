// The hybrid tier's formula. One block lies on each SM, and a direction has its share of them; all of a block's warps
// share its products and cells evenly.
#include "cli/model_outlook.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace rondo::cli {
namespace {

using kernels::kGru;
using kernels::kLstm;
using kernels::Storage;
using kernels::cuda::GpuFacts;
using kernels::cuda::SequenceProblem;

constexpr double kRegisterBytes = 144 * 1024;  // of a SM's 256 KiB, for fragments of W_hh
constexpr double kBufferBytes = 32 * 1024;     // of shared memory, for the operand and what is streamed
constexpr double kThreads = 128;               // that a SM issues for in one clock

// What one block holds and does in a step.
struct Share {
  double blocks, units, bytes, capacity;
};

double gates_of(const SequenceProblem &problem) { return problem.cell == kLstm ? 4 : problem.cell == kGru ? 3 : 1; }
double depth_of(const SequenceProblem &problem) {
  return static_cast<double>(problem.H) * (problem.backward ? gates_of(problem) : 1);
}

Share share_of(const SequenceProblem &problem, const GpuFacts &gpu) {
  Share share{};
  share.blocks = std::floor(static_cast<double>(gpu.multiprocessors) / problem.directions);
  share.units = std::ceil(static_cast<double>(problem.H) / share.blocks);
  const double rows = share.units * (problem.backward ? 1 : gates_of(problem));
  share.bytes = std::ceil(rows / 16) * 16 * depth_of(problem) * 2;
  share.capacity = kRegisterBytes + static_cast<double>(gpu.shared_bytes) - kBufferBytes;
  return share;
}

bool is_served(const SequenceProblem &problem, const GpuFacts &gpu) {
  return gpu.capability >= 80 && problem.P == 0 &&
         (problem.storage == Storage::f16 || problem.storage == Storage::bf16);
}

// Every step reads what shared memory holds of W_hh and, from the L2 cache, the whole operand.
double step_ns(const SequenceProblem &problem, const GpuFacts &gpu, const Share &share, double streaming_ns) {
  constexpr double kInstructions = 120;  // of a cell, of the kind that takes most
  const double rows = std::ceil(static_cast<double>(problem.N) / 8) * 8;
  const double tensor = share.bytes / 2 * rows / gpu.tensor_per_clock;
  const double shared = std::max(0.0, std::min(share.bytes, share.capacity) - kRegisterBytes) / gpu.shared_per_clock;
  const double operand = static_cast<double>(problem.N) * depth_of(problem) * 2 / gpu.l2_per_clock;
  const double cells = share.units * rows * kInstructions / kThreads;
  const double product =
      std::max({tensor / gpu.clock_ghz, shared / gpu.clock_ghz, operand / gpu.clock_ghz, streaming_ns});
  return product + cells / gpu.clock_ghz + gpu.cell_ns + gpu.all_blocks_ns;
}

std::optional<double> hybrid_ns(const SequenceProblem &problem, const GpuFacts &gpu) {
  const Share share = share_of(problem, gpu);
  if (!is_served(problem, gpu) || share.bytes <= share.capacity) {
    return std::nullopt;
  }
  const double streamed = (share.bytes - share.capacity) * share.blocks * problem.directions;
  const double kept = std::min(streamed, static_cast<double>(gpu.l2_kept_bytes));
  const double from_l2 = kept / (gpu.l2_per_clock * gpu.clock_ghz * gpu.multiprocessors);
  const double from_memory = (streamed - kept) / gpu.memory_gb_per_s;
  return step_ns(problem, gpu, share, std::max(from_l2, from_memory));
}

constexpr OutlookRow kRows[] = {{"hybrid", &hybrid_ns}};
static_assert(std::size(kRows) == kOutlookRows);

}  // namespace

const OutlookRow &outlook_row(int row) { return kRows[row]; }

}  // namespace rondo::cli
