// Happens-before between agents: the threads of the blocks that run together, and whoever writes for them later.
// An agent knows its own moments and those of a vector that it shares with all who learned the same, so that a barrier
// makes one vector whatever the number of its threads.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rondo_emulator {

using Time = uint32_t;

// A moment of one agent; time 0 is never.
struct Epoch {
  uint32_t agent;
  Time time;
};

// By agent the last moment known, never changed once it is shared; of agents past its end nothing is known. Counted;
// none may be held in a frame of a fiber that pauses or leaves.
class Known {
 public:
  Known() = default;
  Known(const Known &other) : vector_(other.vector_) { hold(); }
  Known(Known &&other) noexcept : vector_(std::exchange(other.vector_, nullptr)) {}
  Known &operator=(Known other) noexcept {
    std::swap(vector_, other.vector_);
    return *this;
  }
  ~Known() { drop(); }

  bool operator==(const Known &other) const { return vector_ == other.vector_; }
  Time of(uint32_t agent) const {
    return vector_ != nullptr && agent < vector_->times.size() ? vector_->times[agent] : 0;
  }

 private:
  friend class Joint;
  struct Vector {
    uint32_t holders = 0;
    uint64_t joined = 0;  // the join that had it last
    std::vector<Time> times;
  };
  void hold() const {
    if (vector_ != nullptr) {
      ++vector_->holders;
    }
  }
  void drop();
  static Vector *make();
  static std::vector<Vector *> &spare();

  Vector *vector_ = nullptr;
};

// What an agent knew at some moment: `known`, its own moments, and those of who copies for it.
struct View {
  Known known;
  uint32_t agent = 0;
  Time own = 0;
  uint32_t copier = UINT32_MAX;
  Time copied = 0;

  bool knows(Epoch moment) const {
    return moment.agent == agent    ? moment.time <= own
           : moment.agent == copier ? moment.time <= copied
                                    : moment.time <= known.of(moment.agent);
  }
  Epoch now() const { return {agent, own}; }
};

// Collects views into one that knows all they knew.
class Joint {
 public:
  explicit Joint(uint32_t agents);
  void add(const Known &known);
  void add(const View &view);
  void add(Epoch moment);
  Known take() { return std::move(known_); }

 private:
  Known known_;
  uint64_t number_;
};

class Clocks {
 public:
  void start(uint32_t agents);
  uint32_t agents() const { return static_cast<uint32_t>(views_.size()); }
  // One more, which is no thread and learns nothing. Vectors that exist know nothing of it.
  uint32_t add_agent() { return views_count_++; }
  uint32_t all_agents() const { return views_count_; }

  const View &view(uint32_t agent) const { return views_[agent]; }
  Epoch now(uint32_t agent) const { return views_[agent].now(); }
  bool knows(uint32_t agent, Epoch moment) const { return views_[agent].knows(moment); }
  // What the agent does from here on is not part of what others learn of it up to here.
  void tick(uint32_t agent) { ++views_[agent].own; }

  void learn(uint32_t agent, const Known &known);
  // Its copier's moments up to `time`.
  void learn_copied(uint32_t agent, Time time) { views_[agent].copied = time; }
  void set_copier(uint32_t agent, uint32_t copier) { views_[agent].copier = copier; }
  // Neighbouring agents learn all that any of them knows.
  void join(uint32_t first, uint32_t count);
  void join_all() { join(0, agents()); }

 private:
  // Many learn the same at about the same time.
  struct Lesson {
    Known before, what, after;
  };
  static constexpr uint32_t kLessons = 64;

  std::vector<View> views_;
  uint32_t views_count_ = 0;
  std::vector<Lesson> lessons_;
  uint32_t next_lesson_ = 0;
};

// Two accesses without order between them.
struct Race {
  Epoch earlier;
  bool earlier_wrote;
};

// A word's accesses: the last write, and who read it since.
struct WordLog {
  Epoch write{0, 0};
  Epoch read{0, 0};
  uint32_t readers = 0;  // 1 + index of a list, where several read without order between them
};

// The rules by which accesses of a word follow each other. A word keeps one reader while reads are ordered, all since
// the last write after; the lists of those lie here.
class AccessRules {
 public:
  // Of no word that is still used.
  void drop_lists() { used_lists_ = 0; }

  // The conflict, if any. `as` is who reads or writes where that is not the agent itself.
  std::optional<Race> read(WordLog &word, const View &by, Epoch as) {
    if (!by.knows(word.write)) {
      return Race{word.write, true};
    }
    if (word.readers == 0 && comes_before(word.read, by, as)) {
      word.read = as;
    } else {
      add_reader(word, by, as);
    }
    return std::nullopt;
  }
  std::optional<Race> write(WordLog &word, const View &by, Epoch as) {
    if (!by.knows(word.write)) {
      return Race{word.write, true};
    }
    if (word.readers != 0 || !by.knows(word.read)) {
      if (auto race = unknown_read(word, by)) {
        return race;
      }
    }
    forget_readers(word);
    word.write = as;
    return std::nullopt;
  }
  // The word's list stays with it.
  void forget_readers(WordLog &word) {
    word.read = {0, 0};
    if (word.readers != 0) {
      lists_[word.readers - 1].few.clear();
      lists_[word.readers - 1].all.clear();
    }
  }
  // What was one word becomes two.
  void copy_list(WordLog &word);

 private:
  // A list while they are few, then by agent.
  struct Readers {
    std::vector<Epoch> few;
    std::vector<Time> all;
  };
  static constexpr size_t kFew = 16;

  // Whether who knows of the reader `as` knows of the earlier one too.
  static bool comes_before(Epoch earlier, const View &by, Epoch as) {
    return by.knows(earlier) || (earlier.agent == as.agent && earlier.time <= as.time);
  }
  void add_reader(WordLog &word, const View &by, Epoch as);
  std::optional<Race> unknown_read(const WordLog &word, const View &by) const;
  Readers &list_of(WordLog &word);

  std::vector<Readers> lists_;  // kept for the next words
  uint32_t used_lists_ = 0;
};

// The words of one array. A word is as small as the smallest access seen: neighbouring 16-bit elements are two words,
// and an access of several words counts for each.
class AccessLog {
 public:
  void start(uint32_t bytes);
  // The first conflict, if any.
  std::optional<Race> read(const View &by, uint32_t offset, uint32_t bytes);
  // `as` is who writes where that is not the agent itself.
  std::optional<Race> write(const View &by, Epoch as, uint32_t offset, uint32_t bytes);
  std::optional<Race> read(const Clocks &clocks, uint32_t agent, uint32_t offset, uint32_t bytes) {
    return read(clocks.view(agent), offset, bytes);
  }
  std::optional<Race> write(const Clocks &clocks, uint32_t agent, uint32_t offset, uint32_t bytes) {
    return write(clocks.view(agent), clocks.now(agent), offset, bytes);
  }
  // Whether every byte was written.
  bool written(uint32_t offset, uint32_t bytes) const;

 private:
  void fit(uint32_t offset, uint32_t bytes);

  uint32_t bytes_ = 0;
  uint32_t grain_ = 0;   // bytes of a word, a power of two; 0 before the first access
  uint32_t shift_ = 0;   // its logarithm
  bool touched_ = true;  // since start()
  std::vector<WordLog> words_;
  AccessRules rules_;
};

}  // namespace rondo_emulator
