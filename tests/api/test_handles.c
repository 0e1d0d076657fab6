/* Version, status names, last error, context and the attributes of an rnn: every attribute by id and by name.
 * Bounds are read from the library and then stepped over by one, so that a changed table needs no change here. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "check.h"

typedef struct row {
  rondo_attribute_t id;
  const char *name;
  int is_float;
  double default_value; /* NAN: not given by the header */
  double min, max;      /* NAN: not given by the header */
} row_t;

static const row_t rows[] = {
    {RONDO_ATTR_CELL, "cell", 0, RONDO_CELL_LSTM, 0, RONDO_CELL_GRU},
    {RONDO_ATTR_INPUT_SIZE, "input_size", 0, NAN, 1, NAN},
    {RONDO_ATTR_HIDDEN_SIZE, "hidden_size", 0, NAN, 1, NAN},
    {RONDO_ATTR_PROJ_SIZE, "proj_size", 0, 0, 0, NAN},
    {RONDO_ATTR_NUM_LAYERS, "num_layers", 0, 1, 1, NAN},
    {RONDO_ATTR_BIDIRECTIONAL, "bidirectional", 0, 0, 0, 1},
    {RONDO_ATTR_BIAS, "bias", 0, 1, 0, 1},
    {RONDO_ATTR_DROPOUT, "dropout", 1, 0, 0, 1},
    {RONDO_ATTR_DTYPE, "dtype", 0, RONDO_F32, 0, RONDO_BF16},
    {RONDO_ATTR_CELL_STATE_TYPE, "cell_state_type", 0, RONDO_AS_STORAGE, 0, RONDO_AS_F32},
    {RONDO_ATTR_PARAM_GRAD_TYPE, "param_grad_type", 0, RONDO_AS_STORAGE, 0, RONDO_AS_F32},
    {RONDO_ATTR_LAYOUT, "layout", 0, RONDO_TIME_MAJOR, 0, RONDO_BATCH_MAJOR},
    {RONDO_ATTR_PADDING_VALUE, "padding_value", 1, 0, NAN, NAN},
    {RONDO_ATTR_DETERMINISTIC, "deterministic", 0, 0, 0, 1},
    {RONDO_ATTR_CONSUME_RESERVE, "consume_reserve", 0, 0, 0, 1},
    {RONDO_ATTR_DEVICE, "device", 0, RONDO_DEVICE_AUTO, 0, RONDO_DEVICE_CUDA},
    {RONDO_ATTR_BACKEND, "backend", 0, RONDO_BACKEND_AUTO, 0, RONDO_BACKEND_FUSED},
    {RONDO_ATTR_SINGLE_CELL, "single_cell", 0, 0, 0, 1},
    {RONDO_ATTR_FIXED_BATCH, "fixed_batch", 0, 0, 0, 1},
    {RONDO_ATTR_PERSISTENT, "persistent", 0, RONDO_PERSISTENT_AUTO, 0, RONDO_PERSISTENT_REQUIRE},
    {RONDO_ATTR_AUTOTUNE, "autotune", 0, 0, 0, 1},
    {RONDO_ATTR_ALLOW_TF32, "allow_tf32", 0, 0, 0, 1},
};
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static int equals_or_open(double actual, double expected) { return isnan(expected) || actual == expected; }

/* last_error is per thread: this one starts empty and keeps its own text. */
static void *fail_in_thread(void *result) {
  int *starts_empty = result;
  *starts_empty = rondo_last_error() != NULL && rondo_last_error()[0] == '\0';
  (void)rondo_context_create(NULL);
  *starts_empty = *starts_empty && strstr(rondo_last_error(), "context") != NULL;
  return NULL;
}

