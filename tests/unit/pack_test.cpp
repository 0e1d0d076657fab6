// The kernels that cut matrices into panels against loops over single elements, byte for byte, of every storage type.
// Sources end with their last element, so that a sanitizer sees a read beyond them.
#include "kernels/cpu/pack.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/cell/dtype.h"
#include "support/catch.h"

using rondo::kernels::Bf16;
using rondo::kernels::F16;
using rondo::kernels::from_storage;
using rondo::kernels::kernels;
using rondo::kernels::kMaxPanelVectors;
using rondo::kernels::Storage;
using rondo::kernels::to_storage;

namespace {

template <class Element, class Arithmetic, Storage kStorage>
struct Kind {
  using S = Element;
  using C = Arithmetic;
  static constexpr int index = static_cast<int>(kStorage);
};

// Multiples of 2^-8 in [-1, 1), none of them zero and all exact in half precision; rounded for bf16.
template <class S>
std::vector<S> sequence(std::int64_t n, std::uint32_t seed) {
  std::vector<S> values(static_cast<std::size_t>(std::max<std::int64_t>(n, 0)));
  std::uint32_t state = seed * 2654435761u + 1;
  for (S &value : values) {
    state = state * 1664525u + 1013904223u;
    value = to_storage<S>(static_cast<float>(static_cast<int>(state >> 24) * 2 - 255) / 256.0f);
  }
  return values;
}

constexpr std::int64_t margin = 70;  // elements on either side that must stay as they are

template <class C>
std::vector<C> canvas(std::int64_t n) {
  return std::vector<C>(static_cast<std::size_t>(n + 2 * margin), C{77});
}
template <class C>
C &at(std::vector<C> &values, std::int64_t place) {
  return values[static_cast<std::size_t>(margin + place)];
}
template <class C>
bool same_bytes(const std::vector<C> &a, const std::vector<C> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(C)) == 0;
}

template <class K>
bool columns_agree(std::int64_t depth, std::int64_t beyond, std::int64_t offset,
                   const std::vector<std::int64_t> &valid) {
  using S = typename K::S;
  using C = typename K::C;
  const std::int64_t lanes = kernels<C>().lanes;
  const auto vectors = static_cast<std::int64_t>(valid.size());
  const std::int64_t width = vectors * lanes;
  const std::int64_t ld = depth + beyond;
  std::vector<std::vector<S>> sources;
  std::vector<C> panel = canvas<C>(depth * width + offset);
  std::vector<C> expected = panel;
  rondo::kernels::PanelColumns<C> part{};
  part.ld = ld;
  part.K = depth;
  part.vectors = static_cast<int>(vectors);
  part.panel = &at(panel, offset);
  for (std::int64_t v = 0; v < vectors; ++v) {
    const std::int64_t count = valid[static_cast<std::size_t>(v)];
    sources.push_back(sequence<S>(count == 0 ? 0 : offset + (count - 1) * ld + depth, static_cast<std::uint32_t>(v)));
    const std::vector<S> &source = sources.back();
    part.valid[v] = count;
    part.rows[v] = count == 0 ? nullptr : source.data() + offset;
    for (std::int64_t k = 0; k < depth; ++k) {
      for (std::int64_t n = 0; n < lanes; ++n) {
        at(expected, offset + k * width + v * lanes + n) =
            n < count ? from_storage<C>(source[static_cast<std::size_t>(offset + n * ld + k)]) : C{0};
      }
    }
  }
  kernels<C>().pack_columns[K::index](part);
  return same_bytes(panel, expected);
}

template <class K>
bool row_agrees(std::int64_t columns, std::int64_t count, std::int64_t valid, std::int64_t k, std::int64_t offset) {
  using S = typename K::S;
  using C = typename K::C;
  constexpr std::int64_t depth = 3;
  const std::int64_t vectors = columns / kernels<C>().lanes;
  const std::vector<S> source = sequence<S>(offset + valid, 5);
  std::vector<C> panels = canvas<C>(depth * columns + offset);
  std::vector<C> expected = panels;
  for (std::int64_t panel = 0; panel < count; ++panel) {
    const std::int64_t first = vectors * panel / count * kernels<C>().lanes;
    const std::int64_t end = vectors * (panel + 1) / count * kernels<C>().lanes;
    for (std::int64_t column = first; column < end; ++column) {
      at(expected, offset + first * depth + k * (end - first) + column - first) =
          column < valid ? from_storage<C>(source[static_cast<std::size_t>(offset + column)]) : C{0};
    }
  }
  const S *from = valid == 0 ? nullptr : source.data() + offset;
  kernels<C>().pack_row[K::index]({from, valid, columns, count, depth, k, &at(panels, offset)});
  return same_bytes(panels, expected);
}

}  // namespace

