// Who wrote and read each word of an array, and the lists of a word's readers.
#include <algorithm>

#include "clocks.h"

namespace rondo_emulator {

AccessRules::Readers &AccessRules::list_of(WordLog &word) {
  if (word.readers == 0) {
    if (used_lists_ == lists_.size()) {
      lists_.emplace_back();
    }
    lists_[used_lists_].few.clear();
    lists_[used_lists_].all.clear();
    word.readers = ++used_lists_;
  }
  return lists_[word.readers - 1];
}

void AccessRules::copy_list(WordLog &word) {
  if (word.readers != 0) {
    const Readers copy = lists_[word.readers - 1];
    word.readers = 0;
    list_of(word) = copy;
  }
}

void AccessRules::add_reader(WordLog &word, const View &by, Epoch as) {
  const bool is_new = word.readers == 0;
  Readers &readers = list_of(word);
  if (is_new) {
    readers.few.push_back(word.read);
  }
  if (readers.all.empty()) {
    // In the place of one that comes before: knowing the later is knowing both.
    for (Epoch &earlier : readers.few) {
      if (comes_before(earlier, by, as)) {
        earlier = as;
        return;
      }
    }
    if (readers.few.size() < kFew) {
      readers.few.push_back(as);
      return;
    }
  }
  const auto keep = [&](Epoch moment) {
    if (readers.all.size() <= moment.agent) {
      readers.all.resize((moment.agent / 256 + 1) * 256);
    }
    readers.all[moment.agent] = std::max(readers.all[moment.agent], moment.time);
  };
  for (const Epoch earlier : readers.few) {
    keep(earlier);
  }
  readers.few.clear();
  keep(as);
}

std::optional<Race> AccessRules::unknown_read(const WordLog &word, const View &by) const {
  if (word.readers == 0) {
    return by.knows(word.read) ? std::nullopt : std::optional<Race>(Race{word.read, false});
  }
  const Readers &readers = lists_[word.readers - 1];
  for (const Epoch earlier : readers.few) {
    if (!by.knows(earlier)) {
      return Race{earlier, false};
    }
  }
  for (uint32_t agent = 0; agent < readers.all.size(); ++agent) {
    if (!by.knows({agent, readers.all[agent]})) {
      return Race{{agent, readers.all[agent]}, false};
    }
  }
  return std::nullopt;
}

void AccessLog::start(uint32_t bytes) {
  if (bytes != bytes_) {
    bytes_ = bytes;
    grain_ = 0;
    words_.clear();
  }
  if (touched_) {
    words_.assign(words_.size(), WordLog{});
  }
  touched_ = false;
  rules_.drop_lists();
}

void AccessLog::fit(uint32_t offset, uint32_t bytes) {
  touched_ = true;
  if (grain_ != 0 && ((offset | bytes) & (grain_ - 1)) == 0) {
    return;
  }
  const uint32_t all = offset | bytes | grain_ | bytes_;
  const uint32_t wanted = all & (~all + 1);
  std::vector<WordLog> finer(bytes_ / wanted);
  if (grain_ != 0) {
    const uint32_t pieces = grain_ / wanted;
    for (uint32_t k = 0; k < finer.size(); ++k) {
      finer[k] = words_[k / pieces];
      if (k % pieces != 0) {
        rules_.copy_list(finer[k]);
      }
    }
  }
  words_.swap(finer);
  grain_ = wanted;
  shift_ = 0;
  while (grain_ >> shift_ != 1) {
    ++shift_;
  }
}

std::optional<Race> AccessLog::read(const View &by, uint32_t offset, uint32_t bytes) {
  fit(offset, bytes);
  for (uint32_t k = offset >> shift_; k < (offset + bytes) >> shift_; ++k) {
    if (const auto race = rules_.read(words_[k], by, by.now())) {
      return race;
    }
  }
  return std::nullopt;
}

std::optional<Race> AccessLog::write(const View &by, Epoch as, uint32_t offset, uint32_t bytes) {
  fit(offset, bytes);
  for (uint32_t k = offset >> shift_; k < (offset + bytes) >> shift_; ++k) {
    if (const auto race = rules_.write(words_[k], by, as)) {
      return race;
    }
  }
  return std::nullopt;
}

bool AccessLog::written(uint32_t offset, uint32_t bytes) const {
  if (grain_ == 0) {
    return false;
  }
  for (uint32_t k = offset / grain_; k * grain_ < offset + bytes; ++k) {
    if (words_[k].write.time == 0) {
      return false;
    }
  }
  return true;
}

}  // namespace rondo_emulator
