// Conversions, written apart from the library's: the command checks those too.
// Memory may be unaligned for its type, so elements are copied.
#include "cli/element.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace rondo::cli {
namespace {

// Scaling by powers of two is exact, and nearbyint rounds ties to even.
uint16_t to_f16(float value) {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) {
    return static_cast<uint16_t>(sign | 0x7e00);
  }
  if (magnitude >= 65520.0F) {  // halfway from the largest, 65504, to 2^16
    return static_cast<uint16_t>(sign | 0x7c00);
  }
  const int exponent = magnitude < 0x1p-14F ? -14 : std::ilogb(magnitude);
  // In steps of the last place: 1024 to 2048 where normal. A carry to 2048 moves into the exponent by itself.
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + steps));
}

float from_f16(uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int mantissa = bits & 0x3ff;
  float magnitude = 0;
  if (exponent == 31) {
    magnitude = mantissa != 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) {
    return static_cast<uint16_t>((bits >> 16) | 0x0040U);
  }
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

float from_bf16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

template <class Stored, class Convert>
void encode_as(const double *values, size_t count, void *memory, Convert convert) {
  auto *to = static_cast<unsigned char *>(memory);
  for (size_t i = 0; i < count; ++i) {
    const Stored stored = convert(values[i]);
    std::memcpy(to + i * sizeof stored, &stored, sizeof stored);
  }
}

template <class Stored, class Convert>
void decode_as(const void *memory, size_t count, double *values, Convert convert) {
  const auto *from = static_cast<const unsigned char *>(memory);
  for (size_t i = 0; i < count; ++i) {
    Stored stored{};
    std::memcpy(&stored, from + i * sizeof stored, sizeof stored);
    values[i] = convert(stored);
  }
}

}  // namespace

size_t size_of(rondo_dtype_t dtype) {
  switch (dtype) {
    case RONDO_F64:
      return 8;
    case RONDO_F32:
      return 4;
    default:
      return 2;
  }
}

bool is_16_bit(rondo_dtype_t dtype) { return dtype == RONDO_F16 || dtype == RONDO_BF16; }

double unit_roundoff(rondo_dtype_t dtype) {
  switch (dtype) {
    case RONDO_F64:
      return 0x1p-53;
    case RONDO_F32:
      return 0x1p-24;
    case RONDO_F16:
      return 0x1p-11;
    default:
      return 0x1p-8;
  }
}

void encode(rondo_dtype_t dtype, const double *values, size_t count, void *memory) {
  switch (dtype) {
    case RONDO_F64:
      encode_as<double>(values, count, memory, [](double v) { return v; });
      break;
    case RONDO_F32:
      encode_as<float>(values, count, memory, [](double v) { return static_cast<float>(v); });
      break;
    case RONDO_F16:
      encode_as<uint16_t>(values, count, memory, [](double v) { return to_f16(static_cast<float>(v)); });
      break;
    default:
      encode_as<uint16_t>(values, count, memory, [](double v) { return to_bf16(static_cast<float>(v)); });
      break;
  }
}

void decode(rondo_dtype_t dtype, const void *memory, size_t count, double *values) {
  switch (dtype) {
    case RONDO_F64:
      decode_as<double>(memory, count, values, [](double v) { return v; });
      break;
    case RONDO_F32:
      decode_as<float>(memory, count, values, [](float v) { return static_cast<double>(v); });
      break;
    case RONDO_F16:
      decode_as<uint16_t>(memory, count, values, [](uint16_t v) { return static_cast<double>(from_f16(v)); });
      break;
    default:
      decode_as<uint16_t>(memory, count, values, [](uint16_t v) { return static_cast<double>(from_bf16(v)); });
      break;
  }
}

}  // namespace rondo::cli
