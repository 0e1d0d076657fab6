// Pages of words, made where something is touched.
#include "global_log.h"

#include <algorithm>

namespace rondo_emulator {

std::optional<Race> GlobalLog::access(const View &by, const void *word, uint32_t bytes, bool writes) {
  auto at = reinterpret_cast<uintptr_t>(word);
  while (bytes != 0) {
    const auto offset = static_cast<uint32_t>(at % kPage);
    const uint32_t here = std::min(bytes, kPage - offset);
    if (auto race = access(pages_[at / kPage], by, offset, here, writes)) {
      return race;
    }
    at += here;
    bytes -= here;
  }
  return std::nullopt;
}

std::optional<Race> GlobalLog::access(Page &page, const View &by, uint32_t offset, uint32_t bytes, bool writes) {
  if (page.party != party_) {
    if (page.party == 0) {
      page.now.assign(kPage, 0);
      page.before.assign(kPage, 0);
    }
    for (uint32_t k = 0; k < kPage; ++k) {
      page.before[k] = static_cast<uint8_t>(page.before[k] | page.now[k]);
      page.now[k] = 0;
    }
    page.party = party_;
    page.log.start(kPage);
  }
  const uint8_t conflict = writes ? 3 : 2;
  for (uint32_t k = offset; k < offset + bytes; ++k) {
    if ((page.before[k] & conflict) != 0) {
      return Race{{0, 0}, (page.before[k] & 2) != 0};
    }
    page.now[k] = static_cast<uint8_t>(page.now[k] | (writes ? 2 : 1));
  }
  return writes ? page.log.write(by, by.now(), offset, bytes) : page.log.read(by, offset, bytes);
}

}  // namespace rondo_emulator
