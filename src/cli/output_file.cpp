// POSIX files: exclusive creation, a flush to disk before the rename, and removal of what was not committed.
// A symbolic link is followed first, or the rename would replace the link.
#include "cli/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "cli/errors.h"

namespace rondo::cli {

namespace fs = std::filesystem;

OutputFile::OutputFile(const std::string &path) {
  if (path.empty()) {
    return;
  }
  std::error_code ignored;
  const fs::path resolved = fs::weakly_canonical(path, ignored);
  path_ = resolved.empty() ? path : resolved.string();
  const fs::file_status status = fs::status(path_, ignored);
  if (fs::is_directory(status)) {
    throw UsageError("cannot write " + path + ": it is a directory");
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else if (fs::exists(status) && ::access(path_.c_str(), W_OK) != 0) {
    throw UsageError("cannot write " + path + ": " + std::strerror(errno));  // a rename would not ask
  } else {
    temporary_ = path_ + ".part" + std::to_string(::getpid());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  if (descriptor_ < 0) {
    temporary_.clear();  // not ours to remove
    throw UsageError("cannot write " + path + ": " + std::strerror(errno));
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
  }
}

void OutputFile::fail(const char *what) const {
  throw std::runtime_error("cannot " + std::string(what) + " " + path_ + ": " + std::strerror(errno));
}

void OutputFile::commit(const std::string &content) {
  if (!is_wanted()) {
    return;
  }
  const char *next = content.data();
  size_t left = content.size();
  while (left > 0) {
    const ssize_t written = ::write(descriptor_, next, left);
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail("write");
    }
    next += written;
    left -= static_cast<size_t>(written);
  }
  if (!temporary_.empty() && ::fsync(descriptor_) != 0) {
    fail("write");
  }
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) {
    fail("close");
  }
  if (!temporary_.empty()) {
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
      fail("rename to");
    }
    temporary_.clear();
  }
}

}  // namespace rondo::cli
