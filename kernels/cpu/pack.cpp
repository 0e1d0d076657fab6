// Panels from matrices. A transpose runs in registers on tiles of lanes x lanes, read as 128-bit blocks put where the
// shuffles within blocks need them, so that no shuffle across blocks is left.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pack.cpp"
#include "kernels/cpu/targets.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

#include "kernels/cell/dtype.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/pack.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

template <class C>
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Tag<C>()));
// Elements of a 128-bit block.
template <class C>
constexpr int kBlock = 16 / static_cast<int>(sizeof(C));

#if HWY_TARGET == HWY_SCALAR
template <class C>
HWY_INLINE void transpose_tile(const C *from, ptrdiff_t /*ld*/, C *to, ptrdiff_t /*to_row*/) {
  *to = *from;
}
#else
// A vector whose block b lies at from + b*step.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const hn::TFromD<D> *from, ptrdiff_t step) {
  if constexpr (hn::MaxLanes(d) == kBlock<hn::TFromD<D>>) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    constexpr ptrdiff_t kHalf = hn::MaxLanes(d) / kBlock<hn::TFromD<D>> / 2;
    return hn::Combine(d, load_blocks(half, from + kHalf * step, step), load_blocks(half, from, step));
  }
}

// to[k*to_row + n] = from[n*ld + k], lanes x lanes. Vector r of a group of kBlock columns holds source rows r, r +
// kBlock and so on, a block each; transposing within the blocks then leaves whole columns.
HWY_INLINE void transpose_tile(const float *from, ptrdiff_t ld, float *to, ptrdiff_t to_row) {
  const Tag<float> d;
  const hn::Repartition<double, Tag<float>> pairs;
#pragma GCC unroll 4
  for (int k = 0; k < kLanes<float>; k += 4) {
    const auto r0 = load_blocks(d, from + k, 4 * ld);
    const auto r1 = load_blocks(d, from + k + ld, 4 * ld);
    const auto r2 = load_blocks(d, from + k + 2 * ld, 4 * ld);
    const auto r3 = load_blocks(d, from + k + 3 * ld, 4 * ld);
    const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
    const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
    const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
    const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
    float *row = to + k * to_row;
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, row);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, row + to_row);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, row + 2 * to_row);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, row + 3 * to_row);
  }
}
HWY_INLINE void transpose_tile(const double *from, ptrdiff_t ld, double *to, ptrdiff_t to_row) {
  const Tag<double> d;
#pragma GCC unroll 4
  for (int k = 0; k < kLanes<double>; k += 2) {
    const auto r0 = load_blocks(d, from + k, 2 * ld);
    const auto r1 = load_blocks(d, from + k + ld, 2 * ld);
    hn::StoreU(hn::InterleaveLower(d, r0, r1), d, to + k * to_row);
    hn::StoreU(hn::InterleaveUpper(d, r0, r1), d, to + (k + 1) * to_row);
  }
}

#endif

// Columns converted at a time, and what keeps their rows off one another's cache sets.
constexpr int64_t kStaged = 64;
constexpr int64_t kStagedRow = kStaged + 16;

// Columns [k, k + n) of one vector's source rows, through a buffer in C: what has to be converted or padded.
template <class S, class C>
HWY_NOINLINE void transpose_staged(const S *from, ptrdiff_t ld, int64_t valid, int64_t n, C *to, ptrdiff_t to_row) {
  constexpr int64_t L = kLanes<C>;
  HWY_ALIGN C staged[L * kStagedRow];
  HWY_ALIGN C tile[L * L];
  for (int64_t row = 0; row < L; ++row) {
    C *place = staged + row * kStagedRow;
    if (row >= valid) {
      std::fill_n(place, kStaged, C{0});
      continue;
    }
    for (int64_t k = 0; k < n; ++k) {
      place[k] = from_storage<C>(from[row * ld + k]);
    }
    std::fill(place + n, place + kStaged, C{0});
  }
  int64_t k = 0;
  for (; k + L <= n; k += L) {
    transpose_tile(staged + k, kStagedRow, to + k * to_row, to_row);
  }
  if (k < n) {
    transpose_tile(staged + k, kStagedRow, tile, L);
    for (int64_t last = 0; last < n - k; ++last) {
      store(load(tile + last * L), to + (k + last) * to_row);
    }
  }
}