static void test_version_and_errors(void) {
  char text[32];
  char before[256];
  pthread_t thread;
  int thread_ok = 0;
  rondo_attribute_t found = -1;
  CHECK(rondo_last_error() != NULL && rondo_last_error()[0] == '\0');
  CHECK(rondo_version() == RONDO_VERSION_MAJOR * 10000 + RONDO_VERSION_MINOR * 100 + RONDO_VERSION_PATCH);
  snprintf(text, sizeof text, "%d.%d.%d", RONDO_VERSION_MAJOR, RONDO_VERSION_MINOR, RONDO_VERSION_PATCH);
  CHECK(strcmp(rondo_version_string(), text) == 0);
  CHECK(strcmp(rondo_status_name(RONDO_OK), "RONDO_OK") == 0);
  CHECK(strcmp(rondo_status_name(RONDO_ERROR_INVALID_ARGUMENT), "RONDO_ERROR_INVALID_ARGUMENT") == 0);
  CHECK(strcmp(rondo_status_name(RONDO_ERROR_UNSUPPORTED), "RONDO_ERROR_UNSUPPORTED") == 0);
  CHECK(strcmp(rondo_status_name(RONDO_ERROR_OUT_OF_MEMORY), "RONDO_ERROR_OUT_OF_MEMORY") == 0);
  CHECK(strcmp(rondo_status_name(RONDO_ERROR_STATE), "RONDO_ERROR_STATE") == 0);
  CHECK(strcmp(rondo_status_name(RONDO_ERROR_VERSION), "RONDO_ERROR_VERSION") == 0);
  CHECK(strcmp(rondo_status_name(RONDO_ERROR_DEVICE), "RONDO_ERROR_DEVICE") == 0);
  CHECK(strcmp(rondo_status_name(RONDO_ERROR_INTERNAL), "RONDO_ERROR_INTERNAL") == 0);
  CHECK(strcmp(rondo_status_name(8), "unknown status") == 0);
  CHECK(strcmp(rondo_status_name(-1), "unknown status") == 0);

  CHECK_STATUS(rondo_attribute_find("no_such_name", &found), RONDO_ERROR_INVALID_ARGUMENT, "no_such_name");
  CHECK(found == -1);
  snprintf(before, sizeof before, "%s", rondo_last_error());
  CHECK_OK(rondo_attribute_find("cell", &found));
  CHECK(strcmp(rondo_last_error(), before) == 0); /* a success leaves the text */
  if (CHECK(pthread_create(&thread, NULL, fail_in_thread, &thread_ok) == 0)) {
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(thread_ok);
    CHECK(strcmp(rondo_last_error(), before) == 0);
  }
}

static void ignore_log(void *user, int32_t level, const char *text) {
  (void)user;
  (void)level;
  (void)text;
}

static void test_context(void) {
  rondo_context_t context = NULL;
  int64_t threads = 0, kept;
  CHECK_STATUS(rondo_context_create(NULL), RONDO_ERROR_INVALID_ARGUMENT, "context");
  rondo_context_destroy(NULL);
  if (!CHECK_OK(rondo_context_create(&context))) {
    return;
  }
  CHECK_OK(rondo_context_get_threads(context, &threads));
  CHECK(threads >= 1 && threads <= 1024);
  CHECK_OK(rondo_context_set_threads(context, 2));
  CHECK_OK(rondo_context_get_threads(context, &threads));
  CHECK(threads == 2);
  CHECK_STATUS(rondo_context_set_threads(context, -1), RONDO_ERROR_INVALID_ARGUMENT, "threads|-1|1024");
  CHECK_STATUS(rondo_context_set_threads(context, 1025), RONDO_ERROR_INVALID_ARGUMENT, "threads|1025|1024");
  CHECK_STATUS(rondo_context_set_threads(NULL, 1), RONDO_ERROR_INVALID_ARGUMENT, "context");
  CHECK_STATUS(rondo_context_get_threads(NULL, &threads), RONDO_ERROR_INVALID_ARGUMENT, "context");
  CHECK_STATUS(rondo_context_get_threads(context, NULL), RONDO_ERROR_INVALID_ARGUMENT, "threads");
  CHECK_OK(rondo_context_get_threads(context, &kept));
  CHECK(kept == 2 && threads == 2); /* the refusals changed nothing */
  CHECK_OK(rondo_context_set_threads(context, 0));
  CHECK_OK(rondo_context_get_threads(context, &threads));
  CHECK(threads >= 1);
  CHECK_OK(rondo_context_set_log(context, ignore_log, NULL));
  CHECK_OK(rondo_context_set_log(context, NULL, NULL));
  CHECK_STATUS(rondo_context_set_log(NULL, ignore_log, NULL), RONDO_ERROR_INVALID_ARGUMENT, "context");
  rondo_context_destroy(context);

  CHECK(setenv("RONDO_NUM_THREADS", "3", 1) == 0);
  if (CHECK_OK(rondo_context_create(&context))) {
    CHECK_OK(rondo_context_get_threads(context, &threads));
    CHECK(threads == 3);
    rondo_context_destroy(context);
  }
  CHECK(unsetenv("RONDO_NUM_THREADS") == 0);
}

