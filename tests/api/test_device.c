/* What GPUs brought to the interface: device memory and streams, and the attributes and sequences that back ends may
 * refuse. With a GPU the calls must work and without one say why not, so each check asks first which it is. */
#include "check.h"
#include "problem.h"

enum { INVALID = RONDO_ERROR_INVALID_ARGUMENT, UNSUPPORTED = RONDO_ERROR_UNSUPPORTED };

static int has_gpu(void) {
  for (int32_t k = 0; k < rondo_backend_count(); ++k) {
    rondo_backend_info_t info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    if (CHECK_OK(rondo_backend_info(k, &info)) && info.device == RONDO_DEVICE_CUDA && info.available) {
      return 1;
    }
  }
  return 0;
}

/* With a GPU or without, wrong arguments are told first. */
static void test_wrong_arguments(void) {
  char byte = 0;
  void *memory = &byte;
  int64_t bytes = -7;
  CHECK_STATUS(rondo_device_alloc(16, NULL), INVALID, "memory");
  CHECK_STATUS(rondo_device_alloc(-1, &memory), INVALID, "bytes|-1");
  CHECK_STATUS(rondo_device_alloc(INT64_MIN, &memory), INVALID, "bytes");
  CHECK(memory == &byte);
  CHECK_STATUS(rondo_device_memory(NULL, &bytes), INVALID, "free_bytes");
  CHECK_STATUS(rondo_device_memory(&bytes, NULL), INVALID, "total_bytes");
  CHECK(bytes == -7);
  CHECK_STATUS(rondo_copy(NULL, &byte, 1, NULL), INVALID, "to");
  CHECK_STATUS(rondo_copy(&byte, NULL, 1, NULL), INVALID, "from");
  CHECK_STATUS(rondo_copy(&byte, &byte, -2, NULL), INVALID, "bytes|-2");
  CHECK_STATUS(rondo_stream_create(NULL), INVALID, "stream");
  CHECK_OK(rondo_device_free(NULL));
  CHECK_OK(rondo_stream_destroy(NULL));
}

/* Each back end's reason is in the text. */
static void test_without_gpu(void) {
  char byte = 0, other = 1;
  void *memory = &byte;
  int64_t free_bytes = -7, total_bytes = -7;
  CHECK_STATUS(rondo_device_alloc(16, &memory), UNSUPPORTED, "cudnn: |fused: ");
  CHECK_STATUS(rondo_device_free(&byte), UNSUPPORTED, "fused: ");
  CHECK_STATUS(rondo_device_memory(&free_bytes, &total_bytes), UNSUPPORTED, "fused: ");
  CHECK_STATUS(rondo_copy(&byte, &other, 1, NULL), UNSUPPORTED, "fused: ");
  CHECK_STATUS(rondo_stream_create(&memory), UNSUPPORTED, "fused: ");
  CHECK_STATUS(rondo_stream_synchronize(NULL), UNSUPPORTED, "fused: ");
  CHECK_STATUS(rondo_stream_destroy(&byte), UNSUPPORTED, "fused: ");
  CHECK(memory == &byte && byte == 0 && free_bytes == -7 && total_bytes == -7);
}

static void test_with_gpu(void) {
  enum { COUNT = 1000 };
  unsigned char sent[COUNT], received[COUNT];
  void *first = NULL, *second = NULL, *stream = NULL;
  int64_t free_bytes = -1, total_bytes = -1;
  for (int k = 0; k < COUNT; ++k) {
    sent[k] = (unsigned char)(k * 7 + 1);
    received[k] = 0;
  }
  CHECK_OK(rondo_device_memory(&free_bytes, &total_bytes));
  CHECK(free_bytes >= 0 && total_bytes > 0 && free_bytes <= total_bytes);
  CHECK_OK(rondo_device_alloc(0, &first));
  CHECK_OK(rondo_device_free(first));
  if (!CHECK_OK(rondo_device_alloc(COUNT, &first)) || !CHECK_OK(rondo_device_alloc(COUNT, &second)) ||
      !CHECK_OK(rondo_stream_create(&stream))) {
    return;
  }
  CHECK(((uintptr_t)first & 255) == 0 && ((uintptr_t)second & 255) == 0);
  CHECK_OK(rondo_copy(first, sent, COUNT, stream));
  CHECK_OK(rondo_copy(second, first, COUNT, stream));
  CHECK_OK(rondo_copy(received, second, COUNT, stream));
  CHECK_OK(rondo_copy(NULL, NULL, 0, stream));
  CHECK_OK(rondo_stream_synchronize(stream));
  CHECK(memcmp(sent, received, COUNT) == 0);
  CHECK_OK(rondo_stream_synchronize(NULL));
  CHECK_OK(rondo_stream_destroy(stream));
  CHECK_OK(rondo_device_free(first));
  CHECK_OK(rondo_device_free(second));
}

