/* The safetensors container, writing. The new file takes the old one's place only when it is whole and on the disk.
 * What stood at the path before is kept through any failure. */
#define _POSIX_C_SOURCE 200809L /* fileno, fsync, getpid, stat */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safetensors.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a safetensors file is little endian, and this file writes floats as they lie in memory"
#endif

static void append_text(bytes_t *bytes, const char *text) { bytes_append(bytes, text, strlen(text)); }

static void append_pair(bytes_t *header, const char *key, const char *value) {
  append_text(header, "\"");
  append_text(header, key);
  append_text(header, "\":\"");
  append_text(header, value);
  append_text(header, "\"");
}

static int64_t elements_of(const safetensors_item_t *item) {
  int64_t elements = 1;
  for (int64_t k = 0; k < item->rank; ++k) {
    elements *= item->shape[k];
  }
  return elements;
}

static void append_item(bytes_t *header, const safetensors_item_t *item, int64_t begin, int64_t end) {
  char text[128];
  append_text(header, ",\"");
  append_text(header, item->name);
  append_text(header, "\":{\"dtype\":\"F32\",\"shape\":[");
  for (int64_t k = 0; k < item->rank; ++k) {
    snprintf(text, sizeof(text), "%s%lld", k > 0 ? "," : "", (long long)item->shape[k]);
    append_text(header, text);
  }
  snprintf(text, sizeof(text), "],\"data_offsets\":[%lld,%lld]}", (long long)begin, (long long)end);
  append_text(header, text);
}

/* The size in 8 bytes, then the JSON, filled up with spaces so that the data begins at a multiple of 8. */
static bytes_t make_header(const safetensors_item_t *items, int64_t item_count, const safetensors_text_t *texts,
                           int64_t text_count) {
  bytes_t header = {NULL, 0, 0};
  int64_t reached = 0;
  append_text(&header, "--------{\"__metadata__\":{");
  for (int64_t k = 0; k < text_count; ++k) {
    append_text(&header, k > 0 ? "," : "");
    append_pair(&header, texts[k].key, texts[k].value);
  }
  append_text(&header, "}");
  for (int64_t k = 0; k < item_count; ++k) {
    const int64_t end = reached + elements_of(&items[k]) * (int64_t)sizeof(float);
    append_item(&header, &items[k], reached, end);
    reached = end;
  }
  append_text(&header, "}");
  while (header.size % 8 != 0) {
    append_text(&header, " ");
  }
  for (size_t k = 0; k < 8; ++k) {
    header.data[k] = (uint8_t)((uint64_t)(header.size - 8) >> (8 * k));
  }
  return header;
}

/* Beside `path`, with this process in its name; the caller frees it. */
static char *temporary_name(const char *path) {
  const size_t room = strlen(path) + 32;
  char *name = allocate((int64_t)room, 1);
  snprintf(name, room, "%s.%ld.tmp", path, (long)getpid());
  return name;
}

static FILE *open_temporary(const char *path, const char *name) {
  struct stat there;
  if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) { /* renaming onto a device would take its place */
    refuse(EXIT_CANNOT, "%s: cannot be written: it is no regular file", path);
  }
  FILE *file = fopen(name, "wb");
  if (file == NULL) {
    refuse(EXIT_CANNOT, "%s: cannot be written: %s", path, strerror(errno));
  }
  return file;
}

void safetensors_probe(const char *path) {
  char *name = temporary_name(path);
  fclose(open_temporary(path, name));
  remove(name);
  free(name);
}

void safetensors_write(const char *path, const safetensors_item_t *items, int64_t item_count,
                       const safetensors_text_t *texts, int64_t text_count) {
  bytes_t header = make_header(items, item_count, texts, text_count);
  char *name = temporary_name(path);
  FILE *file = open_temporary(path, name);
  int fine = fwrite(header.data, 1, header.size, file) == header.size;
  for (int64_t k = 0; k < item_count && fine; ++k) {
    const size_t elements = (size_t)elements_of(&items[k]);
    fine = fwrite(items[k].values, sizeof(float), elements, file) == elements;
  }
  fine = fine && fflush(file) == 0 && fsync(fileno(file)) == 0;
  int error = errno;
  if (fclose(file) != 0 && fine) {
    fine = 0;
    error = errno;
  }
  if (fine && rename(name, path) != 0) {
    fine = 0;
    error = errno;
  }
  if (!fine) {
    remove(name);
    refuse(EXIT_CANNOT, "%s: cannot be written: %s", path, strerror(error));
  }
  free(name);
  free(header.data);
}
