// Making and finding a block's shared arrays.
#include "shared_arrays.h"

#include <algorithm>
#include <cstring>

#include "device_limits.h"

namespace rondo_emulator {

void SharedMemory::start(size_t wanted) {
  const size_t units = (wanted + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t);
  if (capacity != units) {
    memory = std::make_unique<std::max_align_t[]>(units);
    capacity = units;
  }
  bytes = wanted;
  if (wanted != 0) {
    std::memset(begin(), 0xff, wanted);
    log.start(static_cast<uint32_t>(wanted));
  }
}

void SharedArrays::start_block(size_t dynamic_bytes, size_t most) {
  used_ = 0;
  most_ = most;
  dynamic_.start(dynamic_bytes);
}

std::string SharedArrays::request(uint32_t number, size_t bytes, void **memory) {
  if (number < used_) {
    *memory = arrays_[number].begin();
    return arrays_[number].bytes == bytes ? ""
                                          : "shared array " + std::to_string(number) + " has " + std::to_string(bytes) +
                                                " bytes, in another thread " + std::to_string(arrays_[number].bytes);
  }
  if (used_ == arrays_.size()) {
    arrays_.emplace_back();
  }
  SharedMemory &array = arrays_[used_++];
  array.start(bytes);
  *memory = array.begin();
  size_t all = 0;
  for (size_t k = 0; k < used_; ++k) {
    all += arrays_[k].bytes;
  }
  return all <= kPlainShared && all + dynamic_.bytes <= most_
             ? ""
             : "shared arrays of " + std::to_string(all + dynamic_.bytes) + " bytes";
}

SharedMemory *SharedArrays::find(const void *word, uint32_t *number) {
  const auto *at = static_cast<const char *>(word);
  if (dynamic_.holds(at)) {
    *number = kDynamic;
    return &dynamic_;
  }
  for (uint32_t k = 0; k < used_; ++k) {
    if (arrays_[k].holds(at)) {
      *number = k;
      return &arrays_[k];
    }
  }
  return nullptr;
}

std::string place_in(uint32_t number, size_t offset) {
  return "byte " + std::to_string(offset) + " of " +
         (number == SharedArrays::kDynamic ? std::string("dynamic shared memory")
                                           : "shared array " + std::to_string(number));
}

}  // namespace rondo_emulator
