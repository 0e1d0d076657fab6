// Whether this process uses the bf16 dot product: AVX512-BF16, asked of the processor itself because Highway 1.0 has no
// instruction set that holds it.
#include "kernels/cpu/bf16_dot.h"

#include "kernels/cpu/bf16_dot_avx512.h"
#include "kernels/cpu/product.h"

namespace rondo::kernels {

const Bf16Kernels *bf16_kernels() {
#if defined(__x86_64__)
  // The compiler's check includes that the operating system saves the registers. Vectors of this width, which panels
  // share with the f32 kernels, are those of AVX-512: a limit below it leaves them out.
  static const bool available = __builtin_cpu_supports("avx512bf16") != 0 && product_table<float>().lanes == kBf16Lanes;
  return available ? &bf16_avx512_kernels() : nullptr;
#else
  return nullptr;
#endif
}

}  // namespace rondo::kernels
