// C = A * panel: the one matrix product of the CPU back end, a register block of MR rows by V vectors over all of K.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/product.cpp"
#include "kernels/cpu/targets.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/product.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

// Accumulators that fit the registers beside one row of the panel and one broadcast: 24 of 32, 12 of 16.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM
constexpr int kAccumulators = 24;
constexpr int kPlainVectors = 4;
#else
constexpr int kAccumulators = 12;
constexpr int kPlainVectors = 2;
#endif
constexpr int kMaxRows = 12;

constexpr int block_rows(int vectors) { return std::min(kAccumulators / vectors, kMaxRows); }

// Sums of one element side by side where rows are few: one chain of multiply-adds would wait for each before it. More
// than hide its latency, in panels of 4 vectors, only take longer to begin and to add.
constexpr int thin_chains(int of_rows) { return of_rows == 1 ? 2 : kAccumulators / 12; }

// What will be read next, asked for while this block computes: `step` bytes further for every k, so that it comes
// evenly. Lines are asked for more than once rather than counted; where nothing is wanted, it is one that is near.
struct Ahead {
  const char *at;
  ptrdiff_t step;  // up to two lines
};
constexpr ptrdiff_t kSoonRows = 4;

HWY_INLINE void prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }

// Before each block for its own rows: more at once would be waited for.
template <class T>
void ask_for_rows(const T *first, ptrdiff_t row_step, int64_t rows, ptrdiff_t row_elements) {
  for (int64_t row = 0; row < rows; ++row, first += row_step) {
    const auto *line = reinterpret_cast<const char *>(first);
    for (ptrdiff_t at = 0; at < row_elements * static_cast<ptrdiff_t>(sizeof(T)); at += kLineBytes) {
      prefetch(line + at);
    }
  }
}

template <class T>
using BlockFunction = void (*)(const Product<T> &, const T *a, const T *panel, int64_t K, T *c, bool accumulate,
                               Ahead ahead);

template <class T, int kRows, int kVectors>
HWY_INLINE void store_block(const hn::Vec<Tag<T>> (&sum)[kRows][kVectors], T *c, ptrdiff_t c_row, bool accumulate) {
  const Tag<T> d;
  const auto step = static_cast<ptrdiff_t>(hn::Lanes(d));
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) {
    T *row = c + m * c_row;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const auto total = accumulate ? hn::Add(hn::LoadU(d, row + v * step), sum[m][v]) : sum[m][v];
      hn::StoreU(total, d, row + v * step);
    }
  }
}

// A vector that several multiply-adds read. GCC would rather give each of two or three a load of its own.
template <class V>
HWY_INLINE V in_register(V value) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  asm("" : "+v"(value.raw));
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  asm("" : "+x"(value.raw));
#endif
  return value;
}

// kSoon: whether the panel's own rows are asked into the first level a few k before they are read. What the second
// level holds is else waited for in part, by up to a tenth of the time.
template <class T, bool kSoon, int kRows, int kVectors>
HWY_NOINLINE void block(const Product<T> &p, const T *a, const T *panel, int64_t K, T *c, bool accumulate,
                        Ahead ahead) {
  const Tag<T> d;
  const auto step = static_cast<ptrdiff_t>(hn::Lanes(d));
  hn::Vec<Tag<T>> sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sum[m][v] = hn::Zero(d);
    }
  }
  for (int64_t k = 0; k < K; ++k) {
    prefetch(ahead.at);
    if (ahead.step > kLineBytes) {
      prefetch(ahead.at + kLineBytes);
    }
    ahead.at += ahead.step;
    hn::Vec<Tag<T>> b[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      b[v] = in_register(hn::LoadU(d, panel + v * step));
      if constexpr (kSoon) {
        __builtin_prefetch(panel + (v + kSoonRows * kVectors) * step);
      }
    }
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
      const auto a_m = hn::Set(d, a[m * p.a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sum[m][v] = hn::MulAdd(a_m, b[v], sum[m][v]);
      }
    }
    a += p.a_k;
    panel += kVectors * step;
  }
  store_block<T, kRows, kVectors>(sum, c, p.c_row, accumulate);
}

