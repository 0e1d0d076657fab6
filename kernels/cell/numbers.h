// How kernels number storage types and cells, as the public header does, and what every back end's loops need to know
// of a cell.
#pragma once

#include <cstdint>

namespace rondo::kernels {

// Storage types, numbered as rondo_dtype_t.
enum class Storage : int32_t { f64 = 0, f32 = 1, f16 = 2, bf16 = 3 };
inline constexpr int kStorages = 4;
// Cells, numbered as rondo_cell_t.
enum CellRow { kRnnTanh = 0, kRnnRelu = 1, kLstm = 2, kGru = 3, kCells };

// What a cell's loops need, as the cell itself states it.
struct CellFacts {
  int gates;
  bool has_cell_state, has_extra, splits_gradient;
};

}  // namespace rondo::kernels
