/* The safetensors container: named tensors and pairs of text in one file, read and written.
 * Layout: header size (8 bytes, little endian), header (JSON), then the tensors' bytes without gaps. */
#ifndef CHAR_LM_SAFETENSORS_H
#define CHAR_LM_SAFETENSORS_H

#include "common.h"

enum { SAFETENSORS_RANK = 4 }; /* the highest that is read */

typedef struct {
  char *name, *dtype; /* as "F32" */
  int64_t rank, shape[SAFETENSORS_RANK];
  int64_t begin, end; /* bytes of the data */
} safetensors_entry_t;

typedef struct {
  char *key, *value;
} safetensors_text_t;

typedef struct {
  const char *path;
  bytes_t file;
  const uint8_t *data;
  int64_t data_size, entry_count, text_count;
  safetensors_entry_t *entries; /* in the order of their data */
  safetensors_text_t *texts;    /* __metadata__ */
} safetensors_t;

/* Refuses what is no whole, well-formed file: every byte of the data belongs to just one tensor. */
void safetensors_open(safetensors_t *file, const char *path);
/* NULL where there is none of that name. */
const char *safetensors_text(const safetensors_t *file, const char *key);
const safetensors_entry_t *safetensors_entry(const safetensors_t *file, const char *name);
void safetensors_close(safetensors_t *file);

/* An f32 tensor to write. */
typedef struct {
  char name[96];
  int64_t rank, shape[SAFETENSORS_RANK];
  const float *values;
} safetensors_item_t;

/* Refuses a path that could not be written later, without touching what is there. */
void safetensors_probe(const char *path);
/* All or nothing: written beside `path` and then renamed. Keys, values and names must need no escapes. */
void safetensors_write(const char *path, const safetensors_item_t *items, int64_t item_count,
                       const safetensors_text_t *texts, int64_t text_count);

#endif
