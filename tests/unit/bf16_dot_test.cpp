// bf16 products against sums in long double, their panels element by element, and each element's sum regardless of the
// rows around it. Where the processor has no bf16 dot product the cases say so.
#include "kernels/cpu/bf16_dot.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cpu/kernels.h"
#include "support/catch.h"

using rondo::kernels::Bf16;
using rondo::kernels::bf16_even;
using rondo::kernels::Bf16Kernels;
using rondo::kernels::Bf16Order;
using rondo::kernels::kBf16Lanes;

namespace {

// The process's kernels, and where they have tiles the same as if they had none, whose panels lie otherwise.
std::vector<Bf16Kernels> available() {
  const Bf16Kernels *kernels = rondo::kernels::bf16_kernels();
  const std::string test = Catch::getResultCapture().getCurrentTestName();
  if (kernels == nullptr) {
    std::printf("skipped: %s: no bf16 dot product on %s\n", test.c_str(), rondo::kernels::kernels<float>().target);
    return {};
  }
  if (!kernels->has_tiles) {
    std::printf("left out: %s: tiles, which this processor has not\n", test.c_str());
    return {*kernels};
  }
  Bf16Kernels plain = *kernels;
  plain.has_tiles = false;
  return {*kernels, plain};
}

std::vector<Bf16Order> orders(const Bf16Kernels &kernels) {
  std::vector<Bf16Order> those{Bf16Order::one_chain, Bf16Order::four_chains};
  if (kernels.has_tiles) {
    those.push_back(Bf16Order::tiles);
  }
  return those;
}

// Values of magnitude 2^-8 to 1 of both signs.
std::vector<Bf16> sequence(std::int64_t n, std::uint32_t seed) {
  std::vector<Bf16> values(static_cast<std::size_t>(n));
  std::uint32_t state = seed * 2654435761u + 1;
  for (Bf16 &value : values) {
    state = state * 1664525u + 1013904223u;
    const std::uint32_t bits = state >> 16;
    value = {static_cast<std::uint16_t>((bits & 0x8000u) | 0x3b80u | (bits & 0x03ffu))};
  }
  return values;
}

// A's rows, each padded to an even K, and a panel of them.
struct Operands {
  std::int64_t M, K, width;
  std::vector<Bf16> a, w, panel;

  Operands(const Bf16Kernels &kernels, std::int64_t rows, std::int64_t depth, int vectors)
      : M(rows),
        K(depth),
        width(std::int64_t{vectors} * kBf16Lanes),
        a(sequence(rows * bf16_even(depth), 1)),
        w(sequence(width * depth + 1, 2)),
        panel(static_cast<std::size_t>(bf16_even(depth) * width)) {
    if (K % 2 != 0) {
      for (std::int64_t m = 0; m < M; ++m) {
        a[static_cast<std::size_t>((m + 1) * bf16_even(K) - 1)] = {0};
      }
    }
    pack_bf16_transposed(
        kernels, w.data(), K, [](std::int64_t n) { return n; }, K, width, panel.data());
  }

