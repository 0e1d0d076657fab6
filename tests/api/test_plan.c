/* Plans: creation, sizes, device, explanation, and the choice of a back end by attribute and by RONDO_BACKEND.
 * GPU back ends may exist on some machines, so what is expected of them is asked from rondo_backend_info first. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>

#include "check.h"
#include "problem.h"

/* One description and context, and the args that the tests change member by member. */
typedef struct bench {
  rondo_context_t context;
  rondo_rnn_t rnn;
  rondo_plan_args_t args;
} bench_t;

static int bench_open(bench_t *bench, const problem_config_t *config) {
  memset(bench, 0, sizeof *bench);
  bench->args.struct_size = sizeof bench->args;
  bench->args.mode = config->mode;
  bench->args.sequence = config->sequence;
  bench->args.max_T = config->T;
  bench->args.max_N = config->N;
  return CHECK_OK(rondo_context_create(&bench->context)) && CHECK_OK(problem_make_rnn(config, &bench->rnn));
}

static void bench_close(bench_t *bench) {
  rondo_rnn_destroy(bench->rnn);
  rondo_context_destroy(bench->context);
}

/* Creates and destroys; a refusal must leave the output alone. */
static rondo_status_t try_plan(bench_t *bench) {
  char nothing = 0;
  rondo_plan_t untouched = (rondo_plan_t)(void *)&nothing, plan = untouched;
  rondo_status_t status = rondo_plan_create(bench->context, bench->rnn, &bench->args, &plan);
  CHECK((plan == untouched) == (status != RONDO_OK));
  if (status == RONDO_OK) {
    rondo_plan_destroy(plan);
  }
  return status;
}

static int is_available(rondo_backend_t backend) {
  for (int32_t k = 0; k < rondo_backend_count(); ++k) {
    rondo_backend_info_t info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    if (CHECK_OK(rondo_backend_info(k, &info)) && info.id == backend) {
      return info.available != 0;
    }
  }
  return 0;
}

static void test_backends(void) {
  int seen[4] = {0, 0, 0, 0};
  rondo_backend_info_t info;
  CHECK(rondo_backend_count() == 3);
  for (int32_t k = 0; k < rondo_backend_count(); ++k) {
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    if (!CHECK_OK(rondo_backend_info(k, &info))) {
      continue;
    }
    CHECK(info.name != NULL && info.detail != NULL && info.detail[0] != '\0' && info.reserved == 0);
    CHECK(info.available == 0 || info.available == 1);
    if (CHECK(info.id >= RONDO_BACKEND_CPU && info.id <= RONDO_BACKEND_FUSED)) {
      const char *names[] = {"auto", "cpu", "cudnn", "fused"};
      CHECK(strcmp(info.name, names[info.id]) == 0);
      CHECK(info.device == (info.id == RONDO_BACKEND_CPU ? RONDO_DEVICE_CPU : RONDO_DEVICE_CUDA));
      ++seen[info.id];
    }
  }
  CHECK(seen[1] == 1 && seen[2] == 1 && seen[3] == 1);
  CHECK(is_available(RONDO_BACKEND_CPU));
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK_STATUS(rondo_backend_info(-1, &info), RONDO_ERROR_INVALID_ARGUMENT, "index|-1");
  CHECK_STATUS(rondo_backend_info(3, &info), RONDO_ERROR_INVALID_ARGUMENT, "index|3");
  CHECK(info.name == NULL);
}

static void check_plan(bench_t *bench) {
  rondo_plan_t plan = NULL, twin = NULL;
  rondo_device_t device = -1;
  int64_t workspace = -1, reserve = -1, packed = -1;
  uint64_t format = 0, twin_format = 0;
  if (!CHECK_OK(rondo_plan_create(bench->context, bench->rnn, &bench->args, &plan))) {
    return;
  }
  CHECK_OK(rondo_plan_workspace_size(plan, &workspace));
  CHECK(workspace >= 0);
  CHECK_OK(rondo_plan_reserve_size(plan, &reserve));
  CHECK(bench->args.mode == RONDO_TRAINING ? reserve > 0 : reserve == 0);
  CHECK_OK(rondo_plan_device(plan, &device));
  CHECK(device == RONDO_DEVICE_CPU);
  CHECK(strcmp(rondo_plan_backend_name(plan), "cpu") == 0);
  CHECK(strstr(rondo_plan_explain(plan), "cpu") != NULL);
  CHECK(strstr(rondo_plan_explain(plan), "cudnn") != NULL);
  CHECK(strstr(rondo_plan_explain(plan), "fused") != NULL);
  CHECK_OK(rondo_plan_packed_size(plan, &packed));
  CHECK(packed > 0);
  CHECK_OK(rondo_plan_packed_format(plan, &format));
  CHECK(format != 0);
  if (CHECK_OK(rondo_plan_create(bench->context, bench->rnn, &bench->args, &twin))) {
    CHECK_OK(rondo_plan_packed_format(twin, &twin_format));
    CHECK(twin_format == format);
    rondo_plan_destroy(twin);
  }
  rondo_plan_destroy(plan);
}

