// One step of every cell, forward and backward, over tiles of rows and blocks of units: loops and memory only, the
// mathematics is kernels/cell's.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/cells.cpp"
#include "kernels/cpu/targets.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/cell_table.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

#undef RONDO_CELL_FN
#define RONDO_CELL_FN HWY_INLINE
#include "kernels/cell/cells.h"

template <class T, class Cell, Storage kStorage>
void forward_tile(const ForwardTile<T> &t) {
  constexpr int G = Cell::kGates;
  const int L = lanes<T>();
  using V = Vector<T>;
  for (int64_t row = 0; row < t.rows; ++row) {
    for (int64_t unit = 0; unit < t.units; unit += L) {
      const int64_t column = unit * G;
      const T *pre = t.pre + row * t.pre_row + column;
      const T *recurrent = t.recurrent + row * t.recurrent_row + column;
      V x[G];
      V h[G];
      for (int g = 0; g < G; ++g) {
        x[g] = load(pre + g * L) + load(t.bias_x + column + g * L);
        h[g] = load(recurrent + g * L) + load(t.bias_h + column + g * L);
      }
      V h_prev = zero<T>();
      V c_prev = zero<T>();
      if constexpr (Cell::kUsesPreviousHidden) {
        h_prev = load(t.h_prev + row * t.h_prev_row + unit);
      }
      if constexpr (Cell::kHasCellState) {
        c_prev = load(t.c + row * t.c_row + unit);
      }
      const auto out = Cell::forward(x, h, h_prev, c_prev);
      const V h_new = round_to<kStorage>(out.h);
      store(h_new, t.h + row * t.h_row + unit);
      if constexpr (Cell::kHasCellState) {
        store(out.extra, t.c + row * t.c_row + unit);
      }
      if (t.history != nullptr) {
        store_first(h_new, t.history + row * t.history_row + unit, t.units - unit);
      }
      if (t.stash != nullptr) {
        for (int g = 0; g < G; ++g) {
          store(out.gate[g], t.stash + row * t.stash_row + column + g * L);
        }
        if constexpr (Cell::kHasExtra) {
          store(out.extra, t.extra + row * t.extra_row + unit);
        }
      }
    }
  }
}

template <class T, class Cell, Storage kStorage>
void backward_tile(const BackwardTile<T> &t) {
  constexpr int G = Cell::kGates;
  const int L = lanes<T>();
  using V = Vector<T>;
  for (int64_t row = 0; row < t.rows; ++row) {
    for (int64_t unit = 0; unit < t.units; unit += L) {
      const int64_t column = unit * G;
      const int64_t valid = std::min<int64_t>(L, t.units - unit);
      V gate[G];
      for (int g = 0; g < G; ++g) {
        gate[g] = load(t.stash + row * t.stash_row + column + g * L);
      }
      V extra = zero<T>();
      V c_prev = zero<T>();
      V h_prev = zero<T>();
      V dc = zero<T>();
      if constexpr (Cell::kHasExtra) {
        extra = load(t.extra + row * t.extra_row + unit);
      }
      if constexpr (Cell::kHasCellState) {
        c_prev = load(t.c_prev + row * t.c_prev_row + unit);
        dc = load(t.dc + row * t.dc_row + unit);
      }
      if constexpr (Cell::kUsesPreviousHidden) {
        h_prev = load_first(t.h_prev + row * t.h_prev_row + unit, valid);
      }
      V dh = load(t.dh + row * t.dh_row + unit);
      if (t.dy != nullptr) {
        dh = dh + load_first(t.dy + row * t.dy_row + unit, valid);
      }
      const auto out = Cell::backward(gate, extra, c_prev, h_prev, dh, dc);
      // Units that do not exist are zero here: the products run over them, and zero weights do not silence a NaN.
      for (int g = 0; g < G; ++g) {
        store(keep_first(round_to<kStorage>(out.dx[g]), valid), t.dx + row * t.dx_row + column + g * L);
      }
      if constexpr (Cell::kSplitsGradient) {
        for (int g = 0; g < G; ++g) {
          store(keep_first(round_to<kStorage>(out.dh_gate[g]), valid),
                t.dh_gate + row * t.dh_gate_row + column + g * L);
        }
      }
      if constexpr (Cell::kUsesPreviousHidden) {
        store(keep_first(out.direct, valid), t.dh + row * t.dh_row + unit);
      } else {
        store(zero<T>(), t.dh + row * t.dh_row + unit);
      }
      if constexpr (Cell::kHasCellState) {
        store(keep_first(dc, valid), t.dc + row * t.dc_row + unit);
      }
    }
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
