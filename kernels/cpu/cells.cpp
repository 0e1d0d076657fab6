// One step of every cell, forward and backward, over tiles of rows and blocks of units: loops and memory only, the
// mathematics is kernels/cell's.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/cells.cpp"
#include "kernels/cpu/targets.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/cell_table.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

#undef RONDO_CELL_FN
#define RONDO_CELL_FN HWY_INLINE
#include "kernels/cell/cells.h"

// A row of a tile as plain local pointers: what the loops store might otherwise change the tile that they read.
template <class T>
struct ForwardRow {
  const T *pre, *recurrent, *bias_x, *bias_h, *h_prev;
  T *c, *h, *history, *stash, *extra;
};

// One vector of units of one row; kWhole: all its lanes exist.
template <class T, class Cell, Storage kStorage, bool kStash, bool kWhole>
HWY_INLINE void forward_block(const ForwardRow<T> &row, int64_t unit, int64_t units) {
  constexpr int G = Cell::kGates;
  const int L = lanes<T>();
  using V = Vector<T>;
  const int64_t column = unit * G;
  V x[G];
  V h[G];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    x[g] = load(row.pre + column + g * L) + load(row.bias_x + column + g * L);
    h[g] = load(row.recurrent + column + g * L) + load(row.bias_h + column + g * L);
  }
  V h_prev = zero<T>();
  V c_prev = zero<T>();
  if constexpr (Cell::kUsesPreviousHidden) {
    h_prev = load(row.h_prev + unit);
  }
  if constexpr (Cell::kHasCellState) {
    c_prev = load(row.c + unit);
  }
  const auto out = Cell::forward(x, h, h_prev, c_prev);
  const V h_new = round_to<kStorage>(out.h);
  store(h_new, row.h + unit);
  if constexpr (Cell::kHasCellState) {
    store(out.extra, row.c + unit);
  }
  if constexpr (kWhole) {
    store(h_new, row.history + unit);
  } else {
    store_first(h_new, row.history + unit, units - unit);
  }
  if constexpr (kStash) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      store(out.gate[g], row.stash + column + g * L);
    }
    if constexpr (Cell::kHasExtra) {
      store(out.extra, row.extra + unit);
    }
  }
}

template <class T, class Cell, Storage kStorage, bool kStash>
HWY_INLINE void forward_rows(const ForwardTile<T> &t) {
  // Without a history the same values to h once more cost less than asking at every block.
  T *history = t.history != nullptr ? t.history : t.h;
  const ptrdiff_t history_row = t.history != nullptr ? t.history_row : t.h_row;
  const int64_t rows = t.rows;
  const int64_t units = t.units;
  const int64_t whole = units - units % lanes<T>();
  for (int64_t r = 0; r < rows; ++r) {
    ForwardRow<T> row{};
    row.pre = t.pre + r * t.pre_row;
    row.recurrent = t.recurrent + r * t.recurrent_row;
    row.bias_x = t.bias_x;
    row.bias_h = t.bias_h;
    row.h = t.h + r * t.h_row;
    row.history = history + r * history_row;
    if constexpr (Cell::kUsesPreviousHidden) {
      row.h_prev = t.h_prev + r * t.h_prev_row;
    }
    if constexpr (Cell::kHasCellState) {
      row.c = t.c + r * t.c_row;
    }
    if constexpr (kStash) {
      row.stash = t.stash + r * t.stash_row;
      if constexpr (Cell::kHasExtra) {
        row.extra = t.extra + r * t.extra_row;
      }
    }
    for (int64_t unit = 0; unit < whole; unit += lanes<T>()) {
      forward_block<T, Cell, kStorage, kStash, true>(row, unit, units);
    }
    if (whole < units) {
      forward_block<T, Cell, kStorage, kStash, false>(row, whole, units);
    }
  }
}

template <class T, class Cell, Storage kStorage>
void forward_tile(const ForwardTile<T> &t) {
  if (t.stash != nullptr) {
    forward_rows<T, Cell, kStorage, true>(t);
  } else {
    forward_rows<T, Cell, kStorage, false>(t);
  }
}

template <class T>
struct BackwardRow {
  const T *stash, *extra, *c_prev, *h_prev, *dy;
  T *dh, *dc, *dx, *dh_gate;
};

template <class T, class Cell, Storage kStorage, bool kOutputGradient, bool kWhole>
HWY_INLINE void backward_block(const BackwardRow<T> &row, int64_t unit, int64_t units) {
  constexpr int G = Cell::kGates;
  const int L = lanes<T>();
  using V = Vector<T>;
  const int64_t column = unit * G;
  const int64_t valid = units - unit;
  const auto load_valid = [&](const T *from) HWY_ATTR { return kWhole ? load(from) : load_first(from, valid); };
  // Units that do not exist are zero: the products run over them, and zero weights do not silence a NaN.
  const auto store_valid = [&](V value, T *to) HWY_ATTR { store(kWhole ? value : keep_first(value, valid), to); };
  V gate[G];
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    gate[g] = load(row.stash + column + g * L);
  }
  V extra = zero<T>();
  V c_prev = zero<T>();
  V h_prev = zero<T>();
  V dc = zero<T>();
  if constexpr (Cell::kHasExtra) {
    extra = load(row.extra + unit);
  }
  if constexpr (Cell::kHasCellState) {
    c_prev = load(row.c_prev + unit);
    dc = load(row.dc + unit);
  }
  if constexpr (Cell::kUsesPreviousHidden) {
    h_prev = load_valid(row.h_prev + unit);
  }
  V dh = load(row.dh + unit);
  if constexpr (kOutputGradient) {
    dh = dh + load_valid(row.dy + unit);
  }
  const auto out = Cell::backward(gate, extra, c_prev, h_prev, dh, dc);
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    store_valid(round_to<kStorage>(out.dx[g]), row.dx + column + g * L);
  }
  if constexpr (Cell::kSplitsGradient) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      store_valid(round_to<kStorage>(out.dh_gate[g]), row.dh_gate + column + g * L);
    }
  }
  if constexpr (Cell::kUsesPreviousHidden) {
    store_valid(out.direct, row.dh + unit);
  } else {
    store(zero<T>(), row.dh + unit);
  }
  if constexpr (Cell::kHasCellState) {
    store_valid(dc, row.dc + unit);
  }
}

