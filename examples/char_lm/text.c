/* The text: files read, the last tenth of each held out, bytes numbered by a vocabulary.
 * Every file gives to both parts, so that the held-out part is of the training part's kind. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"

int vocabulary_from_bytes(vocabulary_t *vocabulary, const uint8_t *bytes, int count) {
  vocabulary->classes = count + 1;
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary->class_of[byte] = (uint16_t)count;
  }
  for (int k = 0; k < count; ++k) {
    if (k > 0 && bytes[k] <= bytes[k - 1]) {
      return 0;
    }
    vocabulary->bytes[k] = bytes[k];
    vocabulary->class_of[bytes[k]] = (uint16_t)k;
  }
  return count > 0;
}

static void vocabulary_of(vocabulary_t *vocabulary, const bytes_t *train) {
  int seen[256] = {0};
  uint8_t bytes[256];
  int count = 0;
  for (size_t k = 0; k < train->size; ++k) {
    seen[train->data[k]] = 1;
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (seen[byte]) {
      bytes[count++] = (uint8_t)byte;
    }
  }
  vocabulary_from_bytes(vocabulary, bytes, count);
}

/* FNV-1a; the size goes in first, so that moving the border between two parts shows. */
static uint64_t digest_part(uint64_t digest, const bytes_t *part) {
  digest = (digest ^ part->size) * UINT64_C(0x100000001b3);
  for (size_t k = 0; k < part->size; ++k) {
    digest = (digest ^ part->data[k]) * UINT64_C(0x100000001b3);
  }
  return digest;
}

static uint16_t *classes_of(const vocabulary_t *vocabulary, const bytes_t *part) {
  uint16_t *classes = allocate((int64_t)part->size, sizeof(*classes));
  for (size_t k = 0; k < part->size; ++k) {
    classes[k] = vocabulary->class_of[part->data[k]];
  }
  return classes;
}

void text_read(text_t *text, char *const *paths, int count) {
  bytes_t train = {NULL, 0, 0};
  bytes_t held_out = {NULL, 0, 0};
  for (int k = 0; k < count; ++k) {
    bytes_t file = {NULL, 0, 0};
    const size_t size = bytes_append_file(&file, paths[k]);
    if (size == 0) {
      refuse(EXIT_CANNOT, "%s: is empty", paths[k]);
    }
    const size_t border = size - size / 10;
    bytes_append(&train, file.data, border);
    bytes_append(&held_out, file.data + border, size - border);
    free(file.data);
  }
  if (held_out.size < 2) { /* so the training part has 10 or more */
    refuse(EXIT_CANNOT,
           "the text is too short: %zu bytes, of which %zu can be held out; a file of 20 bytes is the least",
           train.size + held_out.size, held_out.size);
  }
  vocabulary_of(&text->vocabulary, &train);
  text->train = classes_of(&text->vocabulary, &train);
  text->held_out = classes_of(&text->vocabulary, &held_out);
  text->train_size = (int64_t)train.size;
  text->held_out_size = (int64_t)held_out.size;
  text->files = count;
  text->digest = digest_part(digest_part(UINT64_C(0xcbf29ce484222325), &train), &held_out);
  free(train.data);
  free(held_out.data);
}

void text_free(text_t *text) {
  free(text->train);
  free(text->held_out);
  memset(text, 0, sizeof(*text));
}
