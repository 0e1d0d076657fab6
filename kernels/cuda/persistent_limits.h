// What the sequence kernels are compiled for: how many warps share a product, and the most threads that a block of each
// may have, which follows from the registers of a thread. Host code without CUDA's headers may include it.
#pragma once

#include <cstdint>

#include "kernels/cell/numbers.h"

// The most threads of a kernel's block: the compiler gives each thread registers accordingly.
#ifdef __CUDACC__
#define RONDO_MOST_THREADS(count) __launch_bounds__(count, 1)
#else
#define RONDO_MOST_THREADS(count)
#endif

namespace rondo::kernels::cuda {

// Layouts have 1, 2 or 4 parts of K.
constexpr bool has_sequence_parts(uint32_t k_parts) { return k_parts == 1 || k_parts == 2 || k_parts == 4; }

// Of a cell with `gates`, on row_tiles * 8 rows; 0: there is no such kernel, since its threads would need more
// registers than there are.
constexpr uint32_t sequence_threads(int gates, bool backward, uint32_t row_tiles, uint32_t k_parts) {
  const uint32_t own = row_tiles * 4 / k_parts;  // units and rows of a thread
  const auto all = static_cast<uint32_t>(gates);
  // Numbers that a thread holds at once: sums, the next step's values, states.
  const uint32_t sums = 4 * row_tiles * (backward ? 1 : all);
  const uint32_t numbers = sums + own * (backward ? all + 7 : all + 2);
  // A GRU's backward has two gradients of a gate at once.
  const uint32_t most = !backward ? 256 : gates == 3 ? 128 : 144;
  return numbers <= 48 ? 512 : numbers <= 80 && sums < 48 ? 384 : numbers > most ? 0 : 256;
}

}  // namespace rondo::kernels::cuda