// One k of a thin block, on one chain.
template <class T, int kRows, int kVectors>
HWY_INLINE void thin_step(const T *a, ptrdiff_t a_row, const T *panel, hn::Vec<Tag<T>> (&sum)[kRows][kVectors]) {
  const Tag<T> d;
  const auto step = static_cast<ptrdiff_t>(hn::Lanes(d));
  hn::Vec<Tag<T>> b[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const auto loaded = hn::LoadU(d, panel + v * step);
    b[v] = kRows == 1 ? loaded : in_register(loaded);
  }
#pragma GCC unroll 2
  for (int m = 0; m < kRows; ++m) {
    const auto a_m = hn::Set(d, a[m * a_row]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sum[m][v] = hn::MulAdd(a_m, b[v], sum[m][v]);
    }
  }
}

// Chain j sums the k that are j modulo the number of chains, which is a power of two; chains are added pairwise.
template <class T, int kRows, int kVectors, int kChains>
HWY_NOINLINE void thin_block(const Product<T> &p, const T *a, const T *panel, int64_t K, T *c, bool accumulate,
                             Ahead /*ahead*/) {
  const Tag<T> d;
  const auto step = static_cast<ptrdiff_t>(hn::Lanes(d));
  const ptrdiff_t width = kVectors * step;
  hn::Vec<Tag<T>> sum[kChains][kRows][kVectors];
#pragma GCC unroll 4
  for (int chain = 0; chain < kChains; ++chain) {
#pragma GCC unroll 2
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sum[chain][m][v] = hn::Zero(d);
      }
    }
  }
  int64_t k = 0;
  for (; k + kChains <= K; k += kChains) {
#pragma GCC unroll 4
    for (int chain = 0; chain < kChains; ++chain) {
      thin_step<T, kRows, kVectors>(a + chain * p.a_k, p.a_row, panel + chain * width, sum[chain]);
    }
    a += kChains * p.a_k;
    panel += kChains * width;
  }
#pragma GCC unroll 4
  for (int chain = 0; chain < kChains; ++chain) {
    if (k + chain < K) {
      thin_step<T, kRows, kVectors>(a + chain * p.a_k, p.a_row, panel + chain * width, sum[chain]);
    }
  }
#pragma GCC unroll 2
  for (int half = kChains / 2; half > 0; half /= 2) {
#pragma GCC unroll 2
    for (int chain = 0; chain < half; ++chain) {
#pragma GCC unroll 2
      for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          sum[chain][m][v] = hn::Add(sum[chain][m][v], sum[chain + half][m][v]);
        }
      }
    }
  }
  store_block<T, kRows, kVectors>(sum[0], c, p.c_row, accumulate);
}

// Row blocks 1 to kMaxRows of one panel width; those beyond block_rows are never asked for.
template <class T, bool kSoon, int kVectors, int... kRows>
constexpr std::array<BlockFunction<T>, kMaxRows + 1> block_row(std::integer_sequence<int, kRows...> /*rows*/) {
  return {nullptr, &block<T, kSoon, std::min(kRows + 1, block_rows(kVectors)), kVectors>...};
}

template <class T, bool kSoon>
constexpr std::array<std::array<BlockFunction<T>, kMaxRows + 1>, kMaxPanelVectors> block_table() {
  constexpr auto kRows = std::make_integer_sequence<int, kMaxRows>();
  return {block_row<T, kSoon, 1>(kRows), block_row<T, kSoon, 2>(kRows), block_row<T, kSoon, 3>(kRows),
          block_row<T, kSoon, 4>(kRows)};
}
// Of panels that the first level holds, and of larger ones.
template <class T>
constexpr std::array<std::array<std::array<BlockFunction<T>, kMaxRows + 1>, kMaxPanelVectors>, 2> kBlocks = {
    block_table<T, false>(), block_table<T, true>()};

// Blocks of few rows: [of_rows - 1][rows - 1]. They ask for nothing ahead: they only stream, which the processor sees.
template <class T>
using ThinTable = std::array<std::array<BlockFunction<T>, kMostThinRows>, kMostThinRows>;