static void test_int_attribute(rondo_rnn_t rnn, const row_t *row, const rondo_attribute_info_t *info) {
  const double exact = 9007199254740992.0; /* 2^53: beyond it a bound is no exact double */
  char text[160];
  int64_t value = -7, low = (int64_t)info->min_value, high = (int64_t)info->max_value;
  double as_float = -7;
  CHECK(info->max_value <= exact);
  CHECK_OK(rondo_rnn_get_int(rnn, row->id, &value));
  CHECK((double)value == info->default_value);
  CHECK_OK(rondo_rnn_set_int(rnn, row->id, low));
  CHECK_OK(rondo_rnn_set_int(rnn, row->id, high));
  CHECK_OK(rondo_rnn_get_int(rnn, row->id, &value));
  CHECK(value == high);
  snprintf(text, sizeof text, "%s|%lld|%lld|%lld", row->name, (long long)(low - 1), (long long)low, (long long)high);
  CHECK_STATUS(rondo_rnn_set_int(rnn, row->id, low - 1), RONDO_ERROR_INVALID_ARGUMENT, text);
  snprintf(text, sizeof text, "%s|%lld|%lld|%lld", row->name, (long long)(high + 1), (long long)low, (long long)high);
  CHECK_STATUS(rondo_rnn_set_int(rnn, row->id, high + 1), RONDO_ERROR_INVALID_ARGUMENT, text);
  CHECK_STATUS(rondo_rnn_set_int(rnn, row->id, INT64_MIN), RONDO_ERROR_INVALID_ARGUMENT, row->name);
  CHECK_STATUS(rondo_rnn_set_int(rnn, row->id, INT64_MAX), RONDO_ERROR_INVALID_ARGUMENT, row->name);
  CHECK_STATUS(rondo_rnn_set_float(rnn, row->id, info->min_value), RONDO_ERROR_INVALID_ARGUMENT, row->name);
  CHECK_STATUS(rondo_rnn_get_float(rnn, row->id, &as_float), RONDO_ERROR_INVALID_ARGUMENT, row->name);
  CHECK(as_float == -7);
  CHECK_OK(rondo_rnn_get_int(rnn, row->id, &value));
  CHECK(value == high); /* the refusals changed nothing */
  CHECK_STATUS(rondo_rnn_get_int(rnn, row->id, NULL), RONDO_ERROR_INVALID_ARGUMENT, "value");
}

static void test_float_attribute(rondo_rnn_t rnn, const row_t *row, const rondo_attribute_info_t *info) {
  char text[160];
  double value = -7;
  int64_t as_int = -7;
  CHECK_OK(rondo_rnn_get_float(rnn, row->id, &value));
  CHECK(value == info->default_value);
  CHECK_OK(rondo_rnn_set_float(rnn, row->id, info->min_value));
  CHECK_OK(rondo_rnn_set_float(rnn, row->id, info->max_value));
  CHECK_OK(rondo_rnn_set_float(rnn, row->id, 0.25));
  if (fabs(info->max_value) < 1e6) {
    snprintf(text, sizeof text, "%s|%g|%g|%g", row->name, info->max_value + 0.5, info->min_value, info->max_value);
    CHECK_STATUS(rondo_rnn_set_float(rnn, row->id, info->max_value + 0.5), RONDO_ERROR_INVALID_ARGUMENT, text);
    snprintf(text, sizeof text, "%s|%g|%g|%g", row->name, info->min_value - 0.5, info->min_value, info->max_value);
    CHECK_STATUS(rondo_rnn_set_float(rnn, row->id, info->min_value - 0.5), RONDO_ERROR_INVALID_ARGUMENT, text);
  }
  snprintf(text, sizeof text, "%s|nan", row->name);
  CHECK_STATUS(rondo_rnn_set_float(rnn, row->id, NAN), RONDO_ERROR_INVALID_ARGUMENT, text);
  CHECK_STATUS(rondo_rnn_set_int(rnn, row->id, 0), RONDO_ERROR_INVALID_ARGUMENT, row->name);
  CHECK_STATUS(rondo_rnn_get_int(rnn, row->id, &as_int), RONDO_ERROR_INVALID_ARGUMENT, row->name);
  CHECK(as_int == -7);
  CHECK_OK(rondo_rnn_get_float(rnn, row->id, &value));
  CHECK(value == 0.25); /* the refusals changed nothing */
  CHECK_STATUS(rondo_rnn_get_float(rnn, row->id, NULL), RONDO_ERROR_INVALID_ARGUMENT, "value");
}

