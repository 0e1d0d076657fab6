// The large products of a call, cut into pieces for the team: x W over many rows, and dG^T x over a whole sequence.
// Pieces are whole output elements, so who computes one never changes its sum.
#pragma once

#include "backend/cpu/dimensions.h"
#include "backend/cpu/team.h"
#include "kernels/cpu/pack.h"

namespace rondo::cpu {

// Rows of a piece: enough to pay for a panel's way through the cache, few enough to share out.
inline constexpr int64_t rows_per_piece = 384;

// c[rows, columns] = (or +=) a[rows, K] * panels, this member's pieces.
template <class C>
struct RowsProduct {
  const C *a;
  int64_t a_row, rows, K;
  const C *weights;
  Panels panels;
  C *c;
  int64_t c_row;
  bool accumulate;

  void run(const kernels::Kernels<C> &kernel, const Member &member) const {
    const int64_t blocks = divide_up(rows, rows_per_piece);
    const int64_t pieces = blocks * panels.count();
    for (int64_t piece = member.first(pieces); piece < member.last(pieces); ++piece) {
      const int64_t panel = piece / blocks;
      const int64_t row = piece % blocks * rows_per_piece;
      kernel.product({a + row * a_row, a_row, 1, weights + panels.offset(panel, K),
                      std::min(rows_per_piece, rows - row), K, panels.vectors_at(panel),
                      c + row * c_row + panel * panels.width(), c_row, accumulate});
    }
  }
};

// c[M, columns] = sum over rows of g[row, m] * x(row)[column]: a weight's gradient. x's panels are packed on the fly
// into the member's scratch, a block of rows at a time in order.
template <class C, class RowOf>
struct GradientProduct {
  const C *g;
  int64_t g_row, M;
  RowOf x;  // row number to its first element, never nullptr
  int64_t rows, columns;
  Panels panels;
  C *c;
  int64_t c_row;

  void run(const kernels::Kernels<C> &kernel, const Member &member) const {
    const int64_t blocks = divide_up(M, rows_per_piece);
    const int64_t pieces = blocks * panels.count();
    auto *packed = static_cast<C *>(member.scratch);
    for (int64_t piece = member.first(pieces); piece < member.last(pieces); ++piece) {
      const int64_t panel = piece / blocks;
      const int64_t m = piece % blocks * rows_per_piece;
      const int64_t column = panel * panels.width();
      const int64_t width = int64_t{panels.vectors_at(panel)} * panels.lanes;
      int64_t first = 0;
      do {
        const int64_t K = std::min(kernels::kBlockK, rows - first);
        kernels::pack_rows([&](int64_t k) { return x(first + k) + column; }, K, std::min(width, columns - column),
                           width, packed);
        kernel.product({g + first * g_row + m, 1, g_row, packed, std::min(rows_per_piece, M - m), K,
                        panels.vectors_at(panel), c + m * c_row + column, c_row, first > 0});
        first += K;
      } while (first < rows);
    }
  }
};

}  // namespace rondo::cpu
