// Clocks of agents and of shared words. A word keeps one reader while reads are ordered, a clock of all readers after.
#include "clocks.h"

#include <algorithm>
#include <numeric>

namespace rondo_emulator {

void Clocks::start(uint32_t agents) {
  own_.assign(agents, 1);
  common_.assign(agents, 0);
}

void Clocks::join_all() {
  common_ = own_;
  for (Time &time : own_) {
    ++time;
  }
}

void AccessLog::start(uint32_t bytes) {
  if (bytes != bytes_) {
    bytes_ = bytes;
    grain_ = 0;
    words_.clear();
  }
  words_.assign(words_.size(), Word{});
  used_readers_ = 0;
}

void AccessLog::fit(uint32_t offset, uint32_t bytes) {
  if (grain_ != 0 && offset % grain_ == 0 && bytes % grain_ == 0) {
    return;
  }
  const uint32_t wanted = std::gcd(std::gcd(offset, bytes), std::gcd(grain_, bytes_));
  std::vector<Word> finer(bytes_ / wanted);
  if (grain_ != 0) {
    const uint32_t pieces = grain_ / wanted;
    for (uint32_t k = 0; k < finer.size(); ++k) {
      finer[k] = words_[k / pieces];
      if (finer[k].readers != 0 && k % pieces != 0) {
        const std::vector<Time> copy = readers_[finer[k].readers - 1];
        finer[k].readers = 0;
        readers(finer[k], static_cast<uint32_t>(copy.size())) = copy;
      }
    }
  }
  words_.swap(finer);
  grain_ = wanted;
}

std::vector<Time> &AccessLog::readers(Word &word, uint32_t agents) {
  if (word.readers == 0) {
    if (used_readers_ == readers_.size()) {
      readers_.emplace_back();
    }
    readers_[used_readers_].assign(agents, 0);
    word.readers = ++used_readers_;
  }
  return readers_[word.readers - 1];
}

std::optional<Race> AccessLog::read_word(Word &word, const Clocks &clocks, uint32_t agent) {
  if (!clocks.knows(agent, word.write)) {
    return Race{word.write, true};
  }
  const Epoch now = clocks.now(agent);
  if (word.readers == 0 && clocks.knows(agent, word.read)) {
    word.read = now;
    return std::nullopt;
  }
  const bool first = word.readers == 0;
  std::vector<Time> &all = readers(word, clocks.agents());
  if (first) {
    all[word.read.agent] = word.read.time;
  }
  all[agent] = now.time;
  return std::nullopt;
}

std::optional<Race> AccessLog::write_word(Word &word, const Clocks &clocks, uint32_t agent) {
  if (!clocks.knows(agent, word.write)) {
    return Race{word.write, true};
  }
  if (word.readers != 0) {
    const std::vector<Time> &all = readers_[word.readers - 1];
    for (uint32_t other = 0; other < all.size(); ++other) {
      if (!clocks.knows(agent, {other, all[other]})) {
        return Race{{other, all[other]}, false};
      }
    }
    // The clock itself stays with the word for the readers to come.
    std::fill(readers_[word.readers - 1].begin(), readers_[word.readers - 1].end(), 0);
  } else if (!clocks.knows(agent, word.read)) {
    return Race{word.read, false};
  }
  word.read = {0, 0};
  word.write = clocks.now(agent);
  return std::nullopt;
}

std::optional<Race> AccessLog::read(const Clocks &clocks, uint32_t agent, uint32_t offset, uint32_t bytes) {
  fit(offset, bytes);
  for (uint32_t k = offset / grain_; k < (offset + bytes) / grain_; ++k) {
    if (const auto race = read_word(words_[k], clocks, agent)) {
      return race;
    }
  }
  return std::nullopt;
}

std::optional<Race> AccessLog::write(const Clocks &clocks, uint32_t agent, uint32_t offset, uint32_t bytes) {
  fit(offset, bytes);
  for (uint32_t k = offset / grain_; k < (offset + bytes) / grain_; ++k) {
    if (const auto race = write_word(words_[k], clocks, agent)) {
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
