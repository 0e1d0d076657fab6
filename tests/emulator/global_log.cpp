// Pages of words, made where something is touched.
#include "global_log.h"

namespace rondo_emulator {

void GlobalLog::start_launch() {
  first_party_ = party_ + 1;
  rules_.drop_lists();
  if (pages_.size() > kMostPages) {
    pages_.clear();
    recent_.fill(nullptr);
  }
}

// Its words are as small as the access is.
GlobalLog::Page &GlobalLog::fitting_page(uintptr_t number, uint32_t offset, uint32_t bytes) {
  Page *&recent = recent_[number % kRecent];
  if (recent == nullptr || recent->number != number) {
    recent = &pages_[number];
    recent->number = number;
  }
  Page &page = *recent;
  const bool is_new = page.party != first_party_;
  const uint32_t all = offset | bytes | (is_new ? kPage : page.grain);
  const uint32_t wanted = all & (~all + 1);
  const uint32_t pieces = is_new ? 1 : page.grain / wanted;
  page.words.resize(kPage / wanted);
  // From the last on, in place.
  for (auto k = static_cast<uint32_t>(page.words.size()); pieces != 1 && k-- != 0;) {
    page.words[k] = page.words[k / pieces];
    if (k % pieces != 0 && page.words[k].party >= first_party_) {
      rules_.copy_list(page.words[k].log);
    }
  }
  page.party = first_party_;
  page.grain = wanted;
  page.shift = static_cast<uint32_t>(__builtin_ctz(wanted));
  return page;
}

// Of a word that this launch has touched.
template <bool kWrites>
bool GlobalLog::access(Word &word, const View &by, Epoch as) {
  const bool is_others = word.party != party_;
  if ((is_others && word.log.write.time != 0) || (kWrites && (is_others ? word.was_read : word.read_before))) {
    race_ = Race{{0, 0}, is_others && word.log.write.time != 0};
    return false;
  }
  if (is_others) {
    word.read_before = word.was_read;
    word.party = party_;
    rules_.forget_readers(word.log);
  }
  word.was_read |= kWrites ? 0U : 1U;
  if (const auto race = kWrites ? rules_.write(word.log, by, as) : rules_.read(word.log, by, as)) {
    race_ = *race;
    return false;
  }
  return true;
}

template bool GlobalLog::access<false>(Word &word, const View &by, Epoch as);
template bool GlobalLog::access<true>(Word &word, const View &by, Epoch as);

}  // namespace rondo_emulator