template <class S, class C>
void pack_columns(const PanelColumns<C> &p) {
  constexpr int64_t L = kLanes<C>;
  const ptrdiff_t width = p.vectors * L;
  for (int64_t k = 0; k < p.K; k += kStaged) {
    const int64_t n = std::min(kStaged, p.K - k);
    for (int v = 0; v < p.vectors; ++v) {
      const S *from = p.valid[v] > 0 ? static_cast<const S *>(p.rows[v]) + k : nullptr;
      C *to = p.panel + k * width + v * L;
      int64_t done = 0;
      if constexpr (std::is_same_v<S, C>) {
        if (p.valid[v] >= L) {
          for (; done + L <= n; done += L) {
            transpose_tile(from + done, p.ld, to + done * width, width);
          }
        }
      }
      if (done < n) {
        transpose_staged(from + done, p.ld, p.valid[v], n - done, to + done * width, width);
      }
    }
  }
}

template <class S, class C>
void pack_row(const PanelRow<C> &p) {
  constexpr int64_t L = kLanes<C>;
  const S *from = static_cast<const S *>(p.from);
  int64_t first = 0;
  for (int64_t panel = 1; panel <= p.count; ++panel) {
    const int64_t wide = panel_begin(p.columns / L, p.count, panel) * L - first;
    const int64_t copied = std::clamp<int64_t>(p.valid - first, 0, wide);
    C *to = p.panels + first * p.K + p.k * wide;
    if constexpr (std::is_same_v<S, C>) {
      int64_t n = 0;
      for (; n + L <= copied; n += L) {
        store(load(from + first + n), to + n);
      }
      for (; n < copied; ++n) {
        to[n] = from[first + n];
      }
    } else {
      for (int64_t n = 0; n < copied; ++n) {
        to[n] = from_storage<C>(from[first + n]);
      }
    }
    std::fill(to + copied, to + wide, C{0});
    first += wide;
  }
}

template <class C>
void gather_blocks(const BlockGather<C> &g) {
  constexpr int64_t L = kLanes<C>;
  for (int64_t k = 0; k < g.rows; ++k) {
    const C *from = g.from + k * g.from_row;
    C *to = g.to + k * g.to_row;
    for (int64_t b = 0; b < g.blocks; ++b) {
      store(load(from + b * g.from_block), to + b * L);
    }
  }
}

// Into the second cache level.
template <class C>
void ask_for_blocks(const BlockGather<C> &g) {
  constexpr int64_t L = kLanes<C>;
  constexpr int64_t line = kLineBytes / static_cast<int64_t>(sizeof(C));
  for (int64_t k = 0; k < g.rows; ++k) {
    const C *from = g.from + k * g.from_row;
    for (int64_t b = 0; b < g.blocks; ++b) {
      for (int64_t n = 0; n < L; n += line) {
        __builtin_prefetch(from + b * g.from_block + n, 0, 2);
      }
    }
  }
}

template <class C, class S, Storage kStorage>
void fill(PackTable<C> &table) {
  constexpr auto index = static_cast<int>(kStorage);
  table.pack_columns[index] = &pack_columns<S, C>;
  table.pack_row[index] = &pack_row<S, C>;
}

PackTable<float> pack_table_f32() {
  PackTable<float> table{};
  fill<float, float, Storage::f32>(table);
  fill<float, F16, Storage::f16>(table);
  fill<float, Bf16, Storage::bf16>(table);
  table.gather_blocks = &gather_blocks<float>;
  table.ask_for_blocks = &ask_for_blocks<float>;
  return table;
}
PackTable<double> pack_table_f64() {
  PackTable<double> table{};
  fill<double, double, Storage::f64>(table);
  table.gather_blocks = &gather_blocks<double>;
  table.ask_for_blocks = &ask_for_blocks<double>;
  return table;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rondo::kernels {
HWY_EXPORT(pack_table_f32);
HWY_EXPORT(pack_table_f64);

template <>
PackTable<float> pack_table() {
  return RONDO_DISPATCH(pack_table_f32)();
}
template <>
PackTable<double> pack_table() {
  return RONDO_DISPATCH(pack_table_f64)();
}

}  // namespace rondo::kernels
#endif
