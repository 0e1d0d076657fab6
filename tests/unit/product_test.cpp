// The matrix product against sums in long double, for every panel width and row remainder; and each element's sum does
// not depend on the rows around it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/cpu/kernels.h"
#include "support/catch.h"

namespace {

template <class C>
std::vector<C> sequence(std::int64_t n, int seed) {
  std::vector<C> values(static_cast<std::size_t>(n));
  std::uint32_t state = static_cast<std::uint32_t>(seed) * 2654435761u + 1;
  for (C &value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<C>(state >> 8) / static_cast<C>(1 << 23) - C{1};
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
}

}  // namespace

TEMPLATE_TEST_CASE("products of every width and remainder", "[product]", float, double) {
  for (int vectors = 1; vectors <= rondo::kernels::kMaxPanelVectors; ++vectors) {
    for (std::int64_t M = 0; M <= 26; ++M) {
      check<TestType>(M, 19, vectors, M % 2 == 0, M % 3 == 0);
    }
    for (const std::int64_t K : {0, 1, 511, 512, 513, 1025}) {
      check<TestType>(7, K, vectors, false, true);
      check<TestType>(7, K, vectors, true, false);
    }
  }
}
