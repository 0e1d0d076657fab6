// The vector activations against the C library in long double, in units in the last place, over the whole range and at
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
template <class T>
double ulps(T got, long double want) {
  const long double size = std::fmax(std::fabs(want), static_cast<long double>(std::numeric_limits<T>::min()));
  const int exponent = std::ilogb(size);
  const long double ulp = std::ldexp(1.0L, exponent - (std::numeric_limits<T>::digits - 1));
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / ulp);
}

template <class T>
std::vector<T> arguments() {
  std::vector<T> x;
  for (int exponent = -60; exponent <= 7; ++exponent) {
    for (int k = 0; k < 2000; ++k) {
      const double value = std::ldexp(1.0 + k / 2000.0, exponent);
      x.push_back(static_cast<T>(value));
      x.push_back(static_cast<T>(-value));
    }
  }
  return x;
}

template <class T>
void check(double sigmoid_bound, double tanh_bound) {
  const std::vector<T> x = arguments<T>();
  std::vector<T> sigmoids(x.size());
  std::vector<T> tanhs(x.size());
  rondo::kernels::activations(x.data(), sigmoids.data(), tanhs.data(), static_cast<std::int64_t>(x.size()));
  double worst_sigmoid = 0;
  double worst_tanh = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const auto value = static_cast<long double>(x[k]);
    // Below e^-87 the f32 result is subnormal; vector units may flush there, so the absolute error counts instead.
    const long double sigmoid = 1.0L / (1.0L + std::exp(-value));
    if (sigmoid > static_cast<long double>(std::numeric_limits<T>::min())) {
      worst_sigmoid = std::fmax(worst_sigmoid, ulps(sigmoids[k], sigmoid));
    } else {
      CHECK(std::fabs(sigmoids[k]) <= std::numeric_limits<T>::min());
    }
    worst_tanh = std::fmax(worst_tanh, ulps(tanhs[k], std::tanh(value)));
  }
  std::cout << "worst error, " << sizeof(T) * 8 << " bit: sigmoid " << worst_sigmoid << " ulp, tanh " << worst_tanh
            << " ulp\n";
  CHECK(worst_sigmoid <= sigmoid_bound);
  CHECK(worst_tanh <= tanh_bound);
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
  check<float>(4, 4);
  check<double>(4, 4);
}

TEST_CASE("activations at infinity, NaN and zero", "[activations]") {
  check_ends<float>();
  check_ends<double>();
}
