// Shared memory of a block: its arrays by the order in which a thread declares them, what the launch asked for besides,
// their poison, and who touched which word when.
// Each lies in heap memory of its own, so that asan sees an access past its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clocks.h"

namespace rondo_emulator {

struct SharedMemory {
  std::unique_ptr<std::max_align_t[]> memory;
  size_t capacity = 0, bytes = 0;
  AccessLog log;

  char *begin() const { return reinterpret_cast<char *>(memory.get()); }
  bool holds(const char *word) const { return word >= begin() && word < begin() + bytes; }
  void start(size_t wanted);
};

class SharedArrays {
 public:
  static constexpr uint32_t kDynamic = UINT32_MAX;  // the number of what the launch asked for

  // `most` bytes altogether.
  void start_block(size_t dynamic_bytes, size_t most);
  bool used() const { return used_ != 0 || dynamic_.bytes != 0; }

  // What is wrong, empty where nothing is.
  std::string request(uint32_t number, size_t bytes, void **memory);
  // The array that has the byte, NULL for none.
  SharedMemory *find(const void *word, uint32_t *number);
  SharedMemory &at(uint32_t number) { return number == kDynamic ? dynamic_ : arrays_[number]; }

 private:
  std::vector<SharedMemory> arrays_;  // kept for the next block
  SharedMemory dynamic_;
  size_t used_ = 0, most_ = 0;
};

// As in "byte 4 of shared array 0".
std::string place_in(uint32_t number, size_t offset);

}  // namespace rondo_emulator