static void test_kinds(void) {
  bench_t bench;
  for (int sizes = 0; sizes < 2; ++sizes) {
    problem_config_t config = problem_defaults();
    config.T = sizes == 0 ? 10 : 0; /* an empty plan is a plan */
    config.N = sizes == 0 ? 4 : 0;
    for (config.mode = RONDO_INFERENCE; config.mode <= RONDO_TRAINING; ++config.mode) {
      for (config.sequence = RONDO_SEQUENCE_FULL; config.sequence <= RONDO_SEQUENCE_PACKED; ++config.sequence) {
        if (bench_open(&bench, &config)) {
          check_plan(&bench);
        }
        bench_close(&bench);
      }
    }
  }
}

static void test_null_arguments(void) {
  problem_config_t config = problem_defaults();
  bench_t bench;
  rondo_plan_t plan = NULL;
  int64_t bytes = -7;
  uint64_t format = 7;
  rondo_device_t device = -7;
  rondo_plan_destroy(NULL);
  CHECK(strcmp(rondo_plan_backend_name(NULL), "") == 0);
  CHECK(strcmp(rondo_plan_explain(NULL), "") == 0);
  CHECK_STATUS(rondo_plan_workspace_size(NULL, &bytes), RONDO_ERROR_INVALID_ARGUMENT, "plan");
  CHECK_STATUS(rondo_plan_reserve_size(NULL, &bytes), RONDO_ERROR_INVALID_ARGUMENT, "plan");
  CHECK_STATUS(rondo_plan_packed_size(NULL, &bytes), RONDO_ERROR_INVALID_ARGUMENT, "plan");
  CHECK_STATUS(rondo_plan_packed_format(NULL, &format), RONDO_ERROR_INVALID_ARGUMENT, "plan");
  CHECK_STATUS(rondo_plan_device(NULL, &device), RONDO_ERROR_INVALID_ARGUMENT, "plan");
  CHECK(bytes == -7 && format == 7 && device == -7);
  if (bench_open(&bench, &config)) {
    CHECK_STATUS(rondo_plan_create(NULL, bench.rnn, &bench.args, &plan), RONDO_ERROR_INVALID_ARGUMENT, "context");
    CHECK_STATUS(rondo_plan_create(bench.context, NULL, &bench.args, &plan), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
    CHECK_STATUS(rondo_plan_create(bench.context, bench.rnn, NULL, &plan), RONDO_ERROR_INVALID_ARGUMENT, "args");
    CHECK_STATUS(rondo_plan_create(bench.context, bench.rnn, &bench.args, NULL), RONDO_ERROR_INVALID_ARGUMENT, "plan");
    CHECK(plan == NULL);
    if (CHECK_OK(rondo_plan_create(bench.context, bench.rnn, &bench.args, &plan))) {
      CHECK_STATUS(rondo_plan_workspace_size(plan, NULL), RONDO_ERROR_INVALID_ARGUMENT, "bytes");
      CHECK_STATUS(rondo_plan_reserve_size(plan, NULL), RONDO_ERROR_INVALID_ARGUMENT, "bytes");
      CHECK_STATUS(rondo_plan_packed_size(plan, NULL), RONDO_ERROR_INVALID_ARGUMENT, "bytes");
      CHECK_STATUS(rondo_plan_packed_format(plan, NULL), RONDO_ERROR_INVALID_ARGUMENT, "format");
      CHECK_STATUS(rondo_plan_device(plan, NULL), RONDO_ERROR_INVALID_ARGUMENT, "device");
      rondo_plan_destroy(plan);
    }
  }
  bench_close(&bench);
}

/* Sets one problem of args, expects the refusal, and puts the valid args back. */
static void check_args(bench_t *bench, rondo_plan_args_t args, const char *text) {
  rondo_plan_args_t valid = bench->args;
  bench->args = args;
  if (!CHECK_STATUS(try_plan(bench), RONDO_ERROR_INVALID_ARGUMENT, text)) {
    printf("  mode %d, sequence %d, max_T %lld, max_N %lld, max_S %lld\n", (int)args.mode, (int)args.sequence,
           (long long)args.max_T, (long long)args.max_N, (long long)args.max_S);
  }
  bench->args = valid;
}

static void test_refused_args(void) {
  const int32_t full = RONDO_SEQUENCE_FULL, lengths = RONDO_SEQUENCE_LENGTHS, packed = RONDO_SEQUENCE_PACKED;
  const int64_t large = (int64_t)1 << 40, half = (int64_t)1 << 30;
  const size_t size = sizeof(rondo_plan_args_t);
  problem_config_t config = problem_defaults();
  bench_t bench;
  if (bench_open(&bench, &config)) {
    check_args(&bench, (rondo_plan_args_t){size, 2, full, 10, 4, 0}, "mode|2");
    check_args(&bench, (rondo_plan_args_t){size, -1, full, 10, 4, 0}, "mode|-1");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, 4, 10, 4, 0}, "sequence|4");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, -1, 10, 4, 0}, "sequence|-1");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, full, -1, 4, 0}, "max_T|-1");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, full, 10, -2, 0}, "max_N|-2");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, lengths, 10, 4, -3}, "max_S|-3");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, lengths, 10, 4, 41}, "max_S|41|40");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, packed, 10, 4, 41}, "max_S|41|40");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, packed, 0, 4, 1}, "max_S|1|0");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, RONDO_SEQUENCE_DEVICE_LENGTHS, 10, 4, 39}, "max_S|39");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, full, large, large, 0}, "max_T|max_N|overflow");
    check_args(&bench, (rondo_plan_args_t){size, RONDO_INFERENCE, full, INT64_MAX, 2, 0}, "max_T|max_N|overflow");
    /* T*N fits in 2^60, its rows of 24 gates do not */
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, full, half, half, 0}, "overflow");
    bench.args.sequence = RONDO_SEQUENCE_PACKED;
    bench.args.max_S = 40;
    CHECK_OK(try_plan(&bench));
    bench.args.max_S = 1;
    CHECK_OK(try_plan(&bench));
  }
  bench_close(&bench);

  config.single_cell = 1;
  if (bench_open(&bench, &config)) {
    check_args(&bench, (rondo_plan_args_t){size, RONDO_TRAINING, full, 2, 4, 0}, "max_T|2|single_cell");
    bench.args.max_T = 1;
    CHECK_OK(try_plan(&bench));
    bench.args.max_T = 0;
    CHECK_OK(try_plan(&bench));
  }
  bench_close(&bench);
}

