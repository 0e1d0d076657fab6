// Memory of a space at a 64-byte boundary, filled with a poison and followed by a guard that shows writes beyond it.
// The poison 0xFF.. reads as NaN in all four types, so that a result that was never written is seen as wrong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "memory_space.h"

namespace rondo::test {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(const MemorySpace &space, std::size_t size)
      : space_(space),
        size_(size),
        memory_(static_cast<std::uint8_t *>(space.allocate(size + guard_size)), Deleter{space}) {
    fill(poison);
    space_.fill(memory_.get() + size, guard, guard_size);
  }

  // On the space. NULL only when default constructed; a buffer of size 0 has an address.
  void *data() { return memory_.get(); }
  const void *data() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  void fill(std::uint8_t value) { space_.fill(memory_.get(), value, size_); }
  // from: size() bytes of host memory.
  void write(const void *from) { space_.write(memory_.get(), from, size_); }

  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> copy(size_);
    space_.read(copy.data(), memory_.get(), size_);
    return copy;
  }

 private:
  static constexpr std::size_t guard_size = 64;
  static constexpr std::uint8_t poison = 0xFF;
  static constexpr std::uint8_t guard = 0xA5;
  friend bool guards_intact(const MemorySpace &space, const std::vector<const AlignedBuffer *> &buffers);

  struct Deleter {
    MemorySpace space;
    void operator()(std::uint8_t *memory) const { space.release(memory); }
  };

  MemorySpace space_;
  std::size_t size_ = 0;
  std::unique_ptr<std::uint8_t, Deleter> memory_;
};

// Of buffers of one space, default constructed ones among them: all guards are gathered there and read at once.
inline bool guards_intact(const MemorySpace &space, const std::vector<const AlignedBuffer *> &buffers) {
  constexpr std::size_t size = AlignedBuffer::guard_size;
  AlignedBuffer gathered(space, buffers.size() * size);
  std::size_t used = 0;
  for (const AlignedBuffer *buffer : buffers) {
    if (buffer->memory_ == nullptr) continue;
    space.copy(gathered.memory_.get() + used, buffer->memory_.get() + buffer->size_, size);
    used += size;
  }
  std::vector<std::uint8_t> bytes(used);
  space.read(bytes.data(), gathered.memory_.get(), used);
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == AlignedBuffer::guard; });
}

}  // namespace rondo::test
