// Which instruction sets the kernels are compiled for. Scalable vectors cannot lie in arrays, which the register blocks
// need, so aarch64 runs NEON; the sets left out of x86-64 add nothing that these kernels use over the one before.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3 | HWY_AVX3_DL)
