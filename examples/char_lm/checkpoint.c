/* A model in a safetensors file: parameters under PyTorch's names, and beside them all that training needs to go on.
 * One list of a model's arrays serves both ways; a file is compared with it before memory is taken on its word. */
#include "checkpoint.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "safetensors.h"

static const char version[] = "1";

enum { MAX_TEXTS = 24 };

/* Every array of the model that a file holds; *count of them, to be freed by the caller. */
static safetensors_item_t *list_items(const model_t *model, int64_t *count) {
  static const char *const prefixes[] = {"", "optimizer.first.", "optimizer.second."};
  const float *const arrays[] = {model->parameters, model->first, model->second};
  const int lstm = model->settings.cell == RONDO_CELL_LSTM;
  safetensors_item_t *items = allocate(3 * model->tensor_count + 2, sizeof(*items));
  *count = 0;
  for (int kind = 0; kind < 3; ++kind) {
    for (int64_t k = 0; k < model->tensor_count; ++k) {
      const tensor_t *tensor = &model->tensors[k];
      safetensors_item_t *item = &items[(*count)++];
      snprintf(item->name, sizeof(item->name), "%s%s", prefixes[kind], tensor->name);
      item->rank = tensor->rank;
      item->shape[0] = tensor->rows;
      item->shape[1] = tensor->columns;
      item->values = arrays[kind] != NULL ? arrays[kind] + tensor->offset : NULL;
    }
  }
  for (int kind = 0; kind < (lstm ? 2 : 1); ++kind) {
    safetensors_item_t *item = &items[(*count)++];
    snprintf(item->name, sizeof(item->name), "state.%s", kind == 0 ? "h" : "c");
    item->rank = 3;
    item->shape[0] = model->settings.layers;
    item->shape[1] = model->settings.batch;
    item->shape[2] = model->settings.hidden;
    item->values = kind == 0 ? model->h : model->c;
  }
  return items;
}

/* ---- saving ---- */

typedef struct {
  safetensors_text_t texts[MAX_TEXTS];
  char values[MAX_TEXTS][516]; /* the vocabulary is the longest: 256 bytes in two digits each */
  int count;
} metadata_t;

static char *add_text(metadata_t *metadata, const char *key) {
  safetensors_text_t *text = &metadata->texts[metadata->count];
  text->key = (char *)key;
  text->value = metadata->values[metadata->count];
  ++metadata->count;
  return text->value;
}

static void add_number(metadata_t *metadata, const char *key, uint64_t value) {
  snprintf(add_text(metadata, key), 24, "%llu", (unsigned long long)value);
}

void checkpoint_save(const char *path, const model_t *model) {
  metadata_t *metadata = allocate(1, sizeof(*metadata));
  int64_t count = 0;
  safetensors_item_t *items = list_items(model, &count);
  snprintf(add_text(metadata, "format"), 8, "pt"); /* what PyTorch's own writer puts here */
  snprintf(add_text(metadata, "writer"), 16, "rondo char_lm");
  snprintf(add_text(metadata, "version"), 8, "%s", version);
  for (int k = 0; settings_kept_name(k) != NULL; ++k) {
    settings_kept_value(&model->settings, k, add_text(metadata, settings_kept_name(k)));
  }
  char *vocabulary = add_text(metadata, "vocabulary");
  for (int k = 0; k < model->vocabulary.classes - 1; ++k) {
    snprintf(vocabulary + (ptrdiff_t)2 * k, 3, "%02x", (unsigned)model->vocabulary.bytes[k]);
  }
  add_number(metadata, "text", model->text_digest);
  add_number(metadata, "step", (uint64_t)model->step);
  add_number(metadata, "position", (uint64_t)model->position);
  add_number(metadata, "random", model->random.state);
  safetensors_write(path, items, count, metadata->texts, metadata->count);
  free(items);
  free(metadata);
}

/* ---- loading ---- */

static const char *text_of(const safetensors_t *file, const char *key) {
  const char *value = safetensors_text(file, key);
  if (value == NULL) {
    refuse(EXIT_WRONG, "%s: is no model of char_lm: its metadata lack '%s'", file->path, key);
  }
  return value;
}

static void refuse_text(const safetensors_t *file, const char *key) {
  refuse(EXIT_WRONG, "%s: is no model of char_lm: '%s' is '%.60s' in its metadata", file->path, key,
         text_of(file, key));
}

static uint64_t number_of(const safetensors_t *file, const char *key, uint64_t most) {
  const char *text = text_of(file, key);
  char *end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  /* strtoull would also take spaces and signs */
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > most) {
    refuse_text(file, key);
  }
  return value;
}

