// Shared memory of the block that runs: its arrays by the order in which a thread declares them, their poison, and who
// touched which word when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clocks.h"

namespace rondo_emulator {

class SharedArrays {
 public:
  void start_block(uint32_t threads);
  void join_all() { clocks_.join_all(); }

  // What was read though nobody had written it, empty without such a read. Asked at a barrier and at the end of the
  // block: until then a write of it may come and make the read one side of a race, which says more.
  const std::string &unwritten() const { return unwritten_; }

  // These return what is wrong, empty where nothing is.
  std::string request(uint32_t number, size_t bytes, void **memory);
  std::string read(uint32_t thread, const void *word, uint32_t bytes);
  std::string write(uint32_t thread, const void *word, uint32_t bytes);

 private:
  struct Array {
    std::unique_ptr<std::max_align_t[]> memory;
    size_t capacity = 0, bytes = 0;
    AccessLog log;
    const char *begin() const { return reinterpret_cast<const char *>(memory.get()); }
  };

  size_t find(const char *word) const;
  std::string race(const char *word, uint32_t thread, const char *access, const Race &race) const;

  Clocks clocks_;
  std::vector<Array> arrays_;  // kept for the next block
  size_t used_ = 0;
  std::string unwritten_;
};

}  // namespace rondo_emulator