template <class T, class Cell, Storage kStorage, bool kOutputGradient>
HWY_INLINE void backward_rows(const BackwardTile<T> &t) {
  const int64_t rows = t.rows;
  const int64_t units = t.units;
  const int64_t whole = units - units % lanes<T>();
  for (int64_t r = 0; r < rows; ++r) {
    BackwardRow<T> row{};
    row.stash = t.stash + r * t.stash_row;
    row.dh = t.dh + r * t.dh_row;
    row.dx = t.dx + r * t.dx_row;
    if constexpr (kOutputGradient) {
      row.dy = t.dy + r * t.dy_row;
    }
    if constexpr (Cell::kHasExtra) {
      row.extra = t.extra + r * t.extra_row;
    }
    if constexpr (Cell::kUsesPreviousHidden) {
      row.h_prev = t.h_prev + r * t.h_prev_row;
    }
    if constexpr (Cell::kHasCellState) {
      row.c_prev = t.c_prev + r * t.c_prev_row;
      row.dc = t.dc + r * t.dc_row;
    }
    if constexpr (Cell::kSplitsGradient) {
      row.dh_gate = t.dh_gate + r * t.dh_gate_row;
    }
    for (int64_t unit = 0; unit < whole; unit += lanes<T>()) {
      backward_block<T, Cell, kStorage, kOutputGradient, true>(row, unit, units);
    }
    if (whole < units) {
      backward_block<T, Cell, kStorage, kOutputGradient, false>(row, whole, units);
    }
  }
}

template <class T, class Cell, Storage kStorage>
void backward_tile(const BackwardTile<T> &t) {
  if (t.dy != nullptr) {
    backward_rows<T, Cell, kStorage, true>(t);
  } else {
    backward_rows<T, Cell, kStorage, false>(t);
  }
}

// A type of arithmetic has only its own storage types: f64 has double, the others float.
template <class T, class Cell>
constexpr void fill_row(CellTable<T> &table, int row) {
  constexpr auto plain = sizeof(T) == sizeof(double) ? Storage::f64 : Storage::f32;
  table.facts[row] = {Cell::kGates, Cell::kHasCellState, Cell::kHasExtra, Cell::kSplitsGradient};
  table.forward[row][static_cast<int>(plain)] = &forward_tile<T, Cell, plain>;
  table.backward[row][static_cast<int>(plain)] = &backward_tile<T, Cell, plain>;
  if constexpr (plain == Storage::f32) {
    table.forward[row][static_cast<int>(Storage::f16)] = &forward_tile<T, Cell, Storage::f16>;
    table.backward[row][static_cast<int>(Storage::f16)] = &backward_tile<T, Cell, Storage::f16>;
    table.forward[row][static_cast<int>(Storage::bf16)] = &forward_tile<T, Cell, Storage::bf16>;
    table.backward[row][static_cast<int>(Storage::bf16)] = &backward_tile<T, Cell, Storage::bf16>;
  }
}

template <class T>
CellTable<T> cell_table() {
  CellTable<T> table{};
  fill_row<T, RnnTanhCell>(table, kRnnTanh);
  fill_row<T, RnnReluCell>(table, kRnnRelu);
  fill_row<T, LstmCell>(table, kLstm);
  fill_row<T, GruCell>(table, kGru);
  return table;
}
CellTable<float> cell_table_f32() { return cell_table<float>(); }
CellTable<double> cell_table_f64() { return cell_table<double>(); }

// Arrays through the activations, for the tests that count their error.
template <class T>
void activation(const T *x, T *sigmoids, T *tanhs, int64_t n) {
  for (int64_t k = 0; k < n; k += lanes<T>()) {
    const int64_t valid = std::min<int64_t>(lanes<T>(), n - k);
    const Vector<T> value = load_first(x + k, valid);
    store_first(sigmoid(value), sigmoids + k, valid);
    store_first(tanh(value), tanhs + k, valid);
  }
}
void activation_f32(const float *x, float *sigmoids, float *tanhs, int64_t n) { activation(x, sigmoids, tanhs, n); }
void activation_f64(const double *x, double *sigmoids, double *tanhs, int64_t n) { activation(x, sigmoids, tanhs, n); }

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rondo::kernels {
HWY_EXPORT(cell_table_f32);
HWY_EXPORT(cell_table_f64);
HWY_EXPORT(activation_f32);
HWY_EXPORT(activation_f64);

template <>
CellTable<float> cell_table() {
  return RONDO_DISPATCH(cell_table_f32)();
}
template <>
CellTable<double> cell_table() {
  return RONDO_DISPATCH(cell_table_f64)();
}
void activations(const float *x, float *sigmoids, float *tanhs, int64_t n) {
  RONDO_DISPATCH(activation_f32)(x, sigmoids, tanhs, n);
}
void activations(const double *x, double *sigmoids, double *tanhs, int64_t n) {
  RONDO_DISPATCH(activation_f64)(x, sigmoids, tanhs, n);
}

}  // namespace rondo::kernels
#endif
