// Register blocks of tiles in inline assembly, whose instructions take a tile's number, not a value; and the asking for
// the tiles. Sums stay in the tiles for all of K: an instruction adds its 16 pairs to each at once.
#include "kernels/cpu/bf16_tiles_amx.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace rondo::kernels {
namespace {

constexpr int64_t kTileRows = 16;
constexpr ptrdiff_t kTileRowBytes = 64;
constexpr ptrdiff_t kTileBytes = kTileRows * kTileRowBytes;
// Steps of 16 pairs that many rows take at a time, so that their part of A stays in the first level while panels pass.
// A sum that is saved and loaded again is the same sum.
constexpr int64_t kBlockSteps = 8;
// What few rows read once is asked for so long before: four steps, within a vector's stream.
constexpr ptrdiff_t kAhead = 4096;

// Tiles 0 to 3 are sums, 4 and 5 rows of A, 6 and 7 columns of the panel.
constexpr int kRowsOfA = 4;
constexpr int kColumns = 6;

// Shapes of the eight tiles as the processor reads them.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// Sums 0 and 1 and the first rows of A have `upper` rows, the others `lower`.
void shape_tiles(int64_t upper, int64_t lower) {
  TileShapes shapes;
  for (int tile = 0; tile < 8; ++tile) {
    const bool of_lower = tile == 2 || tile == 3 || tile == kRowsOfA + 1;
    shapes.row_bytes[tile] = kTileRowBytes;
    shapes.rows[tile] = static_cast<uint8_t>(tile >= kColumns ? kTileRows : of_lower ? lower : upper);
  }
  asm volatile("ldtilecfg %0" : : "m"(shapes));
}

void release_tiles() { asm volatile("tilerelease"); }

template <int kTile>
[[gnu::always_inline]] inline void clear() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
}
template <int kTile>
[[gnu::always_inline]] inline void load(const char *from, ptrdiff_t row_bytes) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(row_bytes), "i"(kTile) : "memory");
}
template <int kTile>
[[gnu::always_inline]] inline void save(char *to, ptrdiff_t row_bytes) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(row_bytes), "i"(kTile) : "memory");
}
template <int kSum, int kA, int kPanel>
[[gnu::always_inline]] inline void add_product() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kPanel));
}

struct Block {
  const char *a;
  ptrdiff_t a_row;  // in bytes, as all here
  const char *panel;
  ptrdiff_t vector;
  int64_t steps;
  char *c;
  ptrdiff_t c_row;
  bool accumulate;
};

// Numbers of tiles, which the code of a block has to name one by one.
template <int... kColumn>
using Tiles = std::integer_sequence<int, kColumn...>;

// Sum kSum, of the block's tile of rows and of columns.
template <int kSum>
[[gnu::always_inline]] inline void begin(const Block &work, int row_tile, int column_tile) {
  if (work.accumulate) {
    load<kSum>(work.c + row_tile * kTileRows * work.c_row + column_tile * kTileRowBytes, work.c_row);
  } else {
    clear<kSum>();
  }
}
template <int kSum>
[[gnu::always_inline]] inline void end(const Block &work, int row_tile, int column_tile) {
  save<kSum>(work.c + row_tile * kTileRows * work.c_row + column_tile * kTileRowBytes, work.c_row);
}
// Sums kFirst and on, of a row of tiles.
template <int kFirst, int... kColumn>
[[gnu::always_inline]] inline void begin_row(const Block &work, int row_tile, Tiles<kColumn...> /*columns*/) {
  (begin<kFirst + kColumn>(work, row_tile, kColumn), ...);
}
template <int kFirst, int... kColumn>
[[gnu::always_inline]] inline void end_row(const Block &work, int row_tile, Tiles<kColumn...> /*columns*/) {
  (end<kFirst + kColumn>(work, row_tile, kColumn), ...);
}

// A tile of the panel, whose rows lie one after the other, from so many bytes on.
[[gnu::always_inline]] inline void ask_for(const char *panel) {
#pragma GCC unroll 16
  for (int line = 0; line < kTileRows; ++line) {
    __builtin_prefetch(panel + line * kTileRowBytes);
  }
}

// Sum kSum += the rows of A that are loaded * the step's tile of a vector of the panel, which streams.
template <int kSum>
[[gnu::always_inline]] inline void add_streaming(const char *panel) {
  constexpr int kTile = kColumns + kSum % 2;
  load<kTile>(panel, kTileRowBytes);
  ask_for(panel + kAhead);
  add_product<kSum, kRowsOfA, kTile>();
}

template <int... kSum>
[[gnu::always_inline]] inline void add_streaming_row(const char *panel, ptrdiff_t vector, Tiles<kSum...> /*sums*/) {
  (add_streaming<kSum>(panel + kSum * vector), ...);
}

