// The matrix product against sums in long double, for every panel width and row remainder; and each element's sum does
// not depend on the rows around it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/cpu/kernels.h"
#include "support/catch.h"

namespace {

// Of all the bits that C has, so that another order of summation shows.
template <class C>
std::vector<C> sequence(std::int64_t n, int seed) {
  std::vector<C> values(static_cast<std::size_t>(n));
  std::uint32_t state = static_cast<std::uint32_t>(seed) * 2654435761u + 1;
  for (C &value : values) {
    state = state * 1664525u + 1013904223u;
    value = (static_cast<C>(state >> 8) / static_cast<C>(1 << 23) - C{1}) * static_cast<C>(0.98765432109876543);
  }
  return values;
}

template <class C>
void check(std::int64_t M, std::int64_t K, int vectors, bool transposed, bool accumulate) {
  const auto &kernel = rondo::kernels::kernels<C>();
  const std::int64_t width = std::int64_t{vectors} * kernel.lanes;
  const std::vector<C> a = sequence<C>(M * K + 1, 1);
  const std::vector<C> panel = sequence<C>(K * width + 1, 2);
  const std::vector<C> before = sequence<C>(M * width + 1, 3);
  std::vector<C> c = before;
  const std::ptrdiff_t a_row = transposed ? 1 : K;
  const std::ptrdiff_t a_k = transposed ? M : 1;
  kernel.product({a.data(), a_row, a_k, panel.data(), M, K, vectors, c.data(), width, accumulate,
                  std::max<std::int64_t>(M, 1), nullptr});
  double worst = 0;
  for (std::int64_t m = 0; m < M; ++m) {
    for (std::int64_t n = 0; n < width; ++n) {
      const auto place = static_cast<std::size_t>(m * width + n);
      long double sum = accumulate ? static_cast<long double>(before[place]) : 0;
      for (std::int64_t k = 0; k < K; ++k) {
        sum += static_cast<long double>(a[static_cast<std::size_t>(m * a_row + k * a_k)]) *
               panel[static_cast<std::size_t>(k * width + n)];
      }
      worst = std::fmax(worst, static_cast<double>(std::fabs(sum - c[place])));
    }
  }
  CAPTURE(M, K, vectors, transposed, accumulate);
  CHECK(worst <= static_cast<double>(K + 1) * static_cast<double>(std::numeric_limits<C>::epsilon()) + 1e-300);
  CHECK(c.back() == before.back());
  // The last row alone has the same bytes.
  if (M > 1) {
    std::vector<C> alone(before.begin() + (M - 1) * width, before.begin() + M * width);
    kernel.product({a.data() + (M - 1) * a_row, a_row, a_k, panel.data(), 1, K, vectors, alone.data(), width,
                    accumulate, M, panel.data()});
    CHECK(std::equal(alone.begin(), alone.end(), c.begin() + (M - 1) * width));
  }
  // What is read next is only asked for.
  std::vector<C> ahead = before;
  const std::vector<C> next = sequence<C>(K * width + 1, 4);
  kernel.product({a.data(), a_row, a_k, panel.data(), M, K, vectors, ahead.data(), width, accumulate,
                  std::max<std::int64_t>(M, 1), next.data()});
  CHECK(std::memcmp(ahead.data(), c.data(), c.size() * sizeof(C)) == 0);
}

}  // namespace

using rondo::kernels::kMostBlockK;

TEST_CASE("blocks of K are as few as may be, and equal", "[product]") {
  using rondo::kernels::block_of_k;
  for (std::int64_t K = 0; K <= 5 * kMostBlockK; ++K) {
    const std::int64_t block = block_of_k(K);
    const std::int64_t fewest = (K + kMostBlockK - 1) / kMostBlockK;
    REQUIRE(block <= kMostBlockK);
    REQUIRE(fewest * block >= K);
    REQUIRE(fewest * block < K + std::max<std::int64_t>(fewest, 1));
    REQUIRE(block_of_k(block) == block);  // a block by itself is summed as it is within K
  }
}

TEMPLATE_TEST_CASE("products of every width and remainder", "[product]", float, double) {
  for (int vectors = 1; vectors <= rondo::kernels::kMaxPanelVectors; ++vectors) {
    for (std::int64_t M = 0; M <= 26; ++M) {
      check<TestType>(M, 19, vectors, M % 2 == 0, M % 3 == 0);
    }
    for (const std::int64_t K : {std::int64_t{0}, std::int64_t{1}, kMostBlockK, kMostBlockK + 1, 2 * kMostBlockK + 1}) {
      check<TestType>(7, K, vectors, false, true);
      check<TestType>(7, K, vectors, true, false);
    }
  }
}

TEMPLATE_TEST_CASE("products of one and two rows, in blocks of every remainder", "[product]", float, double) {
  for (int vectors = 1; vectors <= rondo::kernels::kMaxPanelVectors; ++vectors) {
    for (std::int64_t beyond = -5; beyond <= 5; ++beyond) {
      for (const std::int64_t blocks : {0, 1, 2}) {
        for (const std::int64_t M : {1, 2}) {
          const std::int64_t K = std::max<std::int64_t>(0, blocks * kMostBlockK + beyond);
          check<TestType>(M, K, vectors, false, beyond % 2 == 0);
          check<TestType>(M, K, vectors, true, beyond % 2 != 0);
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("products of many rows that ask for the next panel", "[product]", float, double) {
  for (int vectors = 1; vectors <= rondo::kernels::kMaxPanelVectors; ++vectors) {
    for (const std::int64_t M : {24, 50, 385}) {
      for (const std::int64_t K : {std::int64_t{1}, std::int64_t{30}, kMostBlockK + 1}) {
        check<TestType>(M, K, vectors, false, M == 50);
      }
    }
  }
}

// Whoever computes some of the rows that are computed together names them all, and may begin at any.
TEMPLATE_TEST_CASE("an element's sum does not depend on which of the rows are computed here", "[product]", float,
                   double) {
  const auto &kernel = rondo::kernels::kernels<TestType>();
  constexpr std::int64_t K = kMostBlockK + 333;
  constexpr std::int64_t most = 30;
  const std::int64_t width = kernel.lanes;
  const auto a = sequence<TestType>(most * K, 1);
  const auto panel = sequence<TestType>(K * width, 2);
  const auto rows_of = [&](std::int64_t first, std::int64_t rows, std::int64_t of_rows) {
    std::vector<TestType> c(static_cast<std::size_t>(rows * width));
    kernel.product({a.data() + first * K, K, 1, panel.data(), rows, K, 1, c.data(), width, false, of_rows, nullptr});
    return c;
  };
  // Another order shows in these numbers: the first element's sum from either end.
  TestType up = 0;
  TestType down = 0;
  for (std::int64_t k = 0; k < K; ++k) {
    up += a[static_cast<std::size_t>(k)] * panel[static_cast<std::size_t>(k * width)];
    down += a[static_cast<std::size_t>(K - 1 - k)] * panel[static_cast<std::size_t>((K - 1 - k) * width)];
  }
  CHECK(up != down);
  for (const std::int64_t of_rows : {1, 2, 3, 4, 5, 6, 7, 8, 13, 24, 30}) {
    const auto all = rows_of(0, of_rows, of_rows);
    for (std::int64_t rows = 1; rows <= of_rows; ++rows) {
      for (const std::int64_t first : {std::int64_t{0}, (of_rows - rows) / 2, of_rows - rows}) {
        CAPTURE(of_rows, rows, first);
        const auto some = rows_of(first, rows, of_rows);
        CHECK(std::equal(some.begin(), some.end(), all.begin() + first * width));
      }
    }
  }
}
