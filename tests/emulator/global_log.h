// Who accessed which word of global memory, for the memory through which blocks of one launch talk. What parties that
// do not run together both touch, and one of them writes, is a race whatever they do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "clocks.h"

namespace rondo_emulator {

class GlobalLog {
 public:
  // A race whose earlier side is no agent of this party has time 0.
  std::optional<Race> read(const View &by, const void *word, uint32_t bytes) { return access(by, word, bytes, false); }
  std::optional<Race> write(const View &by, const void *word, uint32_t bytes) { return access(by, word, bytes, true); }
  void start_party() { ++party_; }
  void start_launch() {
    if (!pages_.empty()) {
      pages_.clear();
    }
  }

 private:
  static constexpr uint32_t kPage = 512;
  struct Page {
    uint64_t party = 0;
    AccessLog log;
    std::vector<uint8_t> now, before;  // by byte: 1 read, 2 written; in this party, in others
  };
  std::optional<Race> access(const View &by, const void *word, uint32_t bytes, bool writes);
  std::optional<Race> access(Page &page, const View &by, uint32_t offset, uint32_t bytes, bool writes);

  uint64_t party_ = 0;
  std::unordered_map<uintptr_t, Page> pages_;
};

}  // namespace rondo_emulator