static void read_vocabulary(const safetensors_t *file, vocabulary_t *vocabulary) {
  const char *text = text_of(file, "vocabulary");
  const size_t size = strlen(text);
  uint8_t bytes[256];
  int fine = size % 2 == 0 && size <= 512 && strspn(text, "0123456789abcdef") == size;
  for (size_t k = 0; fine && k < size / 2; ++k) {
    const char digits[3] = {text[2 * k], text[2 * k + 1], '\0'};
    bytes[k] = (uint8_t)strtoul(digits, NULL, 16);
  }
  if (!fine || !vocabulary_from_bytes(vocabulary, bytes, (int)(size / 2))) {
    refuse_text(file, "vocabulary");
  }
}

static void check_text(const safetensors_t *file, const vocabulary_t *vocabulary, const text_t *text) {
  if (vocabulary->classes != text->vocabulary.classes ||
      memcmp(vocabulary->class_of, text->vocabulary.class_of, sizeof(vocabulary->class_of)) != 0) {
    refuse(EXIT_WRONG, "%s: was trained on another text: its vocabulary has %d bytes, this text's %d or others",
           file->path, vocabulary->classes - 1, text->vocabulary.classes - 1);
  }
  if (number_of(file, "text", UINT64_MAX) != text->digest) {
    refuse(EXIT_WRONG, "%s: was trained on another text, and training cannot go on with this one", file->path);
  }
}

/* Names, types and shapes are just the model's. */
static void check_items(const safetensors_t *file, const safetensors_item_t *items, int64_t count) {
  for (int64_t k = 0; k < count; ++k) {
    const safetensors_item_t *item = &items[k];
    const safetensors_entry_t *entry = safetensors_entry(file, item->name);
    int64_t size = sizeof(float);
    if (entry == NULL) {
      refuse(EXIT_WRONG, "%s: lacks tensor '%s'", file->path, item->name);
    }
    if (strcmp(entry->dtype, "F32") != 0) {
      refuse(EXIT_WRONG, "%s: tensor '%s' is of type '%.20s', expected F32", file->path, item->name, entry->dtype);
    }
    int same = entry->rank == item->rank;
    for (int64_t d = 0; d < item->rank; ++d) {
      same = same && entry->shape[d] == item->shape[d];
      size *= item->shape[d];
    }
    if (!same) {
      refuse(EXIT_WRONG, "%s: tensor '%s' has another shape than its metadata's sizes ask for", file->path, item->name);
    }
    if (entry->end - entry->begin != size) {
      refuse(EXIT_WRONG, "%s: tensor '%s' has %lld bytes, expected %lld", file->path, item->name,
             (long long)(entry->end - entry->begin), (long long)size);
    }
  }
  if (file->entry_count != count) {
    refuse(EXIT_WRONG, "%s: holds %lld tensors, expected %lld", file->path, (long long)file->entry_count,
           (long long)count);
  }
}

static void read_items(const safetensors_t *file, const model_t *model) {
  int64_t count = 0;
  safetensors_item_t *items = list_items(model, &count);
  for (int64_t k = 0; k < count; ++k) {
    const safetensors_entry_t *entry = safetensors_entry(file, items[k].name);
    const int64_t size = entry->end - entry->begin;
    const int square = strncmp(items[k].name, "optimizer.second.", 17) == 0;
    float *values = (float *)items[k].values; /* the model's own arrays, const only for the writer */
    memcpy(values, file->data + entry->begin, (size_t)size);
    for (int64_t j = 0; j < size / (int64_t)sizeof(float); ++j) {
      if (!isfinite(values[j]) || (square && values[j] < 0)) {
        refuse(EXIT_WRONG, "%s: element %lld of '%s' is %g, expected a %snumber", file->path, (long long)j,
               items[k].name, (double)values[j], square ? "non-negative " : "finite ");
      }
    }
  }
  free(items);
}

void checkpoint_load(const char *path, const settings_t *settings, const text_t *text, model_t *model) {
  safetensors_t file;
  settings_t kept = *settings;
  vocabulary_t vocabulary;
  int64_t count = 0;
  safetensors_open(&file, path);
  if (strcmp(text_of(&file, "version"), version) != 0) {
    refuse_text(&file, "version");
  }
  for (int k = 0; settings_kept_name(k) != NULL; ++k) {
    const char *name = settings_kept_name(k);
    if (!settings_keep(&kept, k, text_of(&file, name), path)) {
      refuse_text(&file, name);
    }
  }
  read_vocabulary(&file, &vocabulary);
  if (text != NULL) {
    check_text(&file, &vocabulary, text);
  }
  model_describe(model, &kept, &vocabulary, number_of(&file, "text", UINT64_MAX));
  safetensors_item_t *items = list_items(model, &count);
  check_items(&file, items, count);
  free(items);
  model_allocate(model);
  read_items(&file, model);
  model->step = (int64_t)number_of(&file, "step", INT64_MAX / 2);
  model->position = (int64_t)number_of(&file, "position", text != NULL ? (uint64_t)text->train_size - 1 : INT64_MAX);
  model->random.state = number_of(&file, "random", UINT64_MAX);
  safetensors_close(&file);
}
