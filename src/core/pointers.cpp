// The refusals of pointers, each naming the argument, the value and what was expected.
#include "core/pointers.h"

#include <cinttypes>

#include "core/spec.h"

namespace rondo {

Status check_present(const char *name, const void *pointer) {
  if (pointer == nullptr) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is NULL, expected a pointer", name);
  }
  return {};
}

Status check_absent(const char *name, const void *pointer, const char *why) {
  if (pointer != nullptr) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %p, expected NULL: %s", name, pointer, why);
  }
  return {};
}

Status check_aligned(const char *name, const void *pointer, int64_t alignment, const char *type) {
  if (!is_aligned(pointer, alignment)) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %p, expected a multiple of %" PRId64 " bytes, as %s needs", name,
                pointer, alignment, type);
  }
  return {};
}

Status check_bytes(int64_t bytes) {
  if (bytes < 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "bytes is %" PRId64 ", expected 0 or more", bytes);
  }
  return {};
}

Status check_data(const char *name, const void *pointer, rondo_dtype_t dtype) {
  return check_aligned(name, pointer, dtype_size(dtype), dtype_name(dtype));
}

Status check_block(const char *name, const void *pointer, int64_t size, int64_t needed) {
  if (needed == 0) {
    return {};
  }
  RONDO_TRY(check_present(name, pointer));
  if (!is_aligned(pointer, block_alignment)) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %p, expected a multiple of %" PRId64 " bytes", name, pointer,
                block_alignment);
  }
  if (size < needed) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s_size is %" PRId64 ", expected %" PRId64 " bytes or more", name, size,
                needed);
  }
  return {};
}

}  // namespace rondo