static void set_choice(bench_t *bench, rondo_device_t device, rondo_backend_t backend) {
  CHECK_OK(rondo_rnn_set_int(bench->rnn, RONDO_ATTR_DEVICE, device));
  CHECK_OK(rondo_rnn_set_int(bench->rnn, RONDO_ATTR_BACKEND, backend));
}

static void test_forced(void) {
  problem_config_t config = problem_defaults();
  bench_t bench;
  int cudnn = is_available(RONDO_BACKEND_CUDNN), fused = is_available(RONDO_BACKEND_FUSED);
  if (bench_open(&bench, &config)) {
    set_choice(&bench, RONDO_DEVICE_AUTO, RONDO_BACKEND_CPU);
    check_plan(&bench);
    set_choice(&bench, RONDO_DEVICE_AUTO, RONDO_BACKEND_AUTO);
    CHECK_OK(try_plan(&bench));
    set_choice(&bench, RONDO_DEVICE_CPU, RONDO_BACKEND_CUDNN);
    CHECK_STATUS(try_plan(&bench), RONDO_ERROR_UNSUPPORTED, "cudnn");
    set_choice(&bench, RONDO_DEVICE_CPU, RONDO_BACKEND_FUSED);
    CHECK_STATUS(try_plan(&bench), RONDO_ERROR_UNSUPPORTED, "fused");
    set_choice(&bench, RONDO_DEVICE_CUDA, RONDO_BACKEND_CPU);
    CHECK_STATUS(try_plan(&bench), RONDO_ERROR_UNSUPPORTED, "cpu");
    if (!cudnn) {
      set_choice(&bench, RONDO_DEVICE_AUTO, RONDO_BACKEND_CUDNN);
      CHECK_STATUS(try_plan(&bench), RONDO_ERROR_UNSUPPORTED, "cudnn");
    }
    if (!fused) {
      set_choice(&bench, RONDO_DEVICE_AUTO, RONDO_BACKEND_FUSED);
      CHECK_STATUS(try_plan(&bench), RONDO_ERROR_UNSUPPORTED, "fused");
    }
    if (!cudnn && !fused) {
      set_choice(&bench, RONDO_DEVICE_CUDA, RONDO_BACKEND_AUTO);
      CHECK_STATUS(try_plan(&bench), RONDO_ERROR_UNSUPPORTED, "cuda");
    }
  }
  bench_close(&bench);
}

