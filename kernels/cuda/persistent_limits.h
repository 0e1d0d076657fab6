// What the sequence kernels are compiled for: how many warps share a product, how much of W_hh they hold in registers,
// and the most threads that a block of each may have, which follows from the registers of a thread. Host code without
// CUDA's headers may include it.
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

// How the product with W_hh is made: on tensor cores from 16-bit numbers, by multiply-adds of f32, or on tensor cores
// from f32 rounded to tf32.
enum class ProductKind { narrow, f32, tf32 };
constexpr ProductKind product_kind(Storage storage, bool tf32) {
  return storage != Storage::f32 ? ProductKind::narrow : tf32 ? ProductKind::tf32 : ProductKind::f32;
}

// Layouts have 1, 2 or 4 parts of K, or 8 where W_hh is held in registers.
constexpr bool has_sequence_parts(uint32_t k_parts, uint32_t held) {
  return k_parts == 1 || k_parts == 2 || k_parts == 4 || (k_parts == 8 && held != 0);
}

// How many steps of 16 along a part's K a warp can hold in registers, 4 for each step and gate (backward: each step),
// of a cell with `gates`, on row_tiles * 8 rows; 0: there is no such kernel. Layouts hold these or none. They are few,
// since each is another kernel of each cell and type: on more rows, and with one part, sums and states need the
// registers; an RNN, with the fewest rows of W_hh, goes without on 16 rows and 2 parts, where an LSTM's forward and a
// GRU's backward hold half as many; and f32 fills registers twice as fast.
constexpr uint32_t sequence_held(ProductKind kind, int gates, bool backward, uint32_t row_tiles, uint32_t k_parts) {
  if (kind != ProductKind::narrow || row_tiles > 2 || k_parts < 2 || !has_sequence_parts(k_parts, 1) ||
      (gates == 1 && row_tiles == 2 && k_parts == 2)) {
    return 0;
  }
  const bool half = row_tiles == 2 && k_parts == 2 && gates == (backward ? 3 : 4);
  return (backward || gates == 1 ? 32 : 8) / (half ? 2 : 1);
}

// The same fragments come by way of shared memory, so many steps at a time: about 8 KiB a warp.
constexpr uint32_t held_at_once(uint32_t gates_of_tile) { return gates_of_tile == 1 ? 16 : 4; }
// Elements of a row there, an odd number of 16 bytes.
constexpr uint32_t held_row(uint32_t gates_of_tile) { return held_at_once(gates_of_tile) * 16 + 8; }

// Accumulators for each sum, so that additions wait less for each other.
constexpr uint32_t sequence_chains(uint32_t gates_of_tile, uint32_t row_tiles) {
  const uint32_t accumulators = gates_of_tile * row_tiles;
  return accumulators == 1 ? 4 : accumulators == 2 ? 2 : 1;
}

// Of a cell with `gates`, on row_tiles * 8 rows; 0: there is no such kernel, since its threads would need more
// registers than there are, or since another does as well: f32 and tf32 have as many parts of K as row tiles at least,
// and none of 24 rows.
constexpr uint32_t sequence_threads(ProductKind kind, int gates, bool backward, uint32_t row_tiles, uint32_t k_parts,
                                    uint32_t held, bool projects = false) {
  if (projects && (kind != ProductKind::narrow || gates != 4 || held != 0)) {
    return 0;
  }
  if (!has_sequence_parts(k_parts, held) || held != 0) {
    return held != 0 && held == sequence_held(kind, gates, backward, row_tiles, k_parts) ? 256 : 0;
  }
  if (kind != ProductKind::narrow && (row_tiles == 3 || row_tiles > k_parts)) {
    return 0;
  }
  const uint32_t own = row_tiles * 4 / k_parts;  // units and rows of a thread
  const auto all = static_cast<uint32_t>(gates);
  // Numbers that a thread holds at once: sums, the next step's values, states.
  const uint32_t sums = 4 * row_tiles * (backward ? 1 : all);
  // Multiply-adds take four k of the thread's rows at a time and of one unit, and read some of them ahead; tf32 rounds
  // its fragments.
  const bool adds = kind == ProductKind::f32;
  const uint32_t operands = adds ? 12 * row_tiles + 8 : kind != ProductKind::tf32 ? 0 : backward ? 28 : 16;
  const uint32_t numbers = sums + operands + own * (backward ? all + 7 : all + 2);
  // A GRU's backward has two gradients of a gate at once.
  const bool two = backward && gates == 3;
  const uint32_t most = kind == ProductKind::tf32 || two ? 128 : adds || backward ? 144 : 256;
  const uint32_t fewer_sums = kind == ProductKind::narrow ? 48 : 32;
  if (projects) {
    // The second product has places and masks of its own, which not all numbers leave registers for.
    const bool forward_of_32 = !backward && row_tiles == 4;
    return row_tiles == 1 ? 384 : numbers > most || (forward_of_32 && k_parts != 2) ? 0 : 256;
  }
  return numbers <= 40 && !two ? 512 : numbers <= 80 && sums < fewer_sums ? 384 : numbers > most ? 0 : 256;
}

}  // namespace rondo::kernels::cuda
