// The four storage types: their size, their unit roundoff, and conversion to and from double.
// To 16 bits through f32: inputs are drawn and then read back, so both paths of a comparison see the stored value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rondo/rondo.h"

namespace rondo::cli {

size_t size_of(rondo_dtype_t dtype);
bool is_16_bit(rondo_dtype_t dtype);
// Half the distance from 1 to the next larger value: the relative error of one rounding.
double unit_roundoff(rondo_dtype_t dtype);

// memory: [count] elements of the type. NaN stays NaN.
void encode(rondo_dtype_t dtype, const double *values, size_t count, void *memory);
void decode(rondo_dtype_t dtype, const void *memory, size_t count, double *values);

}  // namespace rondo::cli
