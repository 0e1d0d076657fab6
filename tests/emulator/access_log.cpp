// Who wrote and read each word of an array. A word keeps one reader while reads are ordered, all since the last write
// after.
#include "clocks.h"

namespace rondo_emulator {

void AccessLog::start(uint32_t bytes) {
  if (bytes != bytes_) {
    bytes_ = bytes;
    grain_ = 0;
    words_.clear();
  }
  if (touched_) {
    words_.assign(words_.size(), Word{});
  }
  touched_ = false;
  used_readers_ = 0;
}

void AccessLog::fit(uint32_t offset, uint32_t bytes) {
  touched_ = true;
  if (grain_ != 0 && ((offset | bytes) & (grain_ - 1)) == 0) {
    return;
  }
  const uint32_t all = offset | bytes | grain_ | bytes_;
  const uint32_t wanted = all & (~all + 1);
  std::vector<Word> finer(bytes_ / wanted);
  if (grain_ != 0) {
    const uint32_t pieces = grain_ / wanted;
    for (uint32_t k = 0; k < finer.size(); ++k) {
      finer[k] = words_[k / pieces];
      if (finer[k].readers != 0 && k % pieces != 0) {
        const Readers copy = readers_[finer[k].readers - 1];
        finer[k].readers = 0;
        readers(finer[k]) = copy;
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

AccessLog::Readers &AccessLog::readers(Word &word) {
  if (word.readers == 0) {
    if (used_readers_ == readers_.size()) {
      readers_.emplace_back();
    }
    readers_[used_readers_].few.clear();
    readers_[used_readers_].all.clear();
    word.readers = ++used_readers_;
  }
  return readers_[word.readers - 1];
}

void AccessLog::add(Readers &readers, const View &by) {
  if (readers.all.empty()) {
    // In the place of one that comes before: knowing the later is knowing both.
    for (Epoch &earlier : readers.few) {
      if (by.knows(earlier)) {
        earlier = by.now();
        return;
      }
    }
    if (readers.few.size() < kFew) {
      readers.few.push_back(by.now());
      return;
    }
  }
  const auto keep = [&](Epoch moment) {
    if (readers.all.size() <= moment.agent) {
      readers.all.resize((moment.agent / 256 + 1) * 256);
    }
    readers.all[moment.agent] = moment.time;
  };
  for (const Epoch earlier : readers.few) {
    keep(earlier);
  }
  readers.few.clear();
  keep(by.now());
}

void AccessLog::read_word(Word &word, const View &by) {
  if (word.readers == 0) {
    if (by.knows(word.read)) {
      word.read = by.now();
      return;
    }
    readers(word).few.push_back(word.read);
  }
  add(readers_[word.readers - 1], by);
}

std::optional<Race> AccessLog::unknown_read(const Word &word, const View &by) const {
  if (word.readers == 0) {
    return by.knows(word.read) ? std::nullopt : std::optional<Race>(Race{word.read, false});
  }
  const Readers &readers = readers_[word.readers - 1];
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

std::optional<Race> AccessLog::read(const View &by, uint32_t offset, uint32_t bytes) {
  fit(offset, bytes);
  for (uint32_t k = offset >> shift_; k < (offset + bytes) >> shift_; ++k) {
    if (!by.knows(words_[k].write)) {
      return Race{words_[k].write, true};
    }
    read_word(words_[k], by);
  }
  return std::nullopt;
}

std::optional<Race> AccessLog::write(const View &by, Epoch as, uint32_t offset, uint32_t bytes) {
  fit(offset, bytes);
  for (uint32_t k = offset >> shift_; k < (offset + bytes) >> shift_; ++k) {
    Word &word = words_[k];
    if (!by.knows(word.write)) {
      return Race{word.write, true};
    }
    if (auto race = unknown_read(word, by)) {
      return race;
    }
    if (word.readers != 0) {
      // The lists stay with the word for the readers to come.
      readers_[word.readers - 1].few.clear();
      readers_[word.readers - 1].all.clear();
    }
    word.read = {0, 0};
    word.write = as;
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
