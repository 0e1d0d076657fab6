// A header line, then "key <tab> algorithm <tab> times" per problem. Replaced by rename, so that a reader sees the old
// file or the new one; of two writers at once the later wins.
#include "backend/cudnn/tune_cache.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include "core/environment.h"

namespace rondo::cudnn {
namespace {

constexpr const char *header = "rondo autotune cache 1";

std::string default_path() {
  if (const char *folder = environment("XDG_CACHE_HOME")) {
    return std::string(folder) + "/rondo/autotune.txt";
  }
  const char *home = environment("HOME");
  return home == nullptr ? std::string() : std::string(home) + "/.cache/rondo/autotune.txt";
}

using Entries = std::map<std::string, TuneCache::Entry>;

// Whether the file is a cache, or is not there.
bool read(const std::string &path, Entries *entries) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return !error;
  }
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line != header) {
    return false;
  }
  while (std::getline(file, line)) {
    const size_t first = line.find('\t');
    const size_t second = first == std::string::npos ? first : line.find('\t', first + 1);
    if (second == std::string::npos) {
      return false;
    }
    (*entries)[line.substr(0, first)] = {line.substr(first + 1, second - first - 1), line.substr(second + 1)};
  }
  return file.eof() && !file.bad();
}

// A file beside the cache, as a rename needs it; -1 where none can be made.
int make_temporary(const std::string &path, std::string *name) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::vector<char> pattern(path.begin(), path.end());
  for (const char c : std::string(".XXXXXX")) {
    pattern.push_back(c);
  }
  pattern.push_back('\0');
  const int file = mkstemp(pattern.data());
  *name = pattern.data();
  return file;
}

bool write(const std::string &path, const Entries &entries) {
  std::string temporary;
  const int descriptor = make_temporary(path, &temporary);
  if (descriptor < 0) {
    return false;
  }
  close(descriptor);
  std::ofstream file(temporary, std::ios::trunc);
  file << header << '\n';
  for (const auto &[key, entry] : entries) {
    file << key << '\t' << entry.algorithm << '\t' << entry.times << '\n';
  }
  file.close();
  std::error_code error;
  if (file.good()) {
    std::filesystem::rename(temporary, path, error);
  }
  if (!file.good() || error) {
    std::filesystem::remove(temporary, error);
    return false;
  }
  return true;
}

}  // namespace

TuneCache::TuneCache() {
  const char *named = environment("RONDO_AUTOTUNE_CACHE");
  path_ = named != nullptr ? std::string(named) : default_path();
}

std::string TuneCache::find(const std::string &key, Entry *entry) const {
  Entries entries;
  if (path_.empty()) {
    return "";
  }
  if (!read(path_, &entries)) {
    return "autotune: the cache " + path_ + " cannot be read as one, so it is ignored";
  }
  const auto found = entries.find(key);
  if (found != entries.end()) {
    *entry = found->second;
  }
  return "";
}

std::string TuneCache::store(const std::string &key, const Entry &entry) const {
  if (path_.empty()) {
    return "autotune: there is no folder for a cache, so the result is not kept";
  }
  Entries entries;
  if (!read(path_, &entries)) {
    entries.clear();
  }
  entries[key] = entry;
  return write(path_, entries) ? "" : "autotune: the cache " + path_ + " cannot be written, so the result is not kept";
}

}  // namespace rondo::cudnn
