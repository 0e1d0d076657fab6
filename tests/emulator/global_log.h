// Who accessed which word of global memory. Parties that do not run together have no order: what two of them touch, and
// one writes, is a race whatever they do. A word of an earlier launch is as new, so neither a launch nor a party costs
// anything for memory that it does not touch.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "clocks.h"

namespace rondo_emulator {

class GlobalLog {
 public:
  // Whether there is no race(). `as` as in AccessRules.
  bool read(const View &by, Epoch as, const void *at, uint32_t bytes) { return access<false>(by, as, at, bytes); }
  bool write(const View &by, const void *at, uint32_t bytes) { return access<true>(by, by.now(), at, bytes); }
  // The last one; where its earlier side is no agent of this party, its time is 0.
  const Race &race() const { return race_; }
  void start_launch();
  void start_party() { ++party_; }

 private:
  static constexpr uint32_t kPage = 4096;
  static constexpr uint32_t kRecent = 1024;
  static constexpr size_t kMostPages = 2048;  // that are kept from launch to launch

  struct Word {
    WordLog log;
    uint32_t party : 30 = 0;       // that touched it last
    uint32_t was_read : 1 = 0;     // in this launch
    uint32_t read_before : 1 = 0;  // by another party
  };
  struct Page {
    uintptr_t number = 0;
    uint32_t party = 0;  // the first of the launch in which it was touched last
    uint32_t grain = 1;  // as in AccessLog
    uint32_t shift = 0;
    std::vector<Word> words;
  };

  template <bool kWrites>
  bool access(const View &by, Epoch as, const void *at, uint32_t bytes) {
    auto address = reinterpret_cast<uintptr_t>(at);
    for (uint32_t here = 0; bytes != 0; address += here, bytes -= here) {
      const auto offset = static_cast<uint32_t>(address % kPage);
      here = bytes < kPage - offset ? bytes : kPage - offset;
      const uintptr_t number = address / kPage;
      Page *page = recent_[number % kRecent];
      if (page == nullptr || page->number != number || page->party != first_party_ ||
          ((offset | here) & (page->grain - 1)) != 0) {
        page = &fitting_page(number, offset, here);
      }
      for (uint32_t k = offset >> page->shift; k < (offset + here) >> page->shift; ++k) {
        Word &word = page->words[k];
        if (word.party < first_party_) {
          word = Word{};
          (kWrites ? word.log.write : word.log.read) = as;
          word.party = party_;
          word.was_read = !kWrites;
        } else if (!access<kWrites>(word, by, as)) {
          return false;
        }
      }
    }
    return true;
  }
  template <bool kWrites>
  bool access(Word &word, const View &by, Epoch as);
  Page &fitting_page(uintptr_t number, uint32_t offset, uint32_t bytes);

  uint32_t party_ = 0;
  uint32_t first_party_ = 1;  // of this launch
  std::unordered_map<uintptr_t, Page> pages_;
  std::array<Page *, kRecent> recent_{};
  AccessRules rules_;
  Race race_{};
};

}  // namespace rondo_emulator
