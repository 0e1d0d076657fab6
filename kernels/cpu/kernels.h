// The CPU kernels as tables of functions, one table per instruction set; kernels() gives that of this machine, chosen
// once. C is the type of all arithmetic: double for f64 storage, float for f32, f16 and bf16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cell/numbers.h"

namespace rondo::kernels {

// C[M, V*lanes] = A[M, K] * panel[K, V*lanes], or added to C. Element (m, k) of A lies at a[m*a_row + k*a_k].
// Each element of C is a sum over k in ascending blocks of block_of_k(K), and where of_rows is 1 or 2 in several chains
// within a block: its order depends on K and of_rows alone.
template <class C>
struct Product {
  const C *a;
  ptrdiff_t a_row, a_k;
  const C *panel;
  int64_t M, K;
  int vectors;  // V, 1 to kMaxPanelVectors
  C *c;
  ptrdiff_t c_row;
  bool accumulate;
  int64_t of_rows;  // rows that the call computes together, these M among them; never fewer than M
  const C *next;    // where panels come from beyond the second cache level: what is read after this one; else NULL
  // Of C's shape: what is read beside C's rows once they are there, and has left the caches; else NULL.
  const C *beside = nullptr;
  ptrdiff_t beside_row = 0;
};
// Of several panels: where the next one lies, and its columns of C.
struct PanelSteps {
  int64_t count;
  ptrdiff_t panel, c;
};
inline constexpr int kMostThinRows = 2;
inline constexpr int kMaxPanelVectors = 4;
// What a first cache level holds on any processor that these kernels are for.
inline constexpr int64_t kFirstLevelBytes = 32 << 10;
inline constexpr int64_t kLineBytes = 64;  // of a cache
// Blocks of K are as few as may be and equal: each beyond the first reads and writes all of C once more.
inline constexpr int64_t kMostBlockK = 1024;
constexpr int64_t block_of_k(int64_t K) {
  if (K <= kMostBlockK) {
    return K;
  }
  const int64_t blocks = (K + kMostBlockK - 1) / kMostBlockK;
  return (K + blocks - 1) / blocks;
}

// One step of a cell for some rows and the units of one gate panel. Gate buffers hold, per block of `lanes` units, each
// gate's lanes in turn; every pointer is at row 0 and the panel's first gate column, or first unit.
template <class C>
struct ForwardTile {
  int64_t rows, units;  // units that exist; the last block may be partial
  const C *pre;         // W_ih x, [rows, gates]
  ptrdiff_t pre_row;
  const C *recurrent;  // W_hh h, [rows, gates]
  ptrdiff_t recurrent_row;
  const C *bias_x, *bias_h;  // [gates]
  const C *h_prev;           // [rows, units], padded to lanes
  ptrdiff_t h_prev_row;
  C *c;  // [rows, units] in place, padded to lanes; only cells with a cell state
  ptrdiff_t c_row;
  C *h;  // [rows, units], padded to lanes; rounded to storage
  ptrdiff_t h_row;
  C *history;  // [rows, units], exact; the same values, or NULL
  ptrdiff_t history_row;
  C *stash;  // [rows, gates]; what backward needs, or NULL
  ptrdiff_t stash_row;
  C *extra;  // [rows, units], padded to lanes
  ptrdiff_t extra_row;
};

template <class C>
struct BackwardTile {
  int64_t rows, units;
  const C *stash;  // [rows, gates]
  ptrdiff_t stash_row;
  const C *extra;  // [rows, units], padded to lanes, as the next
  ptrdiff_t extra_row;
  const C *c_prev;
  ptrdiff_t c_prev_row;
  const C *h_prev;  // [rows, units], exact
  ptrdiff_t h_prev_row;
  const C *dy;  // [rows, units], exact, or NULL; added to dh
  ptrdiff_t dy_row;
  C *dh;  // [rows, units], padded; in: gradient of h; out: what reaches the previous h beside the product with W_hh
  ptrdiff_t dh_row;
  C *dc;  // [rows, units], padded, in place
  ptrdiff_t dc_row;
  C *dx;  // [rows, gates], rounded to storage; may be the stash
  ptrdiff_t dx_row;
  C *dh_gate;  // [rows, gates], only cells that split the gradient
  ptrdiff_t dh_gate_row;
};

// Columns of `vectors` vectors are cut into panels of nearly equal width; where panel number `panel` of `panels`
// begins.
constexpr int64_t panel_begin(int64_t vectors, int64_t panels, int64_t panel) { return vectors * panel / panels; }

// Rows [0, K) of a panel whose columns are rows of the source, as W^T's are for x W^T: element (k, n) of the panel's
// vector v is rows[v][n*ld + k], zero from n = valid[v] on.
template <class C>
struct PanelColumns {
  const void *rows[kMaxPanelVectors];
  int64_t valid[kMaxPanelVectors];
  ptrdiff_t ld;
  int64_t K;
  int vectors;
  C *panel;
};

// Row k of panels of K rows: from[0, valid), zeros up to `columns`, which are padded to lanes.
template <class C>
struct PanelRow {
  const void *from;
  int64_t valid, columns;
  int64_t count;  // of panels
  int64_t K, k;
  C *panels;
};

// to[k*to_row + b*lanes + n] = from[k*from_row + b*from_block + n], for whole vectors.
template <class C>
struct BlockGather {
  const C *from;
  ptrdiff_t from_row, from_block;
  int64_t rows, blocks;
  C *to;
  ptrdiff_t to_row;
};

template <class C>
struct Kernels {
  const char *target;  // the instruction set's name
  int lanes;           // of a vector of C
  int panel_vectors;   // of a plain matrix
  void (*product)(const Product<C> &);
  // For each of several panels as wide as the first, where of_rows is kMostThinRows at most.
  void (*thin_products)(const Product<C> &, const PanelSteps &);
  CellFacts cells[kCells];
  void (*forward[kCells][kStorages])(const ForwardTile<C> &);
  void (*backward[kCells][kStorages])(const BackwardTile<C> &);
  // n elements from storage, to storage (rounded), and added to storage in C before rounding.
  void (*load[kStorages])(const void *from, C *to, int64_t n);
  void (*store[kStorages])(const C *from, void *to, int64_t n);
  void (*store_sum[kStorages])(const C *from, void *to, int64_t n);
  // Rounds n elements to storage, in place.
  void (*round[kStorages])(C *values, int64_t n);
  // Copies into panels, from storage.
  void (*pack_columns[kStorages])(const PanelColumns<C> &);
  void (*pack_row[kStorages])(const PanelRow<C> &);
  void (*gather_blocks)(const BlockGather<C> &);
  void (*ask_for_blocks)(const BlockGather<C> &);  // what gather_blocks will read, into the second cache level
  // sums[n] = sum of rows of a[rows, n]; blocks of rows of fixed size, in order.
  void (*sum_rows)(const C *a, ptrdiff_t a_row, int64_t rows, int64_t n, C *sums);
};

template <class C>
const Kernels<C> &kernels();
template <>
const Kernels<float> &kernels<float>();
template <>
const Kernels<double> &kernels<double>();

}  // namespace rondo::kernels