// Up to 16 rows by kVectors vectors.
template <int kVectors>
void low_block(const Block &work) {
  constexpr auto kTiles = std::make_integer_sequence<int, kVectors>();
  const char *a = work.a;
  const char *panel = work.panel;
  const ptrdiff_t a_row = work.a_row;
  const ptrdiff_t vector = work.vector;
  begin_row<0>(work, 0, kTiles);
  for (int64_t step = 0; step < work.steps; ++step) {
    load<kRowsOfA>(a, a_row);
    add_streaming_row(panel, vector, kTiles);
    a += kTileRowBytes;
    panel += kTileBytes;
  }
  end_row<0>(work, 0, kTiles);
}

// 17 to 32 rows by one vector or two: each tile that is loaded serves two products.
template <int kVectors>
void high_block(const Block &work) {
  constexpr auto kTiles = std::make_integer_sequence<int, kVectors>();
  const char *a = work.a;
  const char *panel = work.panel;
  const ptrdiff_t a_row = work.a_row;
  const ptrdiff_t vector = work.vector;
  begin_row<0>(work, 0, kTiles);
  begin_row<2>(work, 1, kTiles);
  for (int64_t step = 0; step < work.steps; ++step) {
    load<kRowsOfA>(a, a_row);
    load<kColumns>(panel, kTileRowBytes);
    load<kRowsOfA + 1>(a + kTileRows * a_row, a_row);
    add_product<0, kRowsOfA, kColumns>();
    if constexpr (kVectors > 1) load<kColumns + 1>(panel + vector, kTileRowBytes);
    add_product<2, kRowsOfA + 1, kColumns>();
    if constexpr (kVectors > 1) {
      add_product<1, kRowsOfA, kColumns + 1>();
      add_product<3, kRowsOfA + 1, kColumns + 1>();
    }
    a += kTileRowBytes;
    panel += kTileBytes;
  }
  end_row<0>(work, 0, kTiles);
  end_row<2>(work, 1, kTiles);
}

using BlockFunction = void (*)(const Block &);
constexpr BlockFunction kLow[kBf16MaxVectors] = {&low_block<1>, &low_block<2>, &low_block<3>, &low_block<4>};
constexpr BlockFunction kHigh[2] = {&high_block<1>, &high_block<2>};

// Up to 32 rows, whose tiles are shaped, by all vectors of the panel, over `steps` of K.
void product_of_rows(const Bf16Product &p, int64_t first, int64_t rows, int64_t step, int64_t steps) {
  Block work = {.a = reinterpret_cast<const char *>(p.a + first * p.a_row) + step * kTileRowBytes,
                .a_row = p.a_row * ptrdiff_t{sizeof(Bf16)},
                .panel = reinterpret_cast<const char *>(p.panel) + step * kTileBytes,
                .vector = p.layout.vector * ptrdiff_t{sizeof(Bf16)},
                .steps = steps,
                .c = reinterpret_cast<char *>(p.c + first * p.c_row),
                .c_row = p.c_row * ptrdiff_t{sizeof(float)},
                .accumulate = p.accumulate || step > 0};
  if (rows <= kTileRows) {
    kLow[p.vectors - 1](work);
    return;
  }
  for (int v = 0; v < p.vectors; v += 2) {
    kHigh[std::min(2, p.vectors - v) - 1](work);
    work.panel += 2 * work.vector;
    work.c += 2 * kTileRowBytes;
  }
}

bool lent_by_system() {
  constexpr long kAsk = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kAsk, kTileData) == 0;
}

}  // namespace

bool tiles_available() {
  constexpr unsigned kBf16 = 1u << 22;
  constexpr unsigned kTile = 1u << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kBf16) != 0 && (d & kTile) != 0 && lent_by_system();
}

void product_in_tiles(const Bf16Product &p) {
  const int64_t all = p.K / 2 / kTilePairs;
  // Blocks of nearly equal height, of two tiles where one does not do. Few rows read the panel once, in one go.
  const int64_t count = (p.M + 2 * kTileRows - 1) / (2 * kTileRows);
  const int64_t block = p.M > kTileRows ? kBlockSteps : all;
  int64_t shaped = 0;
  for (int64_t step = 0; step < all; step += block) {
    const int64_t steps = std::min(block, all - step);
    for (int64_t k = 0, first = 0; k < count; ++k) {
      const int64_t last = p.M * (k + 1) / count;
      const int64_t rows = last - first;
      if (rows != std::exchange(shaped, rows)) {
        shape_tiles(std::min(rows, kTileRows), rows > kTileRows ? rows - kTileRows : rows);
      }
      product_of_rows(p, first, rows, step, steps);
      first = last;
    }
  }
  // Tiles in use cost every switch of threads 8 KiB.
  release_tiles();
}

}  // namespace rondo::kernels

#else

namespace rondo::kernels {

bool tiles_available() { return false; }
void product_in_tiles(const Bf16Product & /*product*/) {}

}  // namespace rondo::kernels

#endif
