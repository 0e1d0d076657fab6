/* The order of calls and the reserve that ties them: backward needs the reserve that forward of the same plan and batch
 * wrote. What it checks is a header in the reserve, so garbage and other plans' reserves are told apart without
 * trusting a byte. */
#include "check.h"
#include "problem.h"

/* Backward must fail with RONDO_ERROR_STATE and change nothing. A macro, so that a failure shows its line. */
#define CHECK_STATE(problem, args, text)                                            \
  do {                                                                              \
    problem_remember(problem);                                                      \
    CHECK_STATUS(rondo_backward((problem)->plan, (args)), RONDO_ERROR_STATE, text); \
    CHECK(problem_unchanged(problem));                                              \
  } while (0)

static void test_inference_plan(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  config.mode = RONDO_INFERENCE;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  CHECK(problem.reserve_size == 0);
  CHECK_OK(rondo_forward(problem.plan, &problem.forward));
  CHECK_STATE(&problem, &problem.backward, "inference");
  problem_close(&problem);
}

static void test_reserve_never_written(void) {
  const int bytes[] = {0xA5, 0x00, 0xFF};
  problem_config_t config = problem_defaults();
  problem_t problem;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  for (size_t k = 0; k < sizeof bytes / sizeof bytes[0]; ++k) {
    problem_fill_outputs(&problem, bytes[k]);
    CHECK_STATE(&problem, &problem.backward, "reserve");
  }
  problem_close(&problem);
}

/* A refused forward leaves the reserve as it was: still the last good forward's. */
static void test_reserve_after_refusal(void) {
  problem_config_t config = problem_defaults();
  problem_t problem, other;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  if (CHECK_OK(problem_share(&other, &problem))) {
    rondo_forward_args_t wrong = problem.forward;
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    wrong.batch.T = 99;
    CHECK_STATUS(rondo_forward(problem.plan, &wrong), RONDO_ERROR_INVALID_ARGUMENT, "T is 99");
    CHECK_OK(rondo_backward(problem.plan, &problem.backward));
    CHECK_OK(rondo_forward(other.plan, &other.forward));
    CHECK_OK(rondo_backward(other.plan, &other.backward));
    CHECK(problem_same_outputs(&problem, &other));
    problem_close(&other);
  }
  problem_close(&problem);
}

/* The other plan differs in one attribute; its reserve, in a block large enough for both, is refused. */
static void check_other_plan(const problem_config_t *config, const problem_config_t *other_config) {
  problem_t problem, other;
  if (!CHECK_OK(problem_open(&problem, config))) {
    return;
  }
  if (CHECK_OK(problem_open(&other, other_config))) {
    int64_t size = problem.reserve_size > other.reserve_size ? problem.reserve_size : other.reserve_size;
    void *shared = problem_allocate((size_t)size);
    other.forward.reserve = shared;
    other.forward.reserve_size = size;
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    CHECK_OK(rondo_forward(other.plan, &other.forward));
    rondo_backward_args_t args = problem.backward;
    args.reserve = shared;
    args.reserve_size = size;
    CHECK_STATE(&problem, &args, "reserve");
    CHECK_OK(rondo_backward(problem.plan, &problem.backward));
    free(shared);
    problem_close(&other);
  }
  problem_close(&problem);
}

static void test_other_plans(void) {
  problem_config_t config = problem_defaults(), other = config;
  other.H = 7;
  check_other_plan(&config, &other);
  other = config;
  other.cell = RONDO_CELL_GRU;
  check_other_plan(&config, &other);
  other = config;
  other.I = 6;
  check_other_plan(&config, &other);
  other = config;
  other.L = 2;
  check_other_plan(&config, &other);
  check_other_plan(&other, &config);
  other = config;
  other.dtype = RONDO_BF16;
  check_other_plan(&config, &other);
  other = config;
  other.sequence = RONDO_SEQUENCE_LENGTHS;
  check_other_plan(&config, &other);
}

