// The tools of the tests themselves: 16-bit conversions, Philox's published vectors, the error measure.
// Needs no library; a fault here would make every other figure worthless.
#include <cmath>
#include <limits>

#include "catch.h"
#include "compare.h"
#include "element.h"
#include "philox.h"

namespace rondo::test {

TEST_CASE("every 16-bit word survives a round trip", "[oracle][element]") {
  int wrong = 0;
  for (std::uint32_t word = 0; word < 0x10000; ++word) {
    const auto bits = static_cast<std::uint16_t>(word);
    const double half = decode_f16(bits);
    const double brain = decode_bf16(bits);
    if (std::isnan(half) ? !std::isnan(decode_f16(encode_f16(half))) : encode_f16(half) != bits) ++wrong;
    if (std::isnan(brain) ? !std::isnan(decode_bf16(encode_bf16(brain))) : encode_bf16(brain) != bits) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("rounding is to nearest ties to even in one step from double", "[oracle][element]") {
  CHECK(encode_f16(1.0) == 0x3C00);
  CHECK(encode_f16(-2.0) == 0xC000);
  CHECK(encode_f16(65504.0) == 0x7BFF);
  CHECK(encode_f16(65519.999) == 0x7BFF);
  CHECK(encode_f16(65520.0) == 0x7C00);
  CHECK(encode_f16(0x1p-24) == 0x0001);
  CHECK(encode_f16(0x1p-25) == 0x0000);
  CHECK(encode_f16(0x1.8p-24) == 0x0002);
  CHECK(encode_f16(0x1.FF8p-15) == 0x03FF);
  CHECK(encode_f16(0x1.FFEp-15) == 0x0400);
  CHECK(encode_f16(1.0 + 0x1p-11) == 0x3C00);
  CHECK(encode_f16(1.0 + 0x1.8p-10) == 0x3C02);
  // By way of f32 this would round up, to 1 + 2^-10.
  CHECK(encode_f16(1.0 + 0x1p-11 - 0x1p-40) == 0x3C00);
  CHECK(encode_f16(1.0 + 0x1p-11 + 0x1p-40) == 0x3C01);
  CHECK(encode_bf16(1.0 + 0x1p-8) == 0x3F80);
  CHECK(encode_bf16(1.0 + 0x1.8p-7) == 0x3F82);
  CHECK(encode_bf16(1.0 + 0x1p-8 + 0x1p-40) == 0x3F81);
  CHECK(encode_bf16(3.4e38) == 0x7F80);
  CHECK(encode_bf16(0x1p-133) == 0x0001);
  CHECK(encode_bf16(-0.0) == 0x8000);
  CHECK(std::isnan(decode_f16(encode_f16(std::nan("")))));
  CHECK(std::isnan(decode_bf16(encode_bf16(std::nan("")))));
  CHECK(round_to(Dtype::f32, 1.0 + 0x1p-24) == 1.0);
  CHECK(round_to(Dtype::f64, 0.1) == 0.1);
}

TEST_CASE("Philox4x32-10 gives the published vectors", "[oracle][philox]") {
  CHECK(philox4x32_10(0, {0, 0, 0, 0}) == PhiloxCounter{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8});
  CHECK(philox4x32_10(~0ULL, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}) ==
        PhiloxCounter{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD});
  CHECK(philox4x32_10(0x299F31D0A4093822ULL, {0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}) ==
        PhiloxCounter{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1});
}

TEST_CASE("the dropout mask drops the asked-for share and depends on every argument", "[oracle][philox]") {
  const auto factor = [](std::uint64_t seed, std::uint64_t offset, DropoutSite site) {
    return dropout_factor(0.3, seed, offset, site);
  };
  int dropped = 0;
  int same_seed = 0, same_offset = 0, same_layer = 0, same_row = 0, same_step = 0;
  constexpr int count = 20000;
  for (int j = 0; j < count; ++j) {
    const double base = factor(5, 9, {0, j, 2, 3});
    dropped += base == 0 ? 1 : 0;
    same_seed += base == factor(6, 9, {0, j, 2, 3}) ? 1 : 0;
    same_offset += base == factor(5, 9 + (1ULL << 32U), {0, j, 2, 3}) ? 1 : 0;
    same_layer += base == factor(5, 9, {1, j, 2, 3}) ? 1 : 0;
    same_row += base == factor(5, 9, {0, j, 1, 3}) ? 1 : 0;
    same_step += base == factor(5, 9, {0, j, 2, 3 + (1LL << 32)}) ? 1 : 0;
  }
  CHECK(std::abs(dropped - 6000) < 300);
  // Two independent masks agree on 0.3^2 + 0.7^2 = 58 of 100.
  for (const int same : {same_seed, same_offset, same_layer, same_row, same_step}) CHECK(std::abs(same - 11600) < 350);
  CHECK(dropout_factor(1.0, 1, 2, {0, 0, 0, 0}) == 0.0);
  CHECK(dropout_factor(0.0, 1, 2, {0, 0, 0, 0}) == 1.0);
}

TEST_CASE("the error measure sees what is not finite", "[oracle][compare]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(error_between({1.5}, {1.0}) == 0.5);
  CHECK(error_between({3.0, 10.0}, {4.0, 10.0}) == 0.1);
  CHECK(error_between({nan}, {nan}) == 0.0);
  CHECK(error_between({infinite}, {infinite}) == 0.0);
  CHECK(error_between({nan}, {1.0}) == infinite);
  CHECK(error_between({1.0}, {nan}) == infinite);
  CHECK(error_between({-infinite}, {infinite}) == infinite);
  CHECK(error_between({1.0, 2.0}, {1.0}) == infinite);
}

}  // namespace rondo::test
