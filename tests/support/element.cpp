// Conversions by arithmetic on exact powers of two instead of bit tricks, so that they are plainly right.
// nearbyint rounds ties to even under the default rounding mode, and every scaling here is exact.
#include "element.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace rondo::test {
namespace {

struct Format {
  int mantissa_bits;  // without the leading one
  int min_exponent;   // of the smallest normal value
  double max;
};

constexpr Format f16_format{10, -14, 65504.0};
constexpr Format bf16_format{7, -126, 0x1.FEp127};

double round_to_format(const Format &format, double value) {
  if (!std::isfinite(value) || value == 0) return value;
  const int exponent = std::max(std::ilogb(value), format.min_exponent);
  const int spacing = exponent - format.mantissa_bits;
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -spacing)), spacing);
  if (std::fabs(rounded) > format.max) return std::copysign(std::numeric_limits<double>::infinity(), value);
  return rounded;
}

float to_f32(double value) { return static_cast<float>(value); }

}  // namespace

std::string dtype_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return "f64";
    case Dtype::f32:
      return "f32";
    case Dtype::f16:
      return "f16";
    case Dtype::bf16:
      return "bf16";
  }
  return "unknown dtype";
}

std::size_t size_of(Dtype dtype) { return dtype == Dtype::f64 ? 8 : dtype == Dtype::f32 ? 4 : 2; }

bool is_16_bit(Dtype dtype) { return dtype == Dtype::f16 || dtype == Dtype::bf16; }

double unit_roundoff(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return 0x1p-53;
    case Dtype::f32:
      return 0x1p-24;
    case Dtype::f16:
      return 0x1p-11;
    case Dtype::bf16:
      return 0x1p-8;
  }
  return 0;
}

double round_to(Dtype dtype, double value) {
  switch (dtype) {
    case Dtype::f64:
      return value;
    case Dtype::f32:
      return to_f32(value);
    case Dtype::f16:
      return round_to_format(f16_format, value);
    case Dtype::bf16:
      return round_to_format(bf16_format, value);
  }
  return value;
}

std::vector<double> round_to(Dtype dtype, const std::vector<double> &values) {
  std::vector<double> rounded;
  rounded.reserve(values.size());
  for (const double value : values) rounded.push_back(round_to(dtype, value));
  return rounded;
}

std::uint16_t encode_f16(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000U : 0U);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7E00U);
  const double magnitude = std::fabs(round_to_format(f16_format, value));
  if (std::isinf(magnitude)) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x1p-14) return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(magnitude * 0x1p24));
  const int exponent = std::ilogb(magnitude);
  const auto mantissa = static_cast<std::uint16_t>((std::ldexp(magnitude, -exponent) - 1.0) * 1024.0);
  return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>((exponent + 15) * 1024) | mantissa);
}

double decode_f16(std::uint16_t bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = (bits >> 10U) & 0x1F;
  const int mantissa = bits & 0x3FF;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  if (exponent == 31 && mantissa != 0) return std::numeric_limits<double>::quiet_NaN();
  if (exponent == 31) return sign * std::numeric_limits<double>::infinity();
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

std::uint16_t encode_bf16(double value) {
  if (std::isnan(value)) return 0x7FC0U;
  // A bf16 value is an f32 value with a zero lower half, subnormals included.
  const auto bits = std::bit_cast<std::uint32_t>(to_f32(round_to_format(bf16_format, value)));
  return static_cast<std::uint16_t>(bits >> 16U);
}

double decode_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U); }

void encode(Dtype dtype, const double *values, std::size_t count, void *memory) {
  auto *bytes = static_cast<unsigned char *>(memory);
  for (std::size_t i = 0; i < count; ++i) {
    unsigned char *at = bytes + i * size_of(dtype);
    if (dtype == Dtype::f64) {
      std::memcpy(at, &values[i], 8);
    } else if (dtype == Dtype::f32) {
      const float value = to_f32(values[i]);
      std::memcpy(at, &value, 4);
    } else {
      const std::uint16_t value = dtype == Dtype::f16 ? encode_f16(values[i]) : encode_bf16(values[i]);
      std::memcpy(at, &value, 2);
    }
  }
}

void decode(Dtype dtype, const void *memory, std::size_t count, double *values) {
  const auto *bytes = static_cast<const unsigned char *>(memory);
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned char *at = bytes + i * size_of(dtype);
    if (dtype == Dtype::f64) {
      std::memcpy(&values[i], at, 8);
    } else if (dtype == Dtype::f32) {
      float value = 0;
      std::memcpy(&value, at, 4);
      values[i] = value;
    } else {
      std::uint16_t value = 0;
      std::memcpy(&value, at, 2);
      values[i] = dtype == Dtype::f16 ? decode_f16(value) : decode_bf16(value);
    }
  }
}

}  // namespace rondo::test
