// Dropout's mask as a pure function of seed, offset, layer, step, row and feature: one mask on every back end, and in
// backward. The rule is semantics' own; a word below p * 2^32 drops, what is kept is scaled by 1/(1-p) in the type of
// the products.
#pragma once

#include "kernels/cell/philox.h"

namespace rondo::kernels {

// The key of one layer's mask: k = first 64 bits of Philox(seed, {offset_lo, offset_hi, layer, 0}).
RONDO_HOST_DEVICE inline uint64_t dropout_key(uint64_t seed, uint64_t offset, uint32_t layer) {
  const PhiloxWords w = philox(seed, {{static_cast<uint32_t>(offset), static_cast<uint32_t>(offset >> 32), layer, 0}});
  return w.word[0] | uint64_t{w.word[1]} << 32;
}

// The four words of features 4*quad to 4*quad + 3 at row n and step t.
RONDO_HOST_DEVICE inline PhiloxWords dropout_words(uint64_t key, uint32_t quad, uint32_t n, uint64_t t) {
  return philox(key, {{quad, n, static_cast<uint32_t>(t), static_cast<uint32_t>(t >> 32)}});
}

// Words below this are dropped: ceil(p * 2^32), since a whole number is below x just when it is below ceil(x). p = 1
// drops all.
RONDO_HOST_DEVICE inline uint64_t dropout_threshold(double p) {
  const double limit = p * 4294967296.0;
  const auto floor = static_cast<uint64_t>(limit);
  return static_cast<double>(floor) < limit ? floor + 1 : floor;
}

}  // namespace rondo::kernels
