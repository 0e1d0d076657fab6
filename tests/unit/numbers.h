// Numbers in [-1, 1) for products: the same for a seed on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rondo_test {

template <class C>
std::vector<C> numbers(std::int64_t count, std::uint32_t seed) {
  std::vector<C> values(static_cast<std::size_t>(count));
  for (C &value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<C>(static_cast<std::int32_t>(seed)) / static_cast<C>(1u << 31);
  }
  return values;
}

}  // namespace rondo_test