using F64 = Kind<double, double, Storage::f64>;
using F32 = Kind<float, float, Storage::f32>;
using Half = Kind<F16, float, Storage::f16>;
using Brain = Kind<Bf16, float, Storage::bf16>;

TEMPLATE_TEST_CASE("columns of panels are the source's rows, and zeros where it has none", "[pack]", F64, F32, Half,
                   Brain) {
  const std::int64_t lanes = kernels<typename TestType::C>().lanes;
  for (const std::int64_t depth :
       {std::int64_t{0}, std::int64_t{1}, lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes, 3 * lanes + 1,
        std::int64_t{63}, std::int64_t{64}, std::int64_t{65}, 64 + lanes, 64 + lanes + 1, std::int64_t{127},
        std::int64_t{128}, std::int64_t{131}}) {
    for (std::int64_t some = 1; some <= lanes; ++some) {
      for (int vectors = 1; vectors <= kMaxPanelVectors; ++vectors) {
        // Whole vectors, one of `some` columns, and nothing behind it.
        std::vector<std::int64_t> valid(static_cast<std::size_t>(vectors), lanes);
        const auto last = static_cast<std::size_t>(vectors / 2);
        valid[last] = some;
        std::fill(valid.begin() + vectors / 2 + 1, valid.end(), 0);
        CAPTURE(depth, some, vectors);
        CHECK(columns_agree<TestType>(depth, 0, 0, valid));
        CHECK(columns_agree<TestType>(depth, 3, 1, valid));
      }
    }
    CHECK(columns_agree<TestType>(depth, lanes, 5, {0, lanes, 0, 1}));
    CHECK(columns_agree<TestType>(depth, 0, 0, {0}));
  }
}

TEMPLATE_TEST_CASE("a row goes to its place in every panel, with zeros behind it", "[pack]", F64, F32, Half, Brain) {
  const std::int64_t lanes = kernels<typename TestType::C>().lanes;
  for (std::int64_t blocks = 1; blocks <= 9; ++blocks) {
    const std::int64_t columns = blocks * lanes;
    for (std::int64_t count = 1; count <= blocks; ++count) {
      // A narrower matrix than its panels, down to none: a row that the source does not have is NULL.
      for (std::int64_t valid = 0; valid <= columns; ++valid) {
        CAPTURE(count, columns, valid);
        CHECK(row_agrees<TestType>(columns, count, valid, valid % 3, 0));
        CHECK(row_agrees<TestType>(columns, count, valid, (valid + 1) % 3, 1 + valid % 5));
      }
    }
  }
}

TEMPLATE_TEST_CASE("blocks are gathered in order, whatever lies between them", "[pack]", float, double) {
  using C = TestType;
  const std::int64_t lanes = kernels<C>().lanes;
  for (std::int64_t rows = 0; rows <= 5; ++rows) {
    for (std::int64_t blocks = 0; blocks <= 6; ++blocks) {
      for (const std::int64_t gap : {std::int64_t{0}, std::int64_t{3}, 3 * lanes}) {
        for (const std::int64_t offset : {0, 1}) {
          const std::int64_t block = lanes + gap;
          const std::int64_t from_row = blocks * block + gap % 5;
          const std::int64_t to_row = blocks * lanes + gap;
          const bool any = rows > 0 && blocks > 0;
          const std::vector<C> from =
              sequence<C>(any ? offset + (rows - 1) * from_row + (blocks - 1) * block + lanes : 1, 7);
          std::vector<C> to = canvas<C>(rows * to_row + offset);
          std::vector<C> expected = to;
          for (std::int64_t k = 0; k < rows; ++k) {
            for (std::int64_t n = 0; n < blocks * lanes; ++n) {
              at(expected, offset + k * to_row + n) =
                  from[static_cast<std::size_t>(offset + k * from_row + n / lanes * block + n % lanes)];
            }
          }
          kernels<C>().gather_blocks(
              {from.data() + (any ? offset : 0), from_row, block, rows, blocks, &at(to, offset), to_row});
          CAPTURE(rows, blocks, gap, offset);
          CHECK(same_bytes(to, expected));
        }
      }
    }
  }
}
