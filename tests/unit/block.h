// Memory for one array of a test: aligned as plans want it, poisoned, and with nothing behind its end, so that the
// address sanitizer sees a write beyond it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "support/catch.h"

namespace rondo_test {

// On a cache line, NaN in every type, and of no byte more than asked for.
class Block {
 public:
  explicit Block(std::int64_t size) : size_(static_cast<std::size_t>(size)) {
    void *memory = nullptr;
    REQUIRE(posix_memalign(&memory, 64, std::max<std::size_t>(size_, 1)) == 0);
    memory_.reset(static_cast<char *>(memory));
    std::memset(memory, 0xFF, size_);
  }
  char *data() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  bool operator==(const Block &other) const {
    return size_ == other.size_ && std::memcmp(data(), other.data(), size_) == 0;
  }

 private:
  std::size_t size_;
  std::unique_ptr<char, void (*)(void *)> memory_{nullptr, &std::free};
};

}  // namespace rondo_test