/* The batch of backward is forward's: its sizes, its lengths and their order. */
static void test_other_batch(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  rondo_backward_args_t args;
  if (CHECK_OK(problem_open(&problem, &config))) {
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    args = problem.backward;
    args.batch.T = 9;
    CHECK_STATE(&problem, &args, "T|9|10");
    args = problem.backward;
    args.batch.N = 3;
    CHECK_STATE(&problem, &args, "N|3|4");
    args.batch.T = 4; /* the same T*N */
    args.batch.N = 10;
    CHECK_STATUS(rondo_backward(problem.plan, &args), RONDO_ERROR_INVALID_ARGUMENT, "N is 10");
    CHECK_OK(rondo_backward(problem.plan, &problem.backward));
    problem_close(&problem);
  }
  config.sequence = RONDO_SEQUENCE_LENGTHS;
  if (CHECK_OK(problem_open(&problem, &config))) {
    const int64_t shorter[4] = {4, 10, 8, 5}, swapped[4] = {10, 4, 8, 6};
    int32_t same[4] = {4, 10, 8, 6};
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    args = problem.backward;
    args.batch.lengths = shorter;
    CHECK_STATE(&problem, &args, "lengths");
    args.batch.lengths = swapped; /* the same sum */
    CHECK_STATE(&problem, &args, "lengths");
    args.batch.lengths = NULL; /* the same values in the other type are the same lengths */
    args.batch.lengths32 = same;
    CHECK_OK(rondo_backward(problem.plan, &args));
    problem_close(&problem);
  }
  config.sequence = RONDO_SEQUENCE_PACKED;
  if (CHECK_OK(problem_open(&problem, &config))) {
    const int64_t other_sizes[10] = {4, 4, 4, 4, 3, 3, 2, 2, 1, 1}; /* forward's are 4 4 4 4 3 3 2 2 1 1 */
    const int64_t changed[10] = {4, 4, 4, 3, 3, 3, 2, 2, 2, 1};     /* the same sum */
    const int64_t indices[4] = {0, 1, 2, 3};
    CHECK(memcmp(problem.batch_sizes, other_sizes, sizeof other_sizes) == 0);
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    args = problem.backward;
    args.batch.batch_sizes = other_sizes;
    CHECK_OK(rondo_backward(problem.plan, &args));
    args.batch.batch_sizes = changed;
    CHECK_STATE(&problem, &args, "batch_sizes");
    args = problem.backward;
    args.batch.sorted_indices = indices;
    CHECK_STATE(&problem, &args, "sorted_indices");
    args.batch.sorted_indices = NULL;
    CHECK_STATE(&problem, &args, "sorted_indices");
    problem_close(&problem);
  }
}

/* Without consume_reserve backward may run again; with it a second run is refused. */
static void test_consume_reserve(void) {
  problem_config_t config = problem_defaults();
  problem_t kept, consumed;
  int64_t workspace = 0;
  if (!CHECK_OK(problem_open(&kept, &config))) {
    return;
  }
  workspace = kept.workspace_size;
  config.consume_reserve = 1;
  if (CHECK_OK(problem_open(&consumed, &config))) {
    CHECK(consumed.workspace_size <= workspace);
    CHECK_OK(rondo_forward(kept.plan, &kept.forward));
    CHECK_OK(rondo_backward(kept.plan, &kept.backward));
    CHECK_OK(rondo_forward(consumed.plan, &consumed.forward));
    CHECK_OK(rondo_backward(consumed.plan, &consumed.backward));
    CHECK(problem_same_outputs(&kept, &consumed));
    CHECK_STATE(&consumed, &consumed.backward, "reserve|consume_reserve");
    problem_remember(&kept);
    CHECK_OK(rondo_backward(kept.plan, &kept.backward));
    CHECK(problem_unchanged(&kept));
    CHECK_OK(rondo_forward(consumed.plan, &consumed.forward)); /* a new forward makes it good again */
    CHECK_OK(rondo_backward(consumed.plan, &consumed.backward));
    CHECK(problem_same_outputs(&kept, &consumed));
    problem_close(&consumed);
  }
  problem_close(&kept);
}

/* A reserve may move: a copy of it serves as well. */
static void test_reserve_copied(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  void *copy = problem_allocate((size_t)problem.reserve_size);
  CHECK_OK(rondo_forward(problem.plan, &problem.forward));
  CHECK_OK(rondo_backward(problem.plan, &problem.backward));
  memcpy(copy, problem.reserve, (size_t)problem.reserve_size);
  problem_remember(&problem);
  problem.backward.reserve = copy;
  CHECK_OK(rondo_backward(problem.plan, &problem.backward));
  CHECK(problem_unchanged(&problem));
  free(copy);
  problem_close(&problem);
}

int main(void) {
  test_inference_plan();
  test_reserve_never_written();
  test_reserve_after_refusal();
  test_other_plans();
  test_other_batch();
  test_consume_reserve();
  test_reserve_copied();
  return check_summary();
}
