// The four storage types, converted to and from double.
// Rounding is to nearest, ties to even, in one step from double; written apart from the library's conversions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rondo::test {

// The values equal rondo.h's rondo_dtype_t.
enum class Dtype : std::int32_t { f64 = 0, f32 = 1, f16 = 2, bf16 = 3 };

inline constexpr Dtype all_dtypes[] = {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16};

std::string dtype_name(Dtype dtype);
std::size_t size_of(Dtype dtype);
bool is_16_bit(Dtype dtype);
// Half the distance from 1 to the next larger value: the relative error of one rounding.
double unit_roundoff(Dtype dtype);

// The nearest value of the type, still as a double. Too large becomes infinity; NaN stays NaN.
double round_to(Dtype dtype, double value);
std::vector<double> round_to(Dtype dtype, const std::vector<double> &values);

std::uint16_t encode_f16(double value);
double decode_f16(std::uint16_t bits);
std::uint16_t encode_bf16(double value);
double decode_bf16(std::uint16_t bits);

// memory: count elements of the type.
void encode(Dtype dtype, const double *values, std::size_t count, void *memory);
void decode(Dtype dtype, const void *memory, std::size_t count, double *values);

}  // namespace rondo::test
