// Status, the result of everything that can fail. Its text lies in a thread-local buffer of fixed size, so failing
// needs no memory. The message is written where the fault is found; the name of the public function is put in front of
// it.
#pragma once

#include <rondo/rondo.h>

namespace rondo {

class [[nodiscard]] Status {
 public:
  constexpr Status() = default;
  constexpr explicit Status(rondo_status_t code) : code_(code) {}
  constexpr bool ok() const { return code_ == RONDO_OK; }
  constexpr rondo_status_t code() const { return code_; }

 private:
  rondo_status_t code_ = RONDO_OK;
};

// Writes this thread's last error, as "<public function>: <text>", and gives its status.
[[gnu::format(printf, 2, 3)]] Status fail(rondo_status_t code, const char *format, ...);

const char *last_error();

// Names the public function for the texts of the faults found below it; calls nest in callbacks.
class ApiScope {
 public:
  explicit ApiScope(const char *function);
  ~ApiScope();
  ApiScope(const ApiScope &) = delete;
  ApiScope &operator=(const ApiScope &) = delete;

 private:
  const char *outer_;
};

}  // namespace rondo

#define RONDO_TRY(expression)                                          \
  do {                                                                 \
    if (const ::rondo::Status status_ = (expression); !status_.ok()) { \
      return status_;                                                  \
    }                                                                  \
  } while (false)
