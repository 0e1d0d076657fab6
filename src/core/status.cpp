// The thread-local text of the last failure. A plain array: it needs no destructor at thread exit and cannot run out of
// memory.
#include "core/status.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace rondo {
namespace {

thread_local char last_error_text[2048] = "";
thread_local const char *api_function = nullptr;

}  // namespace

Status fail(rondo_status_t code, const char *format, ...) {
  // Formatted apart first: an argument may point into the text of the failure before.
  char text[sizeof last_error_text];
  const char *function = api_function == nullptr ? "rondo" : api_function;
  const int prefix = std::snprintf(text, sizeof text, "%s: ", function);
  const auto used = static_cast<size_t>(std::clamp(prefix, 0, static_cast<int>(sizeof text) - 1));
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text + used, sizeof text - used, format, arguments);
  va_end(arguments);
  std::copy(text, text + sizeof text, last_error_text);
  return Status(code);
}

const char *last_error() { return last_error_text; }

ApiScope::ApiScope(const char *function) : outer_(api_function) { api_function = function; }
ApiScope::~ApiScope() { api_function = outer_; }

}  // namespace rondo
