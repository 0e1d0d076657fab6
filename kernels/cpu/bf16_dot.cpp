// Whether this process uses the bf16 dot product: AVX512-BF16 or AMX, asked of the processor itself because Highway 1.0
// has no instruction set that holds them.
#include "kernels/cpu/bf16_dot.h"

#include "kernels/cpu/bf16_dot_avx512.h"
#include "kernels/cpu/bf16_tiles_amx.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/product.h"

namespace rondo::kernels {
namespace {

#if defined(__x86_64__)
void product(const Bf16Product &p) {
  Bf16Product rest = p;
  if (p.order == Bf16Order::tiles && p.K >= 2 * kTilePairs) {
    product_in_tiles(p);
    const int64_t done = p.K / (2 * kTilePairs) * (2 * kTilePairs);
    if (done == p.K) {
      return;
    }
    rest.a += done;
    rest.panel += done / 2 * p.layout.pair;
    rest.K -= done;
    rest.accumulate = true;
  }
  bf16_avx512_kernels().product(rest);
}

Bf16Kernels with_tiles() {
  Bf16Kernels kernels = bf16_avx512_kernels();
  kernels.has_tiles = true;
  kernels.product = &product;
  return kernels;
}
#endif

}  // namespace

const Bf16Kernels *bf16_kernels() {
#if defined(__x86_64__)
  // The compiler's check includes that the operating system saves the registers. Vectors of this width, which panels
  // share with the f32 kernels, are those of AVX-512: a limit below it leaves them out, and any limit the tiles.
  static const Bf16Kernels *const chosen = []() -> const Bf16Kernels * {
    if (__builtin_cpu_supports("avx512bf16") == 0 || product_table<float>().lanes != kBf16Lanes) {
      return nullptr;
    }
    static const Bf16Kernels tiled = with_tiles();
    return !instruction_set_is_limited() && tiles_available() ? &tiled : &bf16_avx512_kernels();
  }();
  return chosen;
#else
  return nullptr;
#endif
}

}  // namespace rondo::kernels
