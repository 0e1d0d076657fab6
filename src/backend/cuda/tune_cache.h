// TuneCache: what autotune measured, in a file between processes: lines of text, replaced as a whole. A file that
// cannot be read or understood counts as empty, and so does one of another version, whose problems are measured anew.
#pragma once

#include <string>
#include <vector>

namespace rondo::cuda {

// What one of a back end's ways to run a problem took when it was timed.
struct Time {
  std::string name;
  double milliseconds;  // below 0: it failed
  std::string failure;  // why; not kept in the cache

  bool failed() const { return milliseconds < 0; }
};

// Of that name, or NULL.
const Time *time_of(const std::vector<Time> &times, const std::string &name);

class TuneCache {
 public:
  // RONDO_AUTOTUNE_CACHE, else rondo/autotune.txt in the user's cache folder; without either there is no cache.
  TuneCache();

  // Both give a line for the log where something is wrong, and "" where not. Neither fails.
  std::string find(const std::string &key, std::vector<Time> *times) const;  // as they are where there are none
  std::string store(const std::string &key, const std::vector<Time> &times) const;

 private:
  std::string path_;
};

}  // namespace rondo::cuda
