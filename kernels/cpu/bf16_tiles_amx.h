// bf16 products in AMX tiles, 16 rows by 16 columns of sums and 16 pairs of k to an instruction.
#pragma once

#include "kernels/cpu/bf16_dot.h"

namespace rondo::kernels {

// Pairs of k that an instruction takes.
inline constexpr int64_t kTilePairs = 16;

// Whether processor and operating system have the tiles. Linux lends them to a process that asks, once and for good.
bool tiles_available();

// The product's first K / 2 / kTilePairs * kTilePairs pairs; what is beyond them is the caller's.
void product_in_tiles(const Bf16Product &product);

}  // namespace rondo::kernels
