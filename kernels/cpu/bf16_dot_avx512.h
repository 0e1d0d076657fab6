// The kernels that bf16_dot_avx512.cpp holds, for bf16_dot.cpp to hand out where the processor runs them.
#pragma once

#include "kernels/cpu/bf16_dot.h"

namespace rondo::kernels {

// x86-64 alone has them.
const Bf16Kernels &bf16_avx512_kernels();

}  // namespace rondo::kernels
