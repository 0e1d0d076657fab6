// f16 and bf16: every value goes up and down unchanged, ties go to even, and the vector rounding equals the scalar one
// bit for bit.
#include "kernels/cell/half.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/cpu/kernels.h"
#include "support/catch.h"

using rondo::kernels::Bf16;
using rondo::kernels::F16;
using rondo::kernels::Storage;

namespace {

// Values around every rounding boundary: each 16-bit value, its neighbour's midpoint, and one f32 step to either side.
std::vector<float> boundary_values() {
  std::vector<float> values;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    for (const float value : {rondo::kernels::to_float(F16{static_cast<std::uint16_t>(bits)}),
                              rondo::kernels::to_float(Bf16{static_cast<std::uint16_t>(bits)})}) {
      const std::uint32_t word = rondo::kernels::bits_of(value);
      for (const std::uint32_t step : {0u, 1u, 0x0fffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u, 0x8001u}) {
        values.push_back(rondo::kernels::float_of(word + step));
      }
    }
  }
  return values;
}

bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || rondo::kernels::bits_of(a) == rondo::kernels::bits_of(b);
}

template <class Half, class Down>
int wrong_after_rounding(Storage storage, Down down) {
  const std::vector<float> values = boundary_values();
  std::vector<float> rounded = values;
  rondo::kernels::kernels<float>().round[static_cast<int>(storage)](rounded.data(),
                                                                    static_cast<std::int64_t>(rounded.size()));
  int wrong = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const Half half = down(values[k]);
    wrong += same(rounded[k], rondo::kernels::to_float(half)) ? 0 : 1;
  }
  return wrong;
}

}  // namespace

TEST_CASE("every 16-bit value survives the way up and down", "[half]") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const F16 f16{static_cast<std::uint16_t>(bits)};
    const Bf16 bf16{static_cast<std::uint16_t>(bits)};
    const float up16 = rondo::kernels::to_float(f16);
    const float up_bf = rondo::kernels::to_float(bf16);
    wrong += std::isnan(up16) ? !std::isnan(rondo::kernels::to_float(rondo::kernels::to_f16(up16)))
                              : rondo::kernels::to_f16(up16).bits != bits;
    wrong += std::isnan(up_bf) ? !std::isnan(rondo::kernels::to_float(rondo::kernels::to_bf16(up_bf)))
                               : rondo::kernels::to_bf16(up_bf).bits != bits;
  }
  CHECK(wrong == 0);
}

TEST_CASE("ties go to even and the range ends in infinity", "[half]") {
  CHECK(rondo::kernels::to_bf16(1.0f + 0x1p-8f).bits == 0x3f80);
  CHECK(rondo::kernels::to_bf16(1.0f + 0x3p-8f).bits == 0x3f82);
  CHECK(rondo::kernels::to_f16(1.0f + 0x1p-11f).bits == 0x3c00);
  CHECK(rondo::kernels::to_f16(1.0f + 0x3p-11f).bits == 0x3c02);
  CHECK(rondo::kernels::to_f16(65519.0f).bits == 0x7bff);
  CHECK(rondo::kernels::to_f16(65520.0f).bits == 0x7c00);
  CHECK(rondo::kernels::to_f16(0x1p-24f).bits == 0x0001);
  CHECK(rondo::kernels::to_f16(0x1p-25f).bits == 0x0000);
}

TEST_CASE("vector rounding equals the scalar conversions", "[half]") {
  CHECK(wrong_after_rounding<F16>(Storage::f16, [](float x) { return rondo::kernels::to_f16(x); }) == 0);
  CHECK(wrong_after_rounding<Bf16>(Storage::bf16, [](float x) { return rondo::kernels::to_bf16(x); }) == 0);
}
