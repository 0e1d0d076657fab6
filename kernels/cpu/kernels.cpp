// Joins the parts of the kernel table once per process; Highway chooses the instruction set, the same for every part.
#include "kernels/cpu/kernels.h"

#include <algorithm>
#include <iterator>

#include "kernels/cpu/cell_table.h"
#include "kernels/cpu/convert_table.h"
#include "kernels/cpu/pack.h"
#include "kernels/cpu/product.h"

namespace rondo::kernels {
namespace {

template <class C>
Kernels<C> joined() {
  const ProductTable<C> products = product_table<C>();
  const CellTable<C> cells = cell_table<C>();
  const ConvertTable<C> converts = convert_table<C>();
  const PackTable<C> packs = pack_table<C>();
  Kernels<C> table{};
  table.target = instruction_set();
  table.lanes = products.lanes;
  table.panel_vectors = products.panel_vectors;
  table.product = products.product;
  table.thin_products = products.thin_products;
  std::copy(std::begin(cells.facts), std::end(cells.facts), table.cells);
  for (int cell = 0; cell < kCells; ++cell) {
    std::copy(std::begin(cells.forward[cell]), std::end(cells.forward[cell]), table.forward[cell]);
    std::copy(std::begin(cells.backward[cell]), std::end(cells.backward[cell]), table.backward[cell]);
  }
  std::copy(std::begin(converts.load), std::end(converts.load), table.load);
  std::copy(std::begin(converts.store), std::end(converts.store), table.store);
  std::copy(std::begin(converts.store_sum), std::end(converts.store_sum), table.store_sum);
  std::copy(std::begin(converts.round), std::end(converts.round), table.round);
  table.sum_rows = converts.sum_rows;
  std::copy(std::begin(packs.pack_columns), std::end(packs.pack_columns), table.pack_columns);
  std::copy(std::begin(packs.pack_row), std::end(packs.pack_row), table.pack_row);
  table.gather_blocks = packs.gather_blocks;
  table.ask_for_blocks = packs.ask_for_blocks;
  return table;
}

}  // namespace

template <>
const Kernels<float> &kernels<float>() {
  static const Kernels<float> table = joined<float>();
  return table;
}
template <>
const Kernels<double> &kernels<double>() {
  static const Kernels<double> table = joined<double>();
  return table;
}

}  // namespace rondo::kernels
