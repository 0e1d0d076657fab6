// The part of the kernel table that cells.cpp fills, and its activations on arrays.
#pragma once

#include "kernels/cpu/kernels.h"

namespace rondo::kernels {

template <class C>
using ForwardFunction = void (*)(const ForwardTile<C> &);
template <class C>
using BackwardFunction = void (*)(const BackwardTile<C> &);

template <class C>
struct CellTable {
  CellFacts facts[kCells];
  ForwardFunction<C> forward[kCells][kStorages];
  BackwardFunction<C> backward[kCells][kStorages];
};

template <class C>
CellTable<C> cell_table();
template <>
CellTable<float> cell_table();
template <>
CellTable<double> cell_table();

// sigmoid and tanh of n values, as the cells compute them.
void activations(const float *x, float *sigmoids, float *tanhs, int64_t n);
void activations(const double *x, double *sigmoids, double *tanhs, int64_t n);

}  // namespace rondo::kernels
