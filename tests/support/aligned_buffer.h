// Memory at a 64-byte boundary, filled with a poison and followed by a guard that shows writes beyond its end.
// The poison 0xFF.. reads as NaN in all four types, so that a result that was never written is seen as wrong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace rondo::test {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : size_(size), memory_(static_cast<std::uint8_t *>(::operator new(size + guard_size, alignment))) {
    std::memset(memory_.get(), poison, size);
    std::memset(memory_.get() + size, guard, guard_size);
  }

  // NULL only when default constructed; a buffer of size 0 has an address.
  void *data() { return memory_.get(); }
  const void *data() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  void fill(std::uint8_t value) { std::memset(memory_.get(), value, size_); }

  bool guard_intact() const {
    if (memory_ == nullptr) return true;
    return std::all_of(memory_.get() + size_, memory_.get() + size_ + guard_size,
                       [](std::uint8_t byte) { return byte == guard; });
  }
  std::vector<std::uint8_t> bytes() const { return {memory_.get(), memory_.get() + size_}; }

 private:
  static constexpr std::align_val_t alignment{64};
  static constexpr std::size_t guard_size = 64;
  static constexpr std::uint8_t poison = 0xFF;
  static constexpr std::uint8_t guard = 0xA5;

  struct Deleter {
    void operator()(std::uint8_t *memory) const { ::operator delete(memory, alignment); }
  };

  std::size_t size_ = 0;
  std::unique_ptr<std::uint8_t, Deleter> memory_;
};

}  // namespace rondo::test
