// Checks of the callers' pointers: present or absent as they should be, and aligned.
#pragma once

#include <cstdint>

#include "core/status.h"

namespace rondo {

// What every block of memory that rondo lays out itself starts at: one cache line, and the widest vector.
inline constexpr int64_t block_alignment = 64;

inline bool is_aligned(const void *pointer, int64_t alignment) {
  return reinterpret_cast<uintptr_t>(pointer) % static_cast<uintptr_t>(alignment) == 0;
}

Status check_present(const char *name, const void *pointer);
Status check_absent(const char *name, const void *pointer, const char *why);
Status check_aligned(const char *name, const void *pointer, int64_t alignment, const char *type);
// How many bytes to allocate or to copy.
Status check_bytes(int64_t bytes);
Status check_data(const char *name, const void *pointer, rondo_dtype_t dtype);
// Workspace, reserve or packed parameters: present, aligned and large enough. Nothing is asked where needed is 0.
Status check_block(const char *name, const void *pointer, int64_t size, int64_t needed);

}  // namespace rondo
