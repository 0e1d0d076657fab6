// The large products of a call, cut into pieces for the team: x W over many rows.
// Pieces are whole output elements, so who computes one never changes its sum.
#pragma once

#include <type_traits>

#include "backend/cpu/dimensions.h"
#include "backend/cpu/team.h"

namespace rondo::cpu {

// What panels may weigh before a product asks for the next while it computes: less than any second cache level of the
// processors that these kernels are for.
inline constexpr int64_t near_bytes = 512 << 10;

// Tiles where a panel's product outweighs shaping them, about 80 ns; more chains hide the latency of a single row's
// sums where its weights are near.
inline constexpr int64_t rows_for_tiles = 2;
inline constexpr int64_t multiply_adds_for_tiles = 256;  // of a column: rows times K
inline kernels::Bf16Order bf16_order(const kernels::Bf16Kernels &dot, const Panels &panels, int64_t K,
                                     int64_t of_rows) {
  using kernels::Bf16Order;
  if (dot.has_tiles && of_rows >= rows_for_tiles && of_rows * K >= multiply_adds_for_tiles) {
    return Bf16Order::tiles;
  }
  return of_rows == 1 && panels.columns * K * 2 <= 2 * near_bytes ? Bf16Order::four_chains : Bf16Order::one_chain;
}

// What panels may weigh to stay in the third level, of which a caller may have a part; and the rows that each serves at
// a time where they do not.
inline constexpr int64_t third_level_bytes = 8 << 20;
inline constexpr int64_t rows_of_chunk = 256;

// Rows of a piece: enough to pay for a panel's way through the cache, few enough to stay in it while panels pass.
template <class C>
int64_t rows_of_piece(int64_t K) {
  return std::clamp<int64_t>(near_bytes / static_cast<int64_t>(sizeof(C)) / std::max<int64_t>(K, 1) / 24 * 24, 48, 384);
}

// The same where rows are shared out in pieces: equal ones, or one member has the short ones.
template <class C>
int64_t rows_of_even_piece(int64_t rows, int64_t K) {
  const int64_t some = std::max<int64_t>(rows, 1);
  return divide_up(some, divide_up(some, rows_of_piece<C>(K)));
}

template <class C>
bool panels_are_far(int64_t panels, const Panels &cut, int64_t K) {
  return panels * cut.width() * K * static_cast<int64_t>(sizeof(C)) > near_bytes;
}

template <class C>
bool panels_are_farthest(int64_t columns, int64_t K) {
  return columns * K * static_cast<int64_t>(sizeof(C)) > third_level_bytes;
}

// c[rows, columns] = (or +=) a[rows, K] * panels, this member's part.
// A is C, or Bf16 for the bf16 dot product: then K is even and the panels hold pairs.
template <class C, class A = C>
struct RowsProduct {
  const A *a;
  int64_t a_row, rows, K;
  const A *weights;
  Panels panels;
  C *c;
  int64_t c_row;
  bool accumulate;
  int64_t of_rows;  // what the order of summation goes by: rows, or more where these are a part

  // Whole panels to a member, as a step that is split by columns shares them out.
  void run_panels(const kernels::Kernels<C> &kernel, const Member &member) const {
    const int64_t last = member.last(panels.count());
    for (int64_t panel = member.first(panels.count()); panel < last; ++panel) {
      run_panel(kernel, panel, std::min(panel + 1, last - 1));
    }
  }
  // The same for panels that `pack(panel, to)` packs one by one, where the last was.
  template <class Pack>
  void run_packing(const kernels::Kernels<C> &kernel, const Member &member, C *room, Pack &&pack) const {
    const int64_t height = rows_of_piece<C>(K);
    const int64_t first = member.first(panels.count());
    C *place = room + panels.offset(first, K);
    for (int64_t panel = first; panel < member.last(panels.count()); ++panel) {
      pack(panel, place);
      for (int64_t row = 0; row < rows; row += height) {
        kernel.product({a + row * a_row, a_row, 1, place, std::min(height, rows - row), K, panels.vectors_at(panel),
                        c + row * c_row + panels.column(panel), c_row, accumulate, std::max<int64_t>(of_rows, 1),
                        nullptr});
      }
    }
  }
  void run_panel(const kernels::Kernels<C> &kernel, int64_t panel, int64_t next) const {
    const int64_t height = rows_of_piece<C>(K);
    for (int64_t row = 0; row < rows; row += height) {
      piece(kernel, panel, row, height, row + height < rows ? panel : next);
    }
  }

