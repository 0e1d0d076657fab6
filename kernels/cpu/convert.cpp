// Rows between storage and the type of arithmetic, rounding in place, and sums over rows.
// Plain loops: inside Highway's region the compiler turns them into the instruction set's vector code.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/convert.cpp"
#include "kernels/cpu/targets.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cell/dtype.h"
#include "kernels/cpu/convert_table.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

template <class S, class C>
void load_row(const void *from, C *to, int64_t n) {
  const auto *source = static_cast<const S *>(from);
  for (int64_t k = 0; k < n; ++k) {
    to[k] = from_storage<C>(source[k]);
  }
}

template <class S, class C>
void store_row(const C *from, void *to, int64_t n) {
  auto *target = static_cast<S *>(to);
  for (int64_t k = 0; k < n; ++k) {
    target[k] = to_storage<S>(from[k]);
  }
}

template <class S, class C>
void store_sum_row(const C *from, void *to, int64_t n) {
  auto *target = static_cast<S *>(to);
  for (int64_t k = 0; k < n; ++k) {
    target[k] = to_storage<S>(from_storage<C>(target[k]) + from[k]);
  }
}

template <Storage kStorage, class C>
void round_row(C *values, int64_t n) {
  if constexpr (kStorage == Storage::f16 || kStorage == Storage::bf16) {
    const int L = lanes<C>();
    for (int64_t k = 0; k < n; k += L) {
      const int64_t valid = std::min<int64_t>(L, n - k);
      store_first(round_to<kStorage>(load_first(values + k, valid)), values + k, valid);
    }
  }
}

// A second sum per block of rows keeps the error of a long sequence near that of a short one.
constexpr int64_t kRowsPerSum = 256;

// Vectors of one row at a time: whole cache lines of it, few enough for registers.
constexpr int64_t kVectorsPerSum = 8;

template <class C, int kVectors>
HWY_INLINE void sum_strip(const C *a, ptrdiff_t a_row, int64_t rows, C *sums) {
  const int L = lanes<C>();
  Vector<C> total[kVectors];
  for (auto &sum : total) {
    sum = zero<C>();
  }
  for (int64_t first = 0; first < rows; first += kRowsPerSum) {
    Vector<C> part[kVectors];
    for (auto &sum : part) {
      sum = zero<C>();
    }
    const int64_t last = std::min(rows, first + kRowsPerSum);
    for (int64_t row = first; row < last; ++row) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        part[v] = part[v] + load(a + row * a_row + v * L);
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      total[v] = total[v] + part[v];
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    store(total[v], sums + v * L);
  }
}

template <class C>
void sum_rows(const C *a, ptrdiff_t a_row, int64_t rows, int64_t n, C *sums) {
  const int L = lanes<C>();
  int64_t k = 0;
  for (; k + kVectorsPerSum * L <= n; k += kVectorsPerSum * L) {
    sum_strip<C, kVectorsPerSum>(a + k, a_row, rows, sums + k);
  }
  for (; k < n; k += L) {
    sum_strip<C, 1>(a + k, a_row, rows, sums + k);
  }
}

template <class C, class S, Storage kStorage>
void fill(ConvertTable<C> &table) {
  constexpr auto index = static_cast<int>(kStorage);
  table.load[index] = &load_row<S, C>;
  table.store[index] = &store_row<S, C>;
  table.store_sum[index] = &store_sum_row<S, C>;
  table.round[index] = &round_row<kStorage, C>;
}

ConvertTable<float> convert_table_f32() {
  ConvertTable<float> table{};
  fill<float, float, Storage::f32>(table);
  fill<float, F16, Storage::f16>(table);
  fill<float, Bf16, Storage::bf16>(table);
  table.sum_rows = &sum_rows<float>;
  return table;
}
ConvertTable<double> convert_table_f64() {
  ConvertTable<double> table{};
  fill<double, double, Storage::f64>(table);
  table.sum_rows = &sum_rows<double>;
  return table;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rondo::kernels {
HWY_EXPORT(convert_table_f32);
HWY_EXPORT(convert_table_f64);

template <>
ConvertTable<float> convert_table() {
  return RONDO_DISPATCH(convert_table_f32)();
}
template <>
ConvertTable<double> convert_table() {
  return RONDO_DISPATCH(convert_table_f64)();
}

}  // namespace rondo::kernels
#endif