/* A plan of the config's problem on a CPU, with one attribute more. */
static rondo_status_t plan_with(const problem_t *problem, rondo_attribute_t attribute, int64_t value,
                                rondo_sequence_t sequence, int64_t max_N, rondo_plan_t *plan) {
  rondo_plan_args_t args;
  rondo_rnn_t rnn = NULL;
  rondo_status_t status;
  memset(&args, 0, sizeof args);
  args.struct_size = sizeof args;
  args.mode = problem->config.mode;
  args.sequence = sequence;
  args.max_T = problem->config.T;
  args.max_N = max_N;
  CHECK_OK(problem_make_rnn(&problem->config, &rnn));
  CHECK_OK(rondo_rnn_set_int(rnn, attribute, value));
  status = rondo_plan_create(problem->context, rnn, &args, plan);
  rondo_rnn_destroy(rnn);
  return status;
}

static void test_cpu_refusals(void) {
  const int32_t full = RONDO_SEQUENCE_FULL, device_lengths = RONDO_SEQUENCE_DEVICE_LENGTHS;
  problem_config_t config = problem_defaults();
  problem_t problem;
  rondo_plan_t plan = NULL;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  CHECK_STATUS(plan_with(&problem, RONDO_ATTR_BACKEND, RONDO_BACKEND_CPU, device_lengths, 4, &plan), UNSUPPORTED,
               "cpu|device lengths");
  CHECK_STATUS(plan_with(&problem, RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_REQUIRE, full, 4, &plan), UNSUPPORTED,
               "persistent");
  CHECK(plan == NULL);
  CHECK_OK(plan_with(&problem, RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_NEVER, full, 4, &plan));
  rondo_plan_destroy(plan);
  /* Of no effect on a CPU. */
  CHECK_OK(plan_with(&problem, RONDO_ATTR_AUTOTUNE, 1, full, 4, &plan));
  rondo_plan_destroy(plan);
  CHECK_OK(plan_with(&problem, RONDO_ATTR_ALLOW_TF32, 1, full, 4, &plan));
  rondo_plan_destroy(plan);
  problem_close(&problem);
}

static void test_autotune_with_deterministic(void) {
  problem_config_t config = problem_defaults();
  rondo_rnn_t rnn = NULL;
  int64_t count = -7;
  if (!CHECK_OK(problem_make_rnn(&config, &rnn))) {
    return;
  }
  CHECK_OK(rondo_rnn_set_int(rnn, RONDO_ATTR_AUTOTUNE, 1));
  CHECK_OK(rondo_rnn_param_count(rnn, &count));
  CHECK_OK(rondo_rnn_set_int(rnn, RONDO_ATTR_DETERMINISTIC, 1));
  CHECK_STATUS(rondo_rnn_param_count(rnn, &count), INVALID, "autotune|deterministic");
  rondo_rnn_destroy(rnn);
}

static void test_fixed_batch(void) {
  problem_config_t config = problem_defaults(); /* N is 4 */
  problem_t problem;
  rondo_plan_t plan = NULL;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  if (CHECK_OK(plan_with(&problem, RONDO_ATTR_FIXED_BATCH, 1, RONDO_SEQUENCE_FULL, 5, &plan))) {
    problem_remember(&problem);
    CHECK_STATUS(rondo_forward(plan, &problem.forward), INVALID, "N is 4|max_N|5|fixed_batch");
    CHECK_STATUS(rondo_backward(plan, &problem.backward), INVALID, "N is 4|max_N|5|fixed_batch");
    CHECK(problem_unchanged(&problem));
    rondo_plan_destroy(plan);
  }
  if (CHECK_OK(plan_with(&problem, RONDO_ATTR_FIXED_BATCH, 1, RONDO_SEQUENCE_FULL, 4, &plan))) {
    CHECK_OK(rondo_forward(plan, &problem.forward));
    CHECK_OK(rondo_backward(plan, &problem.backward));
    rondo_plan_destroy(plan);
  }
  problem_close(&problem);
}

/* The members of another kind of sequence must be NULL. */
static void test_device_lengths_elsewhere(void) {
  const int64_t lengths[4] = {4, 10, 8, 6};
  const int32_t lengths32[4] = {4, 10, 8, 6};
  uint32_t faults = 0;
  for (rondo_sequence_t sequence = RONDO_SEQUENCE_FULL; sequence <= RONDO_SEQUENCE_PACKED; ++sequence) {
    problem_config_t config = problem_defaults();
    problem_t problem;
    rondo_forward_args_t args;
    config.sequence = sequence;
    if (!CHECK_OK(problem_open(&problem, &config))) {
      continue;
    }
    args = problem.forward;
    args.batch.device_lengths = lengths;
    CHECK_STATUS(rondo_forward(problem.plan, &args), INVALID, "device_lengths");
    args = problem.forward;
    args.batch.device_lengths32 = lengths32;
    CHECK_STATUS(rondo_forward(problem.plan, &args), INVALID, "device_lengths32");
    args = problem.forward;
    args.batch.device_faults = &faults;
    CHECK_STATUS(rondo_forward(problem.plan, &args), INVALID, "device_faults");
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    problem_close(&problem);
  }
}

int main(void) {
  test_wrong_arguments();
  if (has_gpu()) {
    test_with_gpu();
  } else {
    test_without_gpu();
  }
  test_cpu_refusals();
  test_autotune_with_deterministic();
  test_fixed_batch();
  test_device_lengths_elsewhere();
  return check_summary();
}
