// Happens-before between agents (the threads of a block): vector clocks, and per shared word who wrote and read it
// when. A barrier leaves all agents knowing the same, so one vector serves them all; an agent that learns on its own (a
// flag acquired) would get a vector of its own in Clocks, and nothing else here would change.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace rondo_emulator {

using Time = uint32_t;

// A moment of one agent; time 0 is never.
struct Epoch {
  uint32_t agent;
  Time time;
};

class Clocks {
 public:
  void start(uint32_t agents);
  uint32_t agents() const { return static_cast<uint32_t>(own_.size()); }
  Epoch now(uint32_t agent) const { return {agent, own_[agent]}; }
  // Whether `agent` comes after the moment.
  bool knows(uint32_t agent, Epoch moment) const {
    return moment.agent == agent || moment.time <= common_[moment.agent];
  }
  // Every agent learns all that any of them did so far.
  void join_all();

 private:
  std::vector<Time> own_;
  std::vector<Time> common_;  // what everybody knows of each
};

// Two accesses without order between them.
struct Race {
  Epoch earlier;
  bool earlier_wrote;
};

// The words of one shared array. A word is as small as the smallest access seen: neighbouring 16-bit elements are two
// words, and an access of several words counts for each.
class AccessLog {
 public:
  void start(uint32_t bytes);
  // The first conflict, if any.
  std::optional<Race> read(const Clocks &clocks, uint32_t agent, uint32_t offset, uint32_t bytes);
  std::optional<Race> write(const Clocks &clocks, uint32_t agent, uint32_t offset, uint32_t bytes);
  // Whether every byte was written.
  bool written(uint32_t offset, uint32_t bytes) const;

 private:
  struct Word {
    Epoch write{0, 0};
    Epoch read{0, 0};
    uint32_t readers = 0;  // 1 + index in readers_, where several read without order between them
  };

  void fit(uint32_t offset, uint32_t bytes);
  std::optional<Race> read_word(Word &word, const Clocks &clocks, uint32_t agent);
  std::optional<Race> write_word(Word &word, const Clocks &clocks, uint32_t agent);
  std::vector<Time> &readers(Word &word, uint32_t agents);

  uint32_t bytes_ = 0;
  uint32_t grain_ = 0;  // bytes of a word; 0 before the first access
  std::vector<Word> words_;
  std::vector<std::vector<Time>> readers_;  // by agent; kept for the next block
  uint32_t used_readers_ = 0;
};

}  // namespace rondo_emulator