static void test_environment(void) {
  problem_config_t config = problem_defaults();
  bench_t bench;
  if (bench_open(&bench, &config)) {
    set_choice(&bench, RONDO_DEVICE_AUTO, RONDO_BACKEND_AUTO);
    CHECK(setenv("RONDO_BACKEND", "bogus", 1) == 0);
    CHECK_STATUS(try_plan(&bench), RONDO_ERROR_INVALID_ARGUMENT, "RONDO_BACKEND|bogus");
    set_choice(&bench, RONDO_DEVICE_AUTO, RONDO_BACKEND_CPU); /* the attribute outranks it */
    CHECK_OK(try_plan(&bench));
    set_choice(&bench, RONDO_DEVICE_AUTO, RONDO_BACKEND_AUTO);
    CHECK(setenv("RONDO_BACKEND", "cpu", 1) == 0);
    check_plan(&bench);
    CHECK(setenv("RONDO_BACKEND", "auto", 1) == 0);
    CHECK_OK(try_plan(&bench));
    CHECK(setenv("RONDO_BACKEND", "", 1) == 0); /* empty counts as not set */
    CHECK_OK(try_plan(&bench));
    if (!is_available(RONDO_BACKEND_CUDNN)) {
      CHECK(setenv("RONDO_BACKEND", "cudnn", 1) == 0);
      CHECK_STATUS(try_plan(&bench), RONDO_ERROR_UNSUPPORTED, "cudnn|RONDO_BACKEND");
      set_choice(&bench, RONDO_DEVICE_AUTO, RONDO_BACKEND_CPU);
      CHECK_OK(try_plan(&bench));
    }
    CHECK(unsetenv("RONDO_BACKEND") == 0);
  }
  bench_close(&bench);
}

typedef struct log_lines {
  int warnings, mentions_dropout;
} log_lines_t;

static void count_warnings(void *user, int32_t level, const char *text) {
  log_lines_t *lines = user;
  if (level == 1) {
    ++lines->warnings;
    lines->mentions_dropout += strstr(text, "dropout") != NULL ? 1 : 0;
  }
}

/* Dropout after every layer but the last has no effect with one layer: PyTorch warns, and so does the log. */
static void test_dropout_warning(void) {
  problem_config_t config = problem_defaults();
  bench_t bench;
  log_lines_t lines = {0, 0};
  config.dropout = 0.5;
  if (bench_open(&bench, &config)) {
    CHECK_OK(rondo_context_set_log(bench.context, count_warnings, &lines));
    CHECK_OK(try_plan(&bench));
    CHECK(lines.warnings == 1 && lines.mentions_dropout == 1);
    CHECK_OK(rondo_rnn_set_int(bench.rnn, RONDO_ATTR_NUM_LAYERS, 2));
    CHECK_OK(try_plan(&bench));
    CHECK(lines.warnings == 1);
    CHECK_OK(rondo_rnn_set_int(bench.rnn, RONDO_ATTR_NUM_LAYERS, 1));
    CHECK_OK(rondo_context_set_log(bench.context, NULL, NULL));
    CHECK_OK(try_plan(&bench));
    CHECK(lines.warnings == 1);
  }
  bench_close(&bench);
}

int main(void) {
  CHECK(unsetenv("RONDO_BACKEND") == 0);
  test_backends();
  test_kinds();
  test_null_arguments();
  test_refused_args();
  test_forced();
  test_environment();
  test_dropout_warning();
  return check_summary();
}
