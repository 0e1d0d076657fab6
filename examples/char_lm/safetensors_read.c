/* The safetensors container, reading. The file is taken into memory whole and checked before anything is believed.
 * The rules are the format's own: https://github.com/huggingface/safetensors#format */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "safetensors.h"

/* The array with room for an element more; its room is the power of two that count has reached. */
static void *grow(void *array, int64_t count, size_t element_size) {
  if ((count & (count - 1)) != 0) {
    return array;
  }
  void *grown = allocate(count > 0 ? 2 * count : 1, element_size);
  if (count > 0) {
    memcpy(grown, array, (size_t)count * element_size);
  }
  free(array);
  return grown;
}

static void read_texts(safetensors_t *file, json_t *json) {
  json_expect(json, '{');
  if (json_take(json, '}')) {
    return;
  }
  do {
    safetensors_text_t text = {NULL, NULL};
    text.key = json_string(json);
    json_expect(json, ':');
    text.value = json_string(json);
    if (safetensors_text(file, text.key) != NULL) {
      refuse(EXIT_WRONG, "%s: is no safetensors file: '%.60s' stands twice in its metadata", file->path, text.key);
    }
    file->texts = grow(file->texts, file->text_count, sizeof(text));
    file->texts[file->text_count++] = text;
  } while (json_take(json, ','));
  json_expect(json, '}');
}

static void read_shape(safetensors_entry_t *entry, json_t *json, const char *path) {
  json_expect(json, '[');
  if (json_take(json, ']')) {
    return;
  }
  do {
    if (entry->rank == SAFETENSORS_RANK) {
      refuse(EXIT_WRONG, "%s: tensor '%.60s' has more than %d dimensions", path, entry->name, SAFETENSORS_RANK);
    }
    entry->shape[entry->rank++] = json_integer(json);
  } while (json_take(json, ','));
  json_expect(json, ']');
}

static void read_entry(safetensors_entry_t *entry, json_t *json, const char *path) {
  int has_shape = 0;
  int has_offsets = 0;
  json_expect(json, '{');
  do {
    char *key = json_string(json);
    json_expect(json, ':');
    if (strcmp(key, "dtype") == 0 && entry->dtype == NULL) {
      entry->dtype = json_string(json);
    } else if (strcmp(key, "shape") == 0 && !has_shape) {
      read_shape(entry, json, path);
      has_shape = 1;
    } else if (strcmp(key, "data_offsets") == 0 && !has_offsets) {
      json_expect(json, '[');
      entry->begin = json_integer(json);
      json_expect(json, ',');
      entry->end = json_integer(json);
      json_expect(json, ']');
      has_offsets = 1;
    } else {
      refuse(EXIT_WRONG, "%s: is no safetensors file: tensor '%.60s' has '%.60s' twice or against the rules", path,
             entry->name, key);
    }
    free(key);
  } while (json_take(json, ','));
  json_expect(json, '}');
  if (entry->dtype == NULL || !has_shape || !has_offsets) {
    refuse(EXIT_WRONG, "%s: is no safetensors file: tensor '%.60s' lacks dtype, shape or data_offsets", path,
           entry->name);
  }
}

static void read_header(safetensors_t *file, json_t *json) {
  int has_texts = 0;
  json_expect(json, '{');
  if (!json_take(json, '}')) {
    do {
      char *name = json_string(json);
      json_expect(json, ':');
      if (strcmp(name, "__metadata__") == 0 && !has_texts) {
        read_texts(file, json);
        has_texts = 1;
        free(name);
      } else {
        file->entries = grow(file->entries, file->entry_count, sizeof(*file->entries));
        file->entries[file->entry_count].name = name;
        read_entry(&file->entries[file->entry_count++], json, file->path);
      }
    } while (json_take(json, ','));
    json_expect(json, '}');
  }
  json_end(json);
}

static int by_data(const void *a, const void *b) {
  const safetensors_entry_t *x = a;
  const safetensors_entry_t *y = b;
  if (x->begin != y->begin) {
    return x->begin < y->begin ? -1 : 1;
  }
  return x->end != y->end ? (x->end < y->end ? -1 : 1) : 0;
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(const safetensors_entry_t *const *)a)->name, (*(const safetensors_entry_t *const *)b)->name);
}

/* The tensors' bytes follow each other without gap or overlap up to the file's end, and no name stands twice. */
static void check_entries(const safetensors_t *file) {
  int64_t reached = 0;
  const safetensors_entry_t **sorted = allocate(file->entry_count, sizeof(void *));
  qsort(file->entries, (size_t)file->entry_count, sizeof(*file->entries), by_data);
  for (int64_t k = 0; k < file->entry_count; ++k) {
    const safetensors_entry_t *entry = &file->entries[k];
    if (entry->begin != reached || entry->end < entry->begin || entry->end > file->data_size) {
      refuse(EXIT_WRONG, "%s: data_offsets of '%.60s' are [%lld, %lld], expected to begin at %lld and to end by %lld",
             file->path, entry->name, (long long)entry->begin, (long long)entry->end, (long long)reached,
             (long long)file->data_size);
    }
    reached = entry->end;
    sorted[k] = entry;
  }
  if (reached != file->data_size) {
    refuse(EXIT_WRONG, "%s: holds %lld bytes of data, but its tensors take %lld", file->path,
           (long long)file->data_size, (long long)reached);
  }
  qsort(sorted, (size_t)file->entry_count, sizeof(void *), by_name);
  for (int64_t k = 1; k < file->entry_count; ++k) {
    if (strcmp(sorted[k - 1]->name, sorted[k]->name) == 0) {
      refuse(EXIT_WRONG, "%s: holds tensor '%.60s' twice", file->path, sorted[k]->name);
    }
  }
  free(sorted);
}

void safetensors_open(safetensors_t *file, const char *path) {
  uint64_t header_size = 0;
  memset(file, 0, sizeof(*file));
  file->path = path;
  const size_t size = bytes_append_file(&file->file, path);
  for (size_t k = 0; k < 8 && size >= 8; ++k) {
    header_size |= (uint64_t)file->file.data[k] << (8 * k);
  }
  if (size < 8 || header_size > size - 8) {
    refuse(EXIT_WRONG, "%s: is no safetensors file, or only a part of one: %zu bytes, expected %llu or more", path,
           size, header_size <= UINT64_MAX - 8 ? (unsigned long long)header_size + 8 : ULLONG_MAX);
  }
  json_t json = {path, file->file.data + 8, file->file.data + 8, file->file.data + 8 + header_size};
  file->data = json.end;
  file->data_size = (int64_t)(size - 8 - header_size);
  read_header(file, &json);
  check_entries(file);
}

const char *safetensors_text(const safetensors_t *file, const char *key) {
  for (int64_t k = 0; k < file->text_count; ++k) {
    if (strcmp(file->texts[k].key, key) == 0) {
      return file->texts[k].value;
    }
  }
  return NULL;
}

const safetensors_entry_t *safetensors_entry(const safetensors_t *file, const char *name) {
  for (int64_t k = 0; k < file->entry_count; ++k) {
    if (strcmp(file->entries[k].name, name) == 0) {
      return &file->entries[k];
    }
  }
  return NULL;
}

void safetensors_close(safetensors_t *file) {
  for (int64_t k = 0; k < file->entry_count; ++k) {
    free(file->entries[k].name);
    free(file->entries[k].dtype);
  }
  for (int64_t k = 0; k < file->text_count; ++k) {
    free(file->texts[k].key);
    free(file->texts[k].value);
  }
  free(file->entries);
  free(file->texts);
  free(file->file.data);
  memset(file, 0, sizeof(*file));
}