  float a_at(std::int64_t m, std::int64_t k) const {
    return to_float(a[static_cast<std::size_t>(m * bf16_even(K) + k)]);
  }
  float w_at(std::int64_t k, std::int64_t n) const { return to_float(w[static_cast<std::size_t>(n * K + k)]); }
  std::vector<float> product(const Bf16Kernels &kernels, std::vector<float> c, bool accumulate, Bf16Order order) const {
    const int vectors = static_cast<int>(width / kBf16Lanes);
    kernels.product({a.data(), bf16_even(K), panel.data(), bf16_layout(kernels, bf16_even(K), vectors), M, bf16_even(K),
                     vectors, c.data(), width, accumulate, order});
    return c;
  }
};

void check(const Bf16Kernels &kernels, std::int64_t M, std::int64_t K, int vectors, Bf16Order order, bool accumulate) {
  const Operands x(kernels, M, K, vectors);
  const std::vector<float> before(static_cast<std::size_t>(M * x.width + 1), 0.375f);
  const std::vector<float> c = x.product(kernels, before, accumulate, order);
  double worst = 0;
  for (std::int64_t m = 0; m < M; ++m) {
    for (std::int64_t n = 0; n < x.width; ++n) {
      long double sum = accumulate ? 0.375L : 0.0L;
      long double magnitude = sum;
      for (std::int64_t k = 0; k < K; ++k) {
        const long double term = static_cast<long double>(x.a_at(m, k)) * x.w_at(k, n);
        sum += term;
        magnitude += std::fabs(term);
      }
      const long double error = std::fabs(sum - c[static_cast<std::size_t>(m * x.width + n)]);
      worst = std::fmax(worst, magnitude > 0 ? static_cast<double>(error / magnitude) : static_cast<double>(error));
    }
  }
  CAPTURE(M, K, vectors, static_cast<int>(order), accumulate);
  // A term, exact in f32 as the product of two 8-bit significands, goes through at most all the additions of its own
  // chain's block (128 pairs), of the chains (2) and of the blocks, and each may be off by half an epsilon; pairs count
  // twice. In a tile it goes through fewer. Nothing here is subnormal.
  const double additions = static_cast<double>(std::min<std::int64_t>(K, 256) + 2 + K / 256 + 1);
  CHECK(worst <= additions * 0.5 * static_cast<double>(std::numeric_limits<float>::epsilon()) * 1.01);
  CHECK(c.back() == before.back());
  // The last row alone has the same bytes, and so have the first columns in a panel of one vector.
  if (M > 1) {
    std::vector<float> alone(static_cast<std::size_t>(x.width), 0.375f);
    kernels.product({x.a.data() + (M - 1) * bf16_even(K), bf16_even(K), x.panel.data(),
                     bf16_layout(kernels, bf16_even(K), vectors), 1, bf16_even(K), vectors, alone.data(), x.width,
                     accumulate, order});
    CHECK(std::memcmp(alone.data(), c.data() + (M - 1) * x.width, alone.size() * sizeof(float)) == 0);
  }
  const Operands narrow(kernels, M, K, 1);
  const std::vector<float> first =
      narrow.product(kernels, std::vector<float>(static_cast<std::size_t>(M * kBf16Lanes), 0.375f), accumulate, order);
  int differ = 0;
  for (std::int64_t m = 0; m < M; ++m) {
    differ += std::memcmp(&first[static_cast<std::size_t>(m * kBf16Lanes)], &c[static_cast<std::size_t>(m * x.width)],
                          kBf16Lanes * sizeof(float)) == 0
                  ? 0
                  : 1;
  }
  CHECK(differ == 0);
}

}  // namespace

TEST_CASE("bf16 products of every width and remainder", "[bf16_dot]") {
  for (const Bf16Kernels &kernels : available()) {
    for (int vectors = 1; vectors <= rondo::kernels::kBf16MaxVectors; ++vectors) {
      for (const Bf16Order order : orders(kernels)) {
        for (std::int64_t M = 0; M <= 27; ++M) {
          check(kernels, M, 18 + M % 2, vectors, order, M % 3 == 0);
          check(kernels, M * 5 % 71, 66 + M % 2, vectors, order, M % 3 == 1);
        }
        for (const std::int64_t K : {0, 1, 2, 3, 5, 7, 31, 32, 33, 64, 95, 255, 256, 257, 263, 512, 513, 1025}) {
          check(kernels, 7, K, vectors, order, true);
          check(kernels, 2, K, vectors, order, false);
        }
      }
    }
  }
}

