// The order in which things happen, by a seed: one step of a 64-bit linear congruential generator each, of which the
// upper half is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rondo_emulator {

class Order {
 public:
  void seed(uint64_t seed) { state_ = seed * 2 + 1; }
  uint32_t below(uint32_t count) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(((state_ >> 32) * count) >> 32);
  }
  template <class T>
  void shuffle(std::vector<T> &items) {
    for (size_t k = items.size(); k > 1; --k) {
      std::swap(items[k - 1], items[below(static_cast<uint32_t>(k))]);
    }
  }

 private:
  uint64_t state_ = 3;
};

}  // namespace rondo_emulator
