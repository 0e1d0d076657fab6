// A header line, then "key <tab> name=milliseconds <tab> name=failed ..." per problem. Replaced by rename, so that a
// reader sees the old file or the new one; of two writers at once the later wins.
#include "backend/cuda/tune_cache.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>

#include "core/environment.h"

namespace rondo::cuda {
namespace {

// The number is the format's.
constexpr std::string_view title = "rondo autotune cache ";
constexpr std::string_view header = "rondo autotune cache 2";
constexpr std::string_view failed = "failed";

std::string default_path() {
  if (const char *folder = environment("XDG_CACHE_HOME")) {
    return std::string(folder) + "/rondo/autotune.txt";
  }
  const char *home = environment("HOME");
  return home == nullptr ? std::string() : std::string(home) + "/.cache/rondo/autotune.txt";
}

using Entries = std::map<std::string, std::vector<Time>>;

// "name=1.25", whatever the locale says of points and commas.
bool read_time(std::string_view field, std::vector<Time> *times) {
  const size_t at = field.rfind('=');
  if (at == std::string_view::npos || at == 0) {
    return false;
  }
  const std::string_view value = field.substr(at + 1);
  double milliseconds = -1;
  if (value != failed) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (error != std::errc() || end != value.data() + value.size() || !(milliseconds >= 0)) {
      return false;
    }
  }
  times->push_back({std::string(field.substr(0, at)), milliseconds, {}});
  return true;
}

std::string text_of(const Time &time) {
  if (time.failed()) {
    return time.name + "=" + std::string(failed);
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), time.milliseconds, std::chars_format::general, 6).ptr;
  return time.name + "=" + std::string(digits.begin(), end);
}

bool read_entry(std::string_view line, Entries *entries) {
  size_t at = line.find('\t');
  if (at == std::string_view::npos) {
    return false;
  }
  std::vector<Time> &times = (*entries)[std::string(line.substr(0, at))];
  times.clear();
  while (at != std::string_view::npos) {
    const size_t next = line.find('\t', at + 1);
    if (!read_time(line.substr(at + 1, next == std::string_view::npos ? next : next - at - 1), &times)) {
      return false;
    }
    at = next;
  }
  return true;
}

// Whether the file is a cache, or is not there.
bool read(const std::string &path, Entries *entries) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return !error;
  }
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || !std::string_view(line).starts_with(title)) {
    return false;
  }
  if (line != header) {
    return true;
  }
  while (std::getline(file, line)) {
    if (!read_entry(line, entries)) {
      entries->clear();
      return false;
    }
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
  for (const auto &[key, times] : entries) {
    file << key;
    for (const Time &time : times) {
      file << '\t' << text_of(time);
    }
    file << '\n';
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

const Time *time_of(const std::vector<Time> &times, const std::string &name) {
  for (const Time &time : times) {
    if (time.name == name) {
      return &time;
    }
  }
  return nullptr;
}

TuneCache::TuneCache() {
  const char *named = environment("RONDO_AUTOTUNE_CACHE");
  path_ = named != nullptr ? std::string(named) : default_path();
}

std::string TuneCache::find(const std::string &key, std::vector<Time> *times) const {
  Entries entries;
  if (path_.empty()) {
    return "";
  }
  if (!read(path_, &entries)) {
    return "autotune: the cache " + path_ + " cannot be read as one, so it is ignored";
  }
  const auto found = entries.find(key);
  if (found != entries.end()) {
    *times = found->second;
  }
  return "";
}

std::string TuneCache::store(const std::string &key, const std::vector<Time> &times) const {
  if (path_.empty()) {
    return "autotune: there is no folder for a cache, so the result is not kept";
  }
  Entries entries;
  static_cast<void>(read(path_, &entries));
  entries[key] = times;
  return write(path_, entries) ? "" : "autotune: the cache " + path_ + " cannot be written, so the result is not kept";
}

}  // namespace rondo::cuda
