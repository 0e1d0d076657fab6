// The part of the kernel table that product.cpp fills, for kernels.cpp to join with the rest.
#pragma once

#include "kernels/cpu/kernels.h"

namespace rondo::kernels {

template <class C>
struct ProductTable {
  int lanes;
  int panel_vectors;
  void (*product)(const Product<C> &);
  void (*thin_products)(const Product<C> &, const PanelSteps &);
};

template <class C>
ProductTable<C> product_table();
template <>
ProductTable<float> product_table();
template <>
ProductTable<double> product_table();

const char *instruction_set();

}  // namespace rondo::kernels
