// The versioning of argument structs: led by struct_size, which tells what the caller's header knew.
#pragma once

#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "core/status.h"

namespace rondo {

// No version's struct comes near this; a larger size was never set, and what it claims must not be read.
inline constexpr size_t largest_struct = 4096;

// This is the first release: every struct's smallest accepted size is its size today.
template <class T>
Status check_struct(const char *name, const T *given, size_t first_release_size = sizeof(T)) {
  if (given == nullptr) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is NULL, expected a struct", name);
  }
  if (given->struct_size < first_release_size) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s->struct_size is %zu, expected %zu", name, given->struct_size,
                sizeof(T));
  }
  if (given->struct_size > largest_struct) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s->struct_size is %zu, expected %zu, the size of the struct", name,
                given->struct_size, sizeof(T));
  }
  const auto *bytes = reinterpret_cast<const unsigned char *>(given);
  for (size_t k = sizeof(T); k < given->struct_size; ++k) {
    if (bytes[k] != 0) {
      return fail(
          RONDO_ERROR_VERSION,
          "%s->struct_size is %zu and byte %zu is set: the caller is newer than this library, which knows %zu bytes",
          name, given->struct_size, k, sizeof(T));
    }
  }
  return {};
}

// A copy in which members the caller does not know are zero.
template <class T>
Status read_struct(const char *name, const T *given, T *copy) {
  RONDO_TRY(check_struct(name, given));
  std::memset(static_cast<void *>(copy), 0, sizeof(T));
  std::memcpy(static_cast<void *>(copy), given, std::min(given->struct_size, sizeof(T)));
  return {};
}

// Fills the caller's struct as far as it reaches, keeping its struct_size.
template <class T>
void write_struct(T value, T *given) {
  value.struct_size = given->struct_size;
  std::memcpy(static_cast<void *>(given), &value, std::min(given->struct_size, sizeof(T)));
}

}  // namespace rondo
