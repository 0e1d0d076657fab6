// One step of an order-sensitive hash, for what must be equal between plans or calls; no more than a fingerprint.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace rondo {

constexpr uint64_t mixed(uint64_t hash, int64_t value) {
  hash = (hash ^ static_cast<uint64_t>(value)) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 32);
}

// Of all that decides the bytes of packed parameters; never 0.
constexpr uint64_t format_hash(std::initializer_list<int64_t> facts, uint64_t hash = 0xCBF29CE484222325u) {
  for (const int64_t fact : facts) {
    hash = mixed(hash, fact);
  }
  return hash | 1;
}

}  // namespace rondo