static void test_attributes(void) {
  rondo_rnn_t rnn = NULL;
  CHECK(rondo_attribute_count() == ROW_COUNT);
  if (!CHECK_OK(rondo_rnn_create(&rnn))) {
    return;
  }
  for (int k = 0; k < ROW_COUNT; ++k) {
    const row_t *row = &rows[k];
    rondo_attribute_t found = 0;
    rondo_attribute_info_t info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    CHECK_OK(rondo_attribute_find(row->name, &found));
    CHECK(found == row->id);
    if (!CHECK_OK(rondo_attribute_info(row->id, &info))) {
      continue;
    }
    CHECK(info.name != NULL && strcmp(info.name, row->name) == 0);
    CHECK(info.is_float == row->is_float && info.reserved == 0);
    CHECK(equals_or_open(info.default_value, row->default_value));
    CHECK(equals_or_open(info.min_value, row->min));
    CHECK(equals_or_open(info.max_value, row->max));
    if (row->is_float) {
      test_float_attribute(rnn, row, &info);
    } else {
      test_int_attribute(rnn, row, &info);
    }
  }
  rondo_rnn_destroy(rnn);
}

static void test_unknown_attributes(void) {
  const rondo_attribute_t unknown[] = {0, -1, ROW_COUNT + 1, 917, INT32_MAX, INT32_MIN};
  rondo_rnn_t rnn = NULL;
  rondo_attribute_t found = -1;
  CHECK_STATUS(rondo_rnn_create(NULL), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  rondo_rnn_destroy(NULL);
  if (!CHECK_OK(rondo_rnn_create(&rnn))) {
    return;
  }
  for (size_t k = 0; k < sizeof unknown / sizeof unknown[0]; ++k) {
    char text[64];
    int64_t as_int = -7;
    double as_float = -7;
    rondo_attribute_info_t info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    snprintf(text, sizeof text, "attribute|%d", (int)unknown[k]);
    CHECK_STATUS(rondo_rnn_set_int(rnn, unknown[k], 1), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK_STATUS(rondo_rnn_set_float(rnn, unknown[k], 1), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK_STATUS(rondo_rnn_get_int(rnn, unknown[k], &as_int), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK_STATUS(rondo_rnn_get_float(rnn, unknown[k], &as_float), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK_STATUS(rondo_attribute_info(unknown[k], &info), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK(as_int == -7 && as_float == -7 && info.name == NULL);
  }
  CHECK_STATUS(rondo_rnn_set_int(NULL, RONDO_ATTR_CELL, 1), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  CHECK_STATUS(rondo_rnn_set_float(NULL, RONDO_ATTR_DROPOUT, 0.5), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  CHECK_STATUS(rondo_rnn_get_int(NULL, RONDO_ATTR_CELL, &(int64_t){0}), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  CHECK_STATUS(rondo_rnn_get_float(NULL, RONDO_ATTR_DROPOUT, &(double){0}), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  CHECK_STATUS(rondo_attribute_find(NULL, &found), RONDO_ERROR_INVALID_ARGUMENT, "name");
  CHECK_STATUS(rondo_attribute_find("", &found), RONDO_ERROR_INVALID_ARGUMENT, NULL);
  CHECK_STATUS(rondo_attribute_find("Cell", &found), RONDO_ERROR_INVALID_ARGUMENT, "Cell");
  CHECK_STATUS(rondo_attribute_find("cell", NULL), RONDO_ERROR_INVALID_ARGUMENT, "attribute");
  CHECK(found == -1);
  rondo_rnn_destroy(rnn);
}

int main(void) {
  test_version_and_errors();
  test_context();
  test_attributes();
  test_unknown_attributes();
  return check_summary();
}
