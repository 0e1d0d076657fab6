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

template <class T>
using BlockFunction = void (*)(const Product<T> &, const T *a, const T *panel, int64_t K, T *c, bool accumulate);

template <class T, int kRows, int kVectors>
HWY_NOINLINE void block(const Product<T> &p, const T *a, const T *panel, int64_t K, T *c, bool accumulate) {
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
    hn::Vec<Tag<T>> b[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      b[v] = hn::LoadU(d, panel + v * step);
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
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) {
    T *row = c + m * p.c_row;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const auto total = accumulate ? hn::Add(hn::LoadU(d, row + v * step), sum[m][v]) : sum[m][v];
      hn::StoreU(total, d, row + v * step);
    }
  }
}

// Row blocks 1 to kMaxRows of one panel width; those beyond block_rows are never asked for.
template <class T, int kVectors, int... kRows>
constexpr std::array<BlockFunction<T>, kMaxRows + 1> block_table(std::integer_sequence<int, kRows...> /*rows*/) {
  return {nullptr, &block<T, std::min(kRows + 1, block_rows(kVectors)), kVectors>...};
}

template <class T>
constexpr std::array<std::array<BlockFunction<T>, kMaxRows + 1>, kMaxPanelVectors> kBlocks = {
    block_table<T, 1>(std::make_integer_sequence<int, kMaxRows>()),
    block_table<T, 2>(std::make_integer_sequence<int, kMaxRows>()),
    block_table<T, 3>(std::make_integer_sequence<int, kMaxRows>()),
    block_table<T, 4>(std::make_integer_sequence<int, kMaxRows>())};

template <class T>
void product(const Product<T> &p) {
  const auto &blocks = kBlocks<T>[static_cast<size_t>(p.vectors - 1)];
  const int64_t full = block_rows(p.vectors);
  const ptrdiff_t width = ptrdiff_t{p.vectors} * lanes<T>();
  int64_t k0 = 0;
  do {
    const int64_t K = std::min(kBlockK, p.K - k0);
    for (int64_t m = 0; m < p.M; m += full) {
      const auto rows = static_cast<size_t>(std::min(full, p.M - m));
      blocks[rows](p, p.a + m * p.a_row + k0 * p.a_k, p.panel + k0 * width, K, p.c + m * p.c_row,
                   p.accumulate || k0 > 0);
    }
    k0 += kBlockK;
  } while (k0 < p.K);
}

ProductTable<float> product_table_f32() { return {lanes<float>(), kPlainVectors, &product<float>}; }
ProductTable<double> product_table_f64() { return {lanes<double>(), kPlainVectors, &product<double>}; }
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
