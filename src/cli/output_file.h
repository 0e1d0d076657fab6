// A file that appears complete or not at all: written beside its place, then renamed into it.
// The constructor refuses a path that cannot be written, so that no long work is done for nothing.
#pragma once

#include <string>

namespace rondo::cli {

class OutputFile {
 public:
  OutputFile() = default;  // no file: commit() does nothing
  // An empty path is no file.
  explicit OutputFile(const std::string &path);
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  OutputFile(OutputFile &&) = delete;
  OutputFile &operator=(OutputFile &&) = delete;
  ~OutputFile();

  bool is_wanted() const { return descriptor_ >= 0; }
  void commit(const std::string &content);

 private:
  [[noreturn]] void fail(const char *what) const;

  std::string path_;
  std::string temporary_;  // empty: path_ is a device or a pipe, and written directly
  int descriptor_ = -1;
};

}  // namespace rondo::cli