template <class T, int kVectors>
constexpr ThinTable<T> thin_table() {
  return {{{&thin_block<T, 1, kVectors, thin_chains(1)>, nullptr},
           {&thin_block<T, 1, kVectors, thin_chains(2)>, &thin_block<T, 2, kVectors, thin_chains(2)>}}};
}
template <class T>
constexpr std::array<ThinTable<T>, kMaxPanelVectors> kThinBlocks = {thin_table<T, 1>(), thin_table<T, 2>(),
                                                                    thin_table<T, 3>(), thin_table<T, 4>()};

// Few rows are one block, and a call is short enough for a division to show, and one for each panel.
template <class T>
void thin_products(const Product<T> &p, const PanelSteps &steps) {
  if (p.M <= 0) {
    return;
  }
  const auto run = kThinBlocks<T>[static_cast<size_t>(p.vectors - 1)][static_cast<size_t>(p.of_rows - 1)]
                                 [static_cast<size_t>(p.M - 1)];
  const ptrdiff_t panel_row = ptrdiff_t{p.vectors} * lanes<T>();
  const int64_t depth = block_of_k(p.K);
  const T *panel = p.panel;
  T *c = p.c;
  for (int64_t number = 0; number < steps.count; ++number, panel += steps.panel, c += steps.c) {
    int64_t k0 = 0;
    do {
      run(p, p.a + k0 * p.a_k, panel + k0 * panel_row, std::min(depth, p.K - k0), c, p.accumulate || k0 > 0,
          {nullptr, 0});
      k0 += depth;
    } while (k0 < p.K);
  }
}

template <class T>
void product(const Product<T> &p) {
  if (p.of_rows <= kMostThinRows) {
    thin_products(p, {1, 0, 0});
    return;
  }
  const ptrdiff_t panel_row = ptrdiff_t{p.vectors} * lanes<T>();
  // Blocks of nearly equal height: a last block of one or two rows would be held up by its loads.
  const int64_t full = block_rows(p.vectors);
  const int64_t count = (p.M + full - 1) / full;
  // A panel that is passed over once only streams, which the processor sees.
  const ptrdiff_t ahead_step =
      p.next == nullptr || count < 2 ? 0 : panel_row * static_cast<ptrdiff_t>(sizeof(T)) / count;
  const int64_t depth = block_of_k(p.K);
  const bool large = depth * panel_row * static_cast<ptrdiff_t>(sizeof(T)) > kFirstLevelBytes;
  const auto &blocks = kBlocks<T>[large ? 1 : 0][static_cast<size_t>(p.vectors - 1)];
  int64_t k0 = 0;
  do {
    const int64_t K = std::min(depth, p.K - k0);
    const T *panel = p.panel + k0 * panel_row;
    const T *next = ahead_step == 0 ? panel : k0 + K < p.K ? panel + K * panel_row : p.next;
    int64_t m = 0;
    for (int64_t piece = 0; piece < count; ++piece) {
      const int64_t rows = (p.M - m) / (count - piece);
      if (p.beside != nullptr && k0 == 0) {
        ask_for_rows(p.beside + m * p.beside_row, p.beside_row, rows, panel_row);
      }
      const Ahead ahead{reinterpret_cast<const char *>(next) + piece * K * ahead_step, ahead_step};
      blocks[static_cast<size_t>(rows)](p, p.a + m * p.a_row + k0 * p.a_k, panel, K, p.c + m * p.c_row,
                                        p.accumulate || k0 > 0, ahead);
      m += rows;
    }
    k0 += depth;
  } while (k0 < p.K);
}

ProductTable<float> product_table_f32() {
  return {lanes<float>(), kPlainVectors, &product<float>, &thin_products<float>};
}
ProductTable<double> product_table_f64() {
  return {lanes<double>(), kPlainVectors, &product<double>, &thin_products<double>};
}
const char *target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rondo::kernels {
HWY_EXPORT(product_table_f32);
HWY_EXPORT(product_table_f64);
HWY_EXPORT(target_name);

template <>
ProductTable<float> product_table() {
  return RONDO_DISPATCH(product_table_f32)();
}
template <>
ProductTable<double> product_table() {
  return RONDO_DISPATCH(product_table_f64)();
}
const char *instruction_set() { return RONDO_DISPATCH(target_name)(); }

}  // namespace rondo::kernels
#endif
