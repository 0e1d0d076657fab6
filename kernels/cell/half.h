// Conversions between f32 and the 16-bit storage types: exact upwards, round to nearest even downwards, NaN stays NaN.
// Branch-free, so that loops over them become vector code.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/cell/philox.h"

namespace rondo::kernels {

RONDO_HOST_DEVICE inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

RONDO_HOST_DEVICE inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct Bf16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};

RONDO_HOST_DEVICE inline float to_float(Bf16 x) { return float_of(uint32_t{x.bits} << 16); }

RONDO_HOST_DEVICE inline float to_float(F16 x) {
  const uint32_t sign = uint32_t{x.bits & 0x8000u} << 16;
  const uint32_t magnitude = x.bits & 0x7fffu;
  const uint32_t normal = (magnitude << 13) + (112u << 23);  // exponent bias 15 becomes 127
  const uint32_t special = (magnitude << 13) | 0x7f800000u;  // infinity and NaN
  const uint32_t tiny = bits_of(static_cast<float>(static_cast<int32_t>(magnitude)) * 5.9604644775390625e-8f);  // 2^-24
  const uint32_t finite = magnitude < 0x0400u ? tiny : normal;
  return float_of(sign | (magnitude >= 0x7c00u ? special : finite));
}

RONDO_HOST_DEVICE inline Bf16 to_bf16(float x) {
  const uint32_t bits = bits_of(x);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return {static_cast<uint16_t>(is_nan ? (bits >> 16) | 0x0040u : rounded)};
}

RONDO_HOST_DEVICE inline F16 to_f16(float x) {
  const uint32_t bits = bits_of(x);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13;
  // Below 2^-14 the sum with 0.5 rounds at 2^-24, f16's smallest step.
  const uint32_t tiny = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u;
  const uint32_t finite = magnitude < 0x38800000u ? tiny : normal;
  const uint32_t large = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  return {static_cast<uint16_t>(sign | (magnitude >= 0x47800000u ? large : finite))};
}

}  // namespace rondo::kernels
