// How a block's threads lie over rows: 2^bits lanes beside each other along a row, the other threads on further rows.
// Rows come from the grid's y and repeat where it is too short.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/primitives.h"

namespace rondo::kernels::cuda {

inline constexpr uint32_t kBlockThreads = 256;
inline constexpr int64_t kMaxGridX = 2147483647;

struct Tiling {
  uint32_t bits;

  RONDO_DEVICE uint32_t lanes() const { return 1u << bits; }
  RONDO_DEVICE uint32_t lane() const { return thread() & (lanes() - 1); }
  RONDO_DEVICE int64_t first_row() const { return int64_t{block_y()} * (threads() >> bits) + (thread() >> bits); }
  RONDO_DEVICE int64_t row_stride() const { return int64_t{grid_y()} * (threads() >> bits); }
};

// As few lanes as hold `items`, a power of two up to 2^most_bits.
inline Tiling tiling_for(int64_t items, uint32_t most_bits) {
  Tiling tiling{0};
  while (tiling.bits < most_bits && (int64_t{1} << tiling.bits) < items) {
    ++tiling.bits;
  }
  return tiling;
}

inline int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }
inline uint32_t grid_blocks(int64_t wanted, int64_t most) { return static_cast<uint32_t>(std::min(wanted, most)); }

// The grid over `rows`, with x and z as given.
inline Shape shape_for(Tiling tiling, int64_t rows, int64_t x, uint32_t z) {
  const int64_t rows_of_block = std::min<int64_t>(kBlockThreads >> tiling.bits, rows);
  return {{grid_blocks(x, kMaxGridX), grid_blocks(ceil_div(rows, rows_of_block), kMaxGridYZ), z},
          static_cast<uint32_t>(rows_of_block) << tiling.bits};
}

// One thread for each of `items`, which repeat where the grid is too short.
inline Shape shape_for_items(int64_t items) {
  const int64_t threads = std::min<int64_t>(items, kBlockThreads);
  return {{grid_blocks(ceil_div(items, threads), kMaxGridX), 1, 1}, static_cast<uint32_t>(threads)};
}
RONDO_DEVICE int64_t first_item() { return int64_t{block_x()} * threads() + thread(); }
RONDO_DEVICE int64_t item_stride() { return int64_t{grid_x()} * threads(); }

// Whether all pointers (NULL is) and all row lengths are multiples of `units` elements of `size` bytes.
inline bool aligned(int units, size_t size, std::initializer_list<const void *> pointers,
                    std::initializer_list<int64_t> rows) {
  const auto off_bytes = [&](const void *p) { return reinterpret_cast<uintptr_t>(p) % (size * units) != 0; };
  const auto off_units = [&](int64_t row) { return row % units != 0; };
  return std::none_of(pointers.begin(), pointers.end(), off_bytes) && std::none_of(rows.begin(), rows.end(), off_units);
}

}  // namespace rondo::kernels::cuda
