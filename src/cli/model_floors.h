// The estimated floors of a forward step on one H200, 16-bit, which the tiers' predictions are held against.
// Microseconds; estimates themselves, to be replaced by measurements, and none for GRU where N is 16 or 64.
#pragma once

#include <cstdint>
#include <optional>

namespace rondo::cli {

// The shapes of the table: H = I, one direction.
inline constexpr int64_t kModelH[] = {128, 512, 1024, 2048, 4096};
inline constexpr int64_t kModelN[] = {1, 16, 32, 64, 128};

// Nothing where there is no estimate.
std::optional<double> floor_us(int64_t cell, int64_t H, int64_t N);

}  // namespace rondo::cli