TEST_CASE("bf16 panels hold the source's pairs and zeros where it has none", "[bf16_dot]") {
  for (const Bf16Kernels &kernels : available()) {
    int wrong = 0;
    for (int vectors = 1; vectors <= rondo::kernels::kBf16MaxVectors; ++vectors) {
      const std::int64_t width = std::int64_t{vectors} * kBf16Lanes;
      for (const std::int64_t K : {1, 2, 15, 16, 31, 32, 33, 63, 64, 70}) {
        for (const std::int64_t valid : {std::int64_t{1}, width - 17, width - 16, width - 1, width}) {
          if (valid < 1) continue;
          const auto size = static_cast<std::size_t>(bf16_even(K) * width);
          // The sources end with their last element, so that a sanitizer sees a read beyond it.
          const std::vector<Bf16> columns = sequence(valid * K, 3);
          std::vector<Bf16> panel(size + 1, Bf16{0x7fc0});
          pack_bf16_transposed(
              kernels, columns.data(), K, [&](std::int64_t n) { return n < valid ? valid - 1 - n : -1; }, K, width,
              panel.data());
          const auto layout = bf16_layout(kernels, bf16_even(K), vectors);
          for (std::int64_t k = 0; k < bf16_even(K); ++k) {
            for (std::int64_t n = 0; n < width; ++n) {
              const auto place = static_cast<std::size_t>(k / 2 * layout.pair + n / kBf16Lanes * layout.vector +
                                                          n % kBf16Lanes * 2 + k % 2);
              const bool inside = k < K && n < valid;
              const std::uint16_t column =
                  inside ? columns[static_cast<std::size_t>((valid - 1 - n) * K + k)].bits : std::uint16_t{0};
              wrong += panel[place].bits == column ? 0 : 1;
            }
          }
          wrong += panel.back().bits == 0x7fc0 ? 0 : 1;
        }
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("bf16 products show NaN and infinity, and may take subnormals for zero", "[bf16_dot]") {
  for (const Bf16Kernels &kernels : available()) {
    constexpr std::int64_t kDepth = 70;
    for (const Bf16Order order : orders(kernels)) {
      for (const std::int64_t at : {0, 1, 5, 31, 63, 64, 69}) {
        Operands x(kernels, 3, kDepth, 2);
        const auto place = static_cast<std::size_t>(kDepth + at);  // in row 1
        const std::vector<float> zeros(static_cast<std::size_t>(3 * x.width), 0.0f);
        const auto in_row = [&](std::int64_t row, auto &&is) {
          const std::vector<float> c = x.product(kernels, zeros, false, order);
          return std::all_of(c.begin() + row * x.width, c.begin() + (row + 1) * x.width, is);
        };
        const auto finite = [](float value) { return std::isfinite(value); };
        x.a[place] = {0x7fc0};
        CHECK(in_row(1, [](float value) { return std::isnan(value); }));
        CHECK((in_row(0, finite) && in_row(2, finite)));
        x.a[place] = {0x7f80};
        CHECK(in_row(1, [](float value) { return std::isinf(value); }));
        // Infinity times zero.
        std::fill(x.panel.begin(), x.panel.end(), Bf16{0});
        CHECK(in_row(1, [](float value) { return std::isnan(value); }));
        // The largest subnormal times 2^127 is about 2, or nothing.
        std::fill(x.a.begin(), x.a.end(), Bf16{0});
        std::fill(x.panel.begin(), x.panel.end(), Bf16{0x7f00});
        x.a[place] = {0x007f};
        CHECK(in_row(1, [](float value) { return value >= 0 && value < 2; }));
      }
    }
  }
}

TEST_CASE("rows rounded to bf16 go to the nearest, ties to even", "[bf16_dot]") {
  const std::vector<Bf16Kernels> all = available();
  if (all.empty()) return;
  const Bf16Kernels &kernels = all.front();
  std::vector<float> values;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    for (const std::uint32_t step : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      values.push_back(rondo::kernels::float_of((bits << 16) + step));
    }
  }
  std::vector<Bf16> rounded(values.size());
  kernels.store(values.data(), rounded.data(), static_cast<std::int64_t>(values.size()));
  int wrong = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const float expected = to_float(rondo::kernels::to_bf16(values[k]));
    const float got = to_float(rounded[k]);
    const bool flushed = std::fabs(values[k]) < std::numeric_limits<float>::min() && got == 0;
    wrong += got == expected || flushed || (std::isnan(got) && std::isnan(expected)) ? 0 : 1;
  }
  CHECK(wrong == 0);
  for (std::int64_t n = 0; n <= 33; ++n) {
    std::vector<Bf16> some(34, Bf16{0x1234});
    kernels.store(values.data() + 0x18000, some.data(), n);
    CHECK(std::count_if(some.begin(), some.end(), [](Bf16 x) { return x.bits == 0x1234; }) == 34 - n);
  }
}
