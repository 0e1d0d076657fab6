// Failures of the command: wrong usage (exit 2) and failures of the library, with its text (exit 1).
// main() is the one place that turns them into a line and an exit status.
#pragma once

#include <stdexcept>
#include <string>

#include "rondo/rondo.h"

namespace rondo::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class LibraryError : public std::runtime_error {
 public:
  LibraryError(rondo_status_t status, const std::string &text) : std::runtime_error(text), status_(status) {}
  rondo_status_t status() const { return status_; }

 private:
  rondo_status_t status_;
};

inline void check(rondo_status_t status) {
  if (status != RONDO_OK) {
    const std::string text = rondo_last_error();
    throw LibraryError(status, text.empty() ? rondo_status_name(status) : text);
  }
}

}  // namespace rondo::cli