  // Pieces of panels, which balance better where rows are many: all panels for some rows, which stay in the cache.
  // Where not even the third level keeps the panels, each serves a chunk of rows at a time.
  void run(const kernels::Kernels<C> &kernel, const Member &member) const {
    const int64_t count = panels.count();
    const int64_t height = rows_of_even_piece<C>(rows, K);
    const int64_t pieces = divide_up(rows, height);
    const int64_t chunk =
        panels_are_farthest<C>(panels.columns, K) ? divide_up(rows_of_chunk, height) : 1;  // in pieces
    struct Place {
      int64_t panel, row;
    };
    const auto place = [&](int64_t number) -> Place {
      const int64_t first = number / (chunk * count) * chunk;
      const int64_t in_chunk = std::min(chunk, pieces - first);
      const int64_t rest = number - first * count;
      return {rest / in_chunk, (first + rest % in_chunk) * height};
    };
    member.share(pieces * count, 1, [&](int64_t first, int64_t last) {
      for (int64_t number = first; number < last; ++number) {
        const auto [panel, row] = place(number);
        piece(kernel, panel, row, height, place(std::min(number + 1, last - 1)).panel);
      }
    });
  }

 private:
  void piece(const kernels::Kernels<C> &kernel, int64_t panel, int64_t row, int64_t height, int64_t next) const {
    const int64_t count = std::min(height, rows - row);
    C *to = c + row * c_row + panels.column(panel);
    if constexpr (std::is_same_v<A, C>) {
      const bool far = panels_are_far<C>(panels.count(), panels, K);
      kernel.product({a + row * a_row, a_row, 1, weights + panels.offset(panel, K), count, K, panels.vectors_at(panel),
                      to, c_row, accumulate, std::max<int64_t>(of_rows, 1),
                      far ? weights + panels.offset(next, K) : nullptr});
    } else {
      const kernels::Bf16Kernels &dot = *kernels::bf16_kernels();
      const int vectors = panels.vectors_at(panel);
      dot.product({a + row * a_row, a_row, weights + panels.offset(panel, K), bf16_layout(dot, K, vectors), count, K,
                   vectors, to, c_row, accumulate, bf16_order(dot, panels, K, of_rows)});
    }
  }
};

// Rows of a step for which a block of K of theirs is worth keeping in the second cache level while far panels pass.
inline constexpr int64_t rows_for_blocks_of_k = 48;
inline bool takes_blocks_of_k(bool far, int64_t rows, int64_t K) {
  return far && rows >= rows_for_blocks_of_k && K > kernels::kMostBlockK;
}

// A step's c[rows, columns of panels [first, last)] = (or +=) a[rows, K] * panels, upwards or downwards.
template <class C>
struct StepProduct {
  const C *a;
  int64_t a_row, rows, K;
  const C *weights;
  const Panels &panels;
  int64_t first, last;
  bool backwards;
  C *c;  // of the first panel's first column
  int64_t c_row;
  bool accumulate;
  int64_t of_rows;
  const C *then;              // of the weights, what is read after these panels
  const C *beside = nullptr;  // of c's shape, what is read with c after it
  int64_t beside_row = 0;

  // far: the panels come from beyond the second level.
  void run(const kernels::Kernels<C> &kernel, bool far) const {
    if (of_rows <= kernels::kMostThinRows && panels.even() && first < last) {
      const int64_t panel = panel_at(0);
      const int64_t width = backwards ? -panels.width() : panels.width();
      const C *from = place(panel, 0);
      C *to = c + panels.column(panel) - panels.column(first);
      kernel.thin_products(
          {a, a_row, 1, from, rows, K, panels.vectors_at(panel), to, c_row, accumulate, of_rows, nullptr},
          {last - first, width * K, width});
      return;
    }
    const int64_t block = takes_blocks_of_k(far, rows, K) ? kernels::block_of_k(K) : K;
    for (int64_t k0 = 0; k0 == 0 || k0 < K; k0 += block) {
      const int64_t depth = std::min(block, K - k0);
      for (int64_t number = 0; number < last - first; ++number) {
        const int64_t panel = panel_at(number);
        const int64_t column = panels.column(panel) - panels.column(first);
        const C *next = number + 1 < last - first ? place(panel_at(number + 1), k0)
                        : k0 + depth < K          ? place(panel_at(0), k0 + depth)
                                                  : then;
        kernel.product({a + k0, a_row, 1, place(panel, k0), rows, depth, panels.vectors_at(panel), c + column, c_row,
                        accumulate || k0 > 0, of_rows, far ? next : nullptr,
                        far && beside != nullptr && k0 == 0 ? beside + column : nullptr, beside_row});
      }
    }
  }

 private:
  int64_t panel_at(int64_t number) const { return backwards ? last - 1 - number : first + number; }
  const C *place(int64_t panel, int64_t k) const {
    return weights + panels.offset(panel, K) + k * panels.width_at(panel);
  }
};

}  // namespace rondo::cpu
