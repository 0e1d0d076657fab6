// The part of the kernel table that pack.cpp fills: cutting matrices into panels, [K, width] blocks whose columns
// beyond the matrix are zeros. Packing copies and converts, it computes nothing.
#pragma once

#include "kernels/cpu/kernels.h"

namespace rondo::kernels {

template <class C>
struct PackTable {
  void (*pack_columns[kStorages])(const PanelColumns<C> &);
  void (*pack_row[kStorages])(const PanelRow<C> &);
  void (*gather_blocks)(const BlockGather<C> &);
  void (*ask_for_blocks)(const BlockGather<C> &);  // what gather_blocks will read, into the second cache level
};

template <class C>
PackTable<C> pack_table();
template <>
PackTable<float> pack_table();
template <>
PackTable<double> pack_table();

}  // namespace rondo::kernels
