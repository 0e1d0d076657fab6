// TuneCache: what autotune found, in a file between processes: lines of text, replaced as a whole. A file that cannot
// be read or understood counts as empty.
#pragma once

#include <string>

namespace rondo::cudnn {

class TuneCache {
 public:
  struct Entry {
    std::string algorithm;  // by name
    std::string times;      // for explain
  };

  // RONDO_AUTOTUNE_CACHE, else rondo/autotune.txt in the user's cache folder; without either there is no cache.
  TuneCache();

  // Both give a line for the log where something is wrong, and "" where not. Neither fails.
  std::string find(const std::string &key, Entry *entry) const;  // entry stays as it is where there is none
  std::string store(const std::string &key, const Entry &entry) const;

 private:
  std::string path_;
};

}  // namespace rondo::cudnn
