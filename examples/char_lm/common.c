/* What every file of char_lm uses: refusals with an exit status, checked memory, checked calls of rondo.
 * Memory that cannot be had ends the program: an example has nothing better to do without it. */
#define _POSIX_C_SOURCE 200809L /* posix_memalign */

#include "common.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void refuse(int status, const char *format, ...) {
  va_list arguments;
  fflush(stdout);
  fputs(PROGRAM_NAME ": ", stderr);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  fflush(stderr);
  _Exit(status); /* not exit(): what is held now needs no tidying, nor a leak check */
}

void check(rondo_status_t status) {
  if (status != RONDO_OK) {
    refuse(EXIT_CANNOT, "%s (%s)", rondo_last_error(), rondo_status_name(status));
  }
}

void *allocate(int64_t count, size_t element_size) {
  void *memory = NULL;
  if (count >= 0 && (uint64_t)count <= SIZE_MAX / element_size) {
    memory = calloc(count > 0 ? (size_t)count : 1, element_size);
  }
  if (memory == NULL) {
    refuse(EXIT_CANNOT, "out of memory: %lld elements of %zu bytes", (long long)count, element_size);
  }
  return memory;
}

void *allocate_aligned(int64_t bytes) {
  void *memory = NULL;
  const size_t size = bytes > 0 ? (size_t)bytes : 1;
  if (posix_memalign(&memory, 64, size) != 0) {
    refuse(EXIT_CANNOT, "out of memory: %zu bytes", size);
  }
  return memory;
}

static void reserve(bytes_t *bytes, size_t more) {
  size_t capacity = bytes->capacity > 0 ? bytes->capacity : 4096;
  uint8_t *grown = NULL;
  while (capacity - bytes->size < more && capacity <= SIZE_MAX / 2) {
    capacity *= 2;
  }
  if (bytes->data != NULL && capacity == bytes->capacity) {
    return;
  }
  if (capacity - bytes->size >= more) {
    grown = realloc(bytes->data, capacity);
  }
  if (grown == NULL) {
    refuse(EXIT_CANNOT, "out of memory: %zu bytes", capacity);
  }
  bytes->data = grown;
  bytes->capacity = capacity;
}

void bytes_append(bytes_t *bytes, const void *data, size_t size) {
  if (size > 0) {
    reserve(bytes, size);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
  }
}

size_t bytes_append_file(bytes_t *bytes, const char *path) {
  const size_t before = bytes->size;
  FILE *file = fopen(path, "rb");
  size_t count = 1;
  if (file == NULL) {
    refuse(EXIT_CANNOT, "%s: cannot be read: %s", path, strerror(errno));
  }
  while (count > 0) {
    reserve(bytes, 65536);
    count = fread(bytes->data + bytes->size, 1, 65536, file);
    bytes->size += count;
  }
  if (ferror(file)) { /* as a directory gives */
    refuse(EXIT_CANNOT, "%s: cannot be read: %s", path, strerror(errno));
  }
  fclose(file);
  return bytes->size - before;
}
