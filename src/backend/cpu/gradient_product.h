// A weight's gradient, dG^T x over a whole sequence; x is cut into panels once for the team, in room the call lends.
// A piece is whole output elements, each a sum over blocks of rows in order, so who computes it does not show.
#pragma once

#include "backend/cpu/dimensions.h"
#include "backend/cpu/products.h"
#include "backend/cpu/team.h"

namespace rondo::cpu {

inline constexpr int64_t most_block_rows = 256;
// Rows in one block of the sums, from the weight's shape alone: more where a piece of c is too wide for the second
// cache level, so that it comes and goes less often.
template <class C>
int64_t gradient_block_rows(int64_t columns, int64_t room_rows) {
  const bool wide = columns * static_cast<int64_t>(sizeof(C)) > 4096;
  return std::min<int64_t>(wide ? most_block_rows : 128, room_rows);
}

// c[gate*units + unit, column] = (or +=) sum over rows of g[row, column of gate and unit] * x(row)[column], where g's
// columns are, per block of lanes units, each gate's lanes in turn.
template <class C, class RowOf, class Finish>
struct GradientProduct {
  const C *g;
  int64_t g_row, gates, units;
  RowOf x;  // row number to its first element, never nullptr
  int64_t rows, columns;
  Panels panels;
  C *room;  // the whole team's, for panels of x
  int64_t room_elements;
  C *c;  // columns are written up to panels.columns
  int64_t c_row;
  bool accumulate;
  Finish finish;  // called with a row and column of c, and how many of each there are, once they are complete

  // A panel's block of rows stays in the first cache level, or in the second where c is wide, a piece of c and its
  // block of g in the second, and one group's panels in the third.
  static constexpr int64_t rows_per_pass = 4096;
  static constexpr int64_t units_per_piece = 384 / static_cast<int64_t>(sizeof(C));
  static constexpr int64_t columns_per_group = 8192 / static_cast<int64_t>(sizeof(C));

  void run(const kernels::Kernels<C> &kernel, const Member &member) const {
    const int64_t room_rows = room_elements / panels.columns;
    const int64_t block = gradient_block_rows<C>(panels.columns, room_rows);
    const int64_t step = std::min(rows_per_pass, room_rows) / block * block;
    for (int64_t row = 0; row == 0 || row < rows; row += step) {
      member.sync();  // the room may still be read
      pack(kernel, member, row, std::min(step, rows - row), block);
      member.sync();
      products(kernel, member, row, std::min(step, rows - row), block);
    }
  }

 private:
  C *block_panels(int64_t row) const { return room + row * panels.columns; }

  void pack(const kernels::Kernels<C> &kernel, const Member &member, int64_t first, int64_t count,
            int64_t block) const {
    const auto storage = sizeof(C) == 8 ? kernels::Storage::f64 : kernels::Storage::f32;
    const auto pack_row = kernel.pack_row[static_cast<int>(storage)];
    for (int64_t row = member.first(count); row < member.last(count); ++row) {
      const int64_t start = row / block * block;
      pack_row({x(first + row), columns, panels.columns, panels.count(), std::min(block, count - start), row - start,
                block_panels(start)});
    }
  }

  // This member's units of this member's gates and groups of columns.
  void products(const kernels::Kernels<C> &kernel, const Member &member, int64_t first, int64_t count,
                int64_t block) const {
    const int64_t all = divide_up(panels.count(), panels_per_group()) * gates * vectors_per_gate();
    // Whoever comes first takes less than a piece, or others would wait for the last one's.
    member.share(all, units_per_piece / panels.lanes / 3,
                 [&](int64_t begin, int64_t end) { run_items(kernel, member, first, count, block, begin, end); });
  }

  int64_t vectors_per_gate() const { return divide_up(units, panels.lanes); }

  // The items [begin, end): vectors of units, gate by gate, group by group of columns.
  void run_items(const kernels::Kernels<C> &kernel, const Member &member, int64_t first, int64_t count, int64_t block,
                 int64_t begin, int64_t end) const {
    const int64_t lanes = panels.lanes;
    const int64_t per_gate = vectors_per_gate();
    const int64_t per_group = gates * per_gate;
    for (int64_t item = begin; item < end;) {
      const int64_t in_group = item % per_group;
      const int64_t vector = in_group % per_gate;
      const int64_t left = std::min(per_gate - vector, end - item);
      const int64_t vectors = divide_up(left, divide_up(left, units_per_piece / lanes));
      const Piece piece{in_group / per_gate, vector, std::min(vectors * lanes, units - vector * lanes),
                        item / per_group * panels_per_group()};
      for (int64_t row = 0; row == 0 || row < count; row += block) {
        const auto block_at = [&](int64_t start) {
          return Block{first + start, std::min(block, count - start), block_panels(start)};
        };
        product(kernel, member, piece, block_at(row), block_at(row + block < count ? row + block : 0));
      }
      if (first + count >= rows) {
        const int64_t column = panels.column(piece.panel);
        finish(piece.gate * units + vector * lanes, piece.count, column,
               std::min(panels.column(end_of_group(piece.panel)), columns) - column);
      }
      item += vectors;
    }
  }

  struct Piece {
    int64_t gate, vector, count;  // units, from a whole vector on
    int64_t panel;                // the first of its group
  };

  // Groups of about the same width, so that members who share out groups have about the same work.
  int64_t panels_per_group() const {
    const int64_t most = std::max<int64_t>(1, columns_per_group / panels.width());
    return divide_up(panels.count(), divide_up(panels.count(), most));
  }
  int64_t end_of_group(int64_t first_panel) const { return std::min(first_panel + panels_per_group(), panels.count()); }

  // K rows of g and x, of which x's are cut into panels.
  struct Block {
    int64_t row, K;
    const C *x;
  };

  // One block of rows into one piece of c; `following` is multiplied next.
  void product(const kernels::Kernels<C> &kernel, const Member &member, const Piece &piece, const Block &here,
               const Block &following) const {
    const int64_t lanes = panels.lanes;
    auto *g_block = static_cast<C *>(member.scratch);
    static_assert(most_block_rows * units_per_piece * sizeof(C) <= member_scratch_bytes);
    const auto gather = [&](int64_t first, int64_t count) -> kernels::BlockGather<C> {
      return {g + first * g_row + (piece.vector * gates + piece.gate) * lanes,
              g_row,
              gates * lanes,
              count,
              divide_up(piece.count, lanes),
              g_block,
              units_per_piece};
    };
    kernel.gather_blocks(gather(here.row, here.K));
    C *to = c + (piece.gate * units + piece.vector * lanes) * c_row;
    const int64_t last = end_of_group(piece.panel);
    const bool far = rows * panels.columns * static_cast<int64_t>(sizeof(C)) > near_bytes;
    for (int64_t panel = piece.panel; panel < last; ++panel) {
      const C *next = panel + 1 < last ? here.x + panels.offset(panel + 1, here.K)
                                       : following.x + panels.offset(piece.panel, following.K);
      if (far) {  // a part of what is gathered next: its rows lie far apart, which the processor does not foresee
        const int64_t begin = following.K * (panel - piece.panel) / (last - piece.panel);
        const int64_t end = following.K * (panel - piece.panel + 1) / (last - piece.panel);
        kernel.ask_for_blocks(gather(following.row + begin, end - begin));
      }
      kernel.product({g_block, 1, units_per_piece, here.x + panels.offset(panel, here.K), piece.count, here.K,
                      panels.vectors_at(panel), to + panels.column(panel), c_row, accumulate || here.row > 0,
                      units_per_piece, far ? next : nullptr});
    }
  }
};

}  // namespace rondo::cpu
