// The vector activations against the C library in a wider type, in units in the last place, over the whole range and at
// its ends. The bounds are the errors measured on SSE4, AVX2 and AVX-512, rounded up.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <limits>
#include <vector>

#include "kernels/cpu/cell_table.h"
#include "support/catch.h"

namespace {

// |got - want| in units in the last place of want; subnormals count in the smallest normal's.
template <class T, class Wide>
double ulps(T got, Wide want) {
  const Wide size = std::fmax(std::fabs(want), static_cast<Wide>(std::numeric_limits<T>::min()));
  const Wide ulp = std::ldexp(Wide{1}, std::ilogb(size) - (std::numeric_limits<T>::digits - 1));
  return static_cast<double>(std::fabs(static_cast<Wide>(got) - want) / ulp);
}

// Both signs of every kStep-th number up to 256, subnormals among them: every exponent, evenly filled.
template <class T, class Bits, Bits kStep>
std::vector<T> arguments() {
  const T last = 256;
  Bits end = 0;
  std::memcpy(&end, &last, sizeof end);
  std::vector<T> x;
  for (Bits bits = 1; bits < end; bits += kStep) {
    T value = 0;
    std::memcpy(&value, &bits, sizeof value);
    x.push_back(value);
    x.push_back(-value);
  }
  return x;
}

// Wide tells the truth about T: its own rounding is far below a unit in T's last place.
template <class T, class Wide, class Bits, Bits kStep>
void check(double sigmoid_bound, double tanh_bound) {
  const std::vector<T> x = arguments<T, Bits, kStep>();
  std::vector<T> sigmoids(x.size());
  std::vector<T> tanhs(x.size());
  rondo::kernels::activations(x.data(), sigmoids.data(), tanhs.data(), static_cast<std::int64_t>(x.size()));
  double worst_sigmoid = 0;
  double worst_tanh = 0;
  std::size_t not_small = 0;
  std::size_t outside = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const auto value = static_cast<Wide>(x[k]);
    // Below e^-87 the f32 result is subnormal; vector units may flush there, so the absolute error counts instead.
    const Wide sigmoid = Wide{1} / (Wide{1} + std::exp(-value));
    if (sigmoid > static_cast<Wide>(std::numeric_limits<T>::min())) {
      worst_sigmoid = std::fmax(worst_sigmoid, ulps<T, Wide>(sigmoids[k], sigmoid));
    } else if (!(std::fabs(sigmoids[k]) <= std::numeric_limits<T>::min())) {
      ++not_small;
    }
    worst_tanh = std::fmax(worst_tanh, ulps<T, Wide>(tanhs[k], std::tanh(value)));
    if (!(std::fabs(tanhs[k]) <= T{1} && sigmoids[k] >= T{0} && sigmoids[k] <= T{1})) {
      ++outside;
    }
  }
  std::cout << "worst error, " << sizeof(T) * 8 << " bit, " << x.size() << " arguments: sigmoid " << worst_sigmoid
            << " ulp, tanh " << worst_tanh << " ulp\n";
  CHECK(worst_sigmoid <= sigmoid_bound);
  CHECK(worst_tanh <= tanh_bound);
  CHECK(not_small == 0);
  CHECK(outside == 0);
}

template <class T>
void check_ends() {
  const T infinity = std::numeric_limits<T>::infinity();
  const std::vector<T> x = {infinity,
                            -infinity,
                            std::numeric_limits<T>::quiet_NaN(),
                            T{0},
                            std::numeric_limits<T>::max(),
                            std::numeric_limits<T>::lowest()};
  std::vector<T> sigmoids(x.size());
  std::vector<T> tanhs(x.size());
  rondo::kernels::activations(x.data(), sigmoids.data(), tanhs.data(), static_cast<std::int64_t>(x.size()));
  CHECK(sigmoids[0] == T{1});
  CHECK(sigmoids[1] == T{0});
  CHECK(std::isnan(sigmoids[2]));
  CHECK(sigmoids[3] == static_cast<T>(0.5));
  CHECK(sigmoids[4] == T{1});
  CHECK(sigmoids[5] == T{0});
  CHECK(tanhs[0] == T{1});
  CHECK(tanhs[1] == T{-1});
  CHECK(std::isnan(tanhs[2]));
  CHECK(tanhs[3] == T{0});
  CHECK(tanhs[4] == T{1});
  CHECK(tanhs[5] == T{-1});
}

}  // namespace

TEST_CASE("activations stay within their error in ulp", "[activations]") {
  check<float, double, std::uint32_t, 1013>(3.5, 3.75);
  check<double, long double, std::uint64_t, 0x21d3c0f3a6e1ULL>(3.5, 3.75);
}

TEST_CASE("activations at infinity, NaN and zero", "[activations]") {
  check_ends<float>();
  check_ends<double>();
}
