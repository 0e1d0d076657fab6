// The part of the kernel table that convert.cpp fills.
#pragma once

#include "kernels/cpu/kernels.h"

namespace rondo::kernels {

template <class C>
struct ConvertTable {
  void (*load[kStorages])(const void *from, C *to, int64_t n);
  void (*store[kStorages])(const C *from, void *to, int64_t n);
  void (*store_sum[kStorages])(const C *from, void *to, int64_t n);
  void (*round[kStorages])(C *values, int64_t n);
  void (*sum_rows)(const C *a, ptrdiff_t a_row, int64_t rows, int64_t n, C *sums);
};

template <class C>
ConvertTable<C> convert_table();
template <>
ConvertTable<float> convert_table();
template <>
ConvertTable<double> convert_table();

}  // namespace rondo::kernels
