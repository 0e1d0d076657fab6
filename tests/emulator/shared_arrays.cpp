// Shared arrays of a block. Each lies in heap memory of its own, so that asan sees an access past its end.
#include "shared_arrays.h"

#include <cstring>

namespace rondo_emulator {
namespace {

// What a block may declare without asking for more at its launch.
constexpr size_t kMostShared = 48 << 10;

}  // namespace

void SharedArrays::start_block(uint32_t threads) {
  if (used_ != 0 || clocks_.agents() != threads) {
    clocks_.start(threads);
  }
  used_ = 0;
  unwritten_.clear();
}

std::string SharedArrays::request(uint32_t number, size_t bytes, void **memory) {
  if (number < used_) {
    *memory = arrays_[number].memory.get();
    return arrays_[number].bytes == bytes ? ""
                                          : "shared array " + std::to_string(number) + " has " + std::to_string(bytes) +
                                                " bytes, in another thread " + std::to_string(arrays_[number].bytes);
  }
  if (used_ == arrays_.size()) {
    arrays_.emplace_back();
  }
  Array &array = arrays_[used_++];
  const size_t units = (bytes + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t);
  if (array.capacity != units) {
    array.memory = std::make_unique<std::max_align_t[]>(units);
    array.capacity = units;
  }
  array.bytes = bytes;
  std::memset(array.memory.get(), 0xff, bytes);
  array.log.start(static_cast<uint32_t>(bytes));
  *memory = array.memory.get();
  size_t all = 0;
  for (size_t k = 0; k < used_; ++k) {
    all += arrays_[k].bytes;
  }
  return all <= kMostShared ? "" : "shared arrays of " + std::to_string(all) + " bytes";
}

size_t SharedArrays::find(const char *word) const {
  size_t k = 0;
  while (k + 1 < used_ && (word < arrays_[k].begin() || word >= arrays_[k].begin() + arrays_[k].bytes)) {
    ++k;
  }
  return k;
}

std::string SharedArrays::read(uint32_t thread, const void *word, uint32_t bytes) {
  const auto *at = static_cast<const char *>(word);
  Array &array = arrays_[find(at)];
  const auto offset = static_cast<uint32_t>(at - array.begin());
  if (const auto found = array.log.read(clocks_, thread, offset, bytes)) {
    return race(at, thread, "read", *found);
  }
  if (unwritten_.empty() && !array.log.written(offset, bytes)) {
    unwritten_ = "read of byte " + std::to_string(offset) + " of shared array " + std::to_string(find(at)) +
                 " by thread " + std::to_string(thread) + " before anything was written there";
  }
  return "";
}

std::string SharedArrays::write(uint32_t thread, const void *word, uint32_t bytes) {
  const auto *at = static_cast<const char *>(word);
  Array &array = arrays_[find(at)];
  if (const auto found = array.log.write(clocks_, thread, static_cast<uint32_t>(at - array.begin()), bytes)) {
    return race(at, thread, "write", *found);
  }
  return "";
}

std::string SharedArrays::race(const char *word, uint32_t thread, const char *access, const Race &race) const {
  const size_t k = find(word);
  return "race on byte " + std::to_string(word - arrays_[k].begin()) + " of shared array " + std::to_string(k) + ": " +
         (race.earlier_wrote ? "write" : "read") + " by thread " + std::to_string(race.earlier.agent) + " and " +
         access + " by thread " + std::to_string(thread) + " without a barrier between them";
}

}  // namespace rondo_emulator
