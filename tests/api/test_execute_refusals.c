/* Every refusal of forward and backward that its arguments alone show; after each, every output holds what it held.
 * One valid call is changed in one place at a time, so that the text must name that place. */
#include "check.h"
#include "problem.h"

/* The failing call is made on a copy of the args, changed between the parentheses. */
#define REFUSED_FORWARD(problem, change, status, text)              \
  do {                                                              \
    rondo_forward_args_t a = (problem)->forward;                    \
    change;                                                         \
    problem_remember(problem);                                      \
    CHECK_STATUS(rondo_forward((problem)->plan, &a), status, text); \
    CHECK(problem_unchanged(problem));                              \
  } while (0)
#define REFUSED_BACKWARD(problem, change, status, text)              \
  do {                                                               \
    rondo_backward_args_t a = (problem)->backward;                   \
    change;                                                          \
    problem_remember(problem);                                       \
    CHECK_STATUS(rondo_backward((problem)->plan, &a), status, text); \
    CHECK(problem_unchanged(problem));                               \
  } while (0)
#define REFUSED_BOTH(problem, change, status, text)  \
  do {                                               \
    REFUSED_FORWARD(problem, change, status, text);  \
    REFUSED_BACKWARD(problem, change, status, text); \
  } while (0)

enum { INVALID = RONDO_ERROR_INVALID_ARGUMENT };

/* A problem whose forward has run, so that its backward is valid too. */
static int open_run(problem_t *problem, const problem_config_t *config) {
  if (!CHECK_OK(problem_open(problem, config))) {
    return 0;
  }
  if (CHECK_OK(rondo_forward(problem->plan, &problem->forward))) {
    return 1;
  }
  problem_close(problem);
  return 0;
}

/* The valid calls still succeed after all the refusals: none of them left anything behind. */
static void close_run(problem_t *problem) {
  if (problem->config.mode == RONDO_TRAINING) {
    CHECK_OK(rondo_backward(problem->plan, &problem->backward));
  }
  CHECK_OK(rondo_forward(problem->plan, &problem->forward));
  problem_close(problem);
}

static void test_pointers(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  const void *holed[PROBLEM_MAX_PARAMS];
  void *misaligned[PROBLEM_MAX_PARAMS];
  char byte = 0;
  if (!open_run(&problem, &config)) {
    return;
  }
  CHECK_STATUS(rondo_forward(NULL, &problem.forward), INVALID, "plan");
  CHECK_STATUS(rondo_backward(NULL, &problem.backward), INVALID, "plan");
  CHECK_STATUS(rondo_forward(problem.plan, NULL), INVALID, "args");
  CHECK_STATUS(rondo_backward(problem.plan, NULL), INVALID, "args");
  REFUSED_BOTH(&problem, a.x = NULL, INVALID, "x is NULL");
  REFUSED_BOTH(&problem, a.params = NULL, INVALID, "params");
  REFUSED_BOTH(&problem, a.y = NULL, INVALID, "y is NULL");
  REFUSED_BOTH(&problem, a.workspace = NULL, INVALID, "workspace");
  REFUSED_BOTH(&problem, a.reserve = NULL, INVALID, "reserve");
  REFUSED_BOTH(&problem, a.param_count = 3, INVALID, "param_count|3|4");
  REFUSED_BOTH(&problem, a.param_count = 5, INVALID, "param_count|5|4");
  REFUSED_BOTH(&problem, a.param_count = -1, INVALID, "param_count|-1|4");
  REFUSED_BOTH(&problem, a.stream = &byte, INVALID, "stream");
  memcpy(holed, problem.params, sizeof holed);
  holed[2] = NULL;
  REFUSED_BOTH(&problem, a.params = holed, INVALID, "params[2]|bias_ih_l0");

  /* Data is aligned to its element type. */
  REFUSED_BOTH(&problem, a.x = (const char *)problem.x + 1, INVALID, "x is");
  REFUSED_BOTH(&problem, a.h0 = (const char *)problem.h0 + 2, INVALID, "h0 is");
  REFUSED_BOTH(&problem, a.c0 = (const char *)problem.c0 + 2, INVALID, "c0 is");
  REFUSED_BOTH(&problem, a.y = (char *)problem.y + 1, INVALID, "y is");
  REFUSED_FORWARD(&problem, a.hn = (char *)problem.hn + 1, INVALID, "hn is");
  REFUSED_FORWARD(&problem, a.cn = (char *)problem.cn + 1, INVALID, "cn is");
  REFUSED_BACKWARD(&problem, a.dy = (const char *)problem.dy + 1, INVALID, "dy is");
  REFUSED_BACKWARD(&problem, a.dhn = (const char *)problem.dhn + 1, INVALID, "dhn is");
  REFUSED_BACKWARD(&problem, a.dcn = (const char *)problem.dcn + 1, INVALID, "dcn is");
  REFUSED_BACKWARD(&problem, a.dx = (char *)problem.dx + 1, INVALID, "dx is");
  REFUSED_BACKWARD(&problem, a.dh0 = (char *)problem.dh0 + 1, INVALID, "dh0 is");
  REFUSED_BACKWARD(&problem, a.dc0 = (char *)problem.dc0 + 1, INVALID, "dc0 is");
  memcpy(misaligned, problem.dparams, sizeof misaligned);
  misaligned[1] = (char *)misaligned[1] + 1;
  REFUSED_BACKWARD(&problem, a.dparams = misaligned, INVALID, "dparams[1]");

  REFUSED_BACKWARD(&problem, a.accumulate = 2, INVALID, "accumulate|2");
  REFUSED_BACKWARD(&problem, a.accumulate = -1, INVALID, "accumulate|-1");
  REFUSED_BACKWARD(&problem, a.reserved = 1, INVALID, "reserved|1");
  close_run(&problem);
}

static void test_memory(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  char text[96];
  if (!open_run(&problem, &config)) {
    return;
  }
  int64_t workspace = problem.workspace_size, reserve = problem.reserve_size;
  char *room = problem_allocate((size_t)(workspace > reserve ? workspace : reserve) + 64);
  memcpy(room + 8, problem.reserve, (size_t)reserve);
  CHECK(workspace > 0);
  snprintf(text, sizeof text, "workspace_size|%lld|%lld", (long long)(workspace - 1), (long long)workspace);
  REFUSED_BOTH(&problem, a.workspace_size = workspace - 1, INVALID, text);
  REFUSED_BOTH(&problem, a.workspace_size = 0, INVALID, "workspace_size|0");
  REFUSED_BOTH(&problem, a.workspace_size = -1, INVALID, "workspace_size|-1");
  snprintf(text, sizeof text, "reserve_size|%lld|%lld", (long long)(reserve - 1), (long long)reserve);
  REFUSED_BOTH(&problem, a.reserve_size = reserve - 1, INVALID, text);
  REFUSED_BOTH(&problem, a.reserve_size = -1, INVALID, "reserve_size|-1");
  REFUSED_BOTH(&problem, a.workspace = room + 8, INVALID, "workspace|64");
  REFUSED_BOTH(&problem, a.reserve = room + 8, INVALID, "reserve|64");
  free(room);
  close_run(&problem);
}

/* Cells without a cell state take no c: giving one is a mistake that should be told. */
static void test_cell_state(void) {
  for (rondo_cell_t cell = RONDO_CELL_RNN_TANH; cell <= RONDO_CELL_GRU; ++cell) {
    problem_config_t config = problem_defaults();
    problem_t problem;
    config.cell = cell;
    if (cell == RONDO_CELL_LSTM || !open_run(&problem, &config)) {
      continue;
    }
    REFUSED_BOTH(&problem, a.c0 = problem.h0, INVALID, "c0");
    REFUSED_FORWARD(&problem, a.cn = problem.dh0, INVALID, "cn");
    REFUSED_BACKWARD(&problem, a.dcn = problem.dhn, INVALID, "dcn");
    REFUSED_BACKWARD(&problem, a.dc0 = problem.hn, INVALID, "dc0");
    close_run(&problem);
  }
}

static void test_sizes(void) {
  const int32_t lengths32[4] = {4, 10, 8, 6};
  problem_config_t config = problem_defaults();
  problem_t problem;
  if (open_run(&problem, &config)) {
    REFUSED_BOTH(&problem, a.batch.T = 11, INVALID, "T is 11|10");
    REFUSED_BOTH(&problem, a.batch.N = 5, INVALID, "N is 5|4");
    REFUSED_BOTH(&problem, a.batch.T = -1, INVALID, "T is -1");
    REFUSED_BOTH(&problem, a.batch.N = -3, INVALID, "N is -3");
    REFUSED_BOTH(&problem, a.batch.T = INT64_MAX, INVALID, "T is 9223372036854775807");
    REFUSED_BOTH(&problem, a.batch.S = 40, INVALID, "S is 40");
    REFUSED_BOTH(&problem, a.batch.lengths = problem.lengths, INVALID, "lengths");
    REFUSED_BOTH(&problem, a.batch.lengths32 = lengths32, INVALID, "lengths32");
    REFUSED_BOTH(&problem, a.batch.batch_sizes = problem.batch_sizes, INVALID, "batch_sizes");
    REFUSED_BOTH(&problem, a.batch.sorted_indices = problem.sorted_indices, INVALID, "sorted_indices");
    close_run(&problem);
  }
  config.max_S = 20; /* the sum of full rows counts too */
  if (CHECK_OK(problem_open(&problem, &config))) {
    REFUSED_FORWARD(&problem, (void)a, INVALID, "max_S|20|40");
    problem.forward.batch.T = 5;
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    problem_close(&problem);
  }
}

static void test_lengths(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  const int64_t too_long[4] = {4, 10, 8, 12}, negative[4] = {4, -2, 8, 6}, sum_29[4] = {4, 10, 8, 7};
  const int32_t too_long32[4] = {4, 10, 8, 12}, negative32[4] = {-5, 1, 8, 6};
  config.sequence = RONDO_SEQUENCE_LENGTHS;
  config.max_S = 28; /* 4 + 10 + 8 + 6 */
  if (!open_run(&problem, &config)) {
    return;
  }
  REFUSED_BOTH(&problem, a.batch.lengths = NULL, INVALID, "lengths");
  REFUSED_BOTH(&problem, a.batch.lengths32 = too_long32, INVALID, "lengths|lengths32");
  REFUSED_BOTH(&problem, a.batch.lengths = too_long, INVALID, "lengths[3] is 12|10");
  REFUSED_BOTH(&problem, a.batch.lengths = negative, INVALID, "lengths[1] is -2");
  REFUSED_BOTH(&problem, (a.batch.lengths = NULL, a.batch.lengths32 = too_long32), INVALID, "lengths32[3] is 12|10");
  REFUSED_BOTH(&problem, (a.batch.lengths = NULL, a.batch.lengths32 = negative32), INVALID, "lengths32[0] is -5");
  REFUSED_BOTH(&problem, a.batch.lengths = sum_29, INVALID, "lengths|29|max_S|28");
  REFUSED_BOTH(&problem, a.batch.T = 9, INVALID, "lengths[1] is 10|9");
  REFUSED_BOTH(&problem, a.batch.S = 28, INVALID, "S is 28");
  REFUSED_BOTH(&problem, a.batch.batch_sizes = problem.batch_sizes, INVALID, "batch_sizes");
  REFUSED_BOTH(&problem, a.batch.sorted_indices = problem.sorted_indices, INVALID, "sorted_indices");
  close_run(&problem);
}

static void test_packed(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  const int64_t increase[3] = {2, 3, 1}, zero[3] = {4, 2, 0}, negative[3] = {4, 3, -1}, over_N[3] = {5, 1, 0};
  const int64_t fine[3] = {4, 3, 2}, twice[4] = {0, 1, 1, 3}, outside[4] = {0, 9, 1, 3}, below[4] = {0, 1, -1, 3};
  config.sequence = RONDO_SEQUENCE_PACKED;
  config.max_S = 28;
  if (!open_run(&problem, &config)) {
    return;
  }
#define PACKED_BATCH(sizes, rows) (a.batch.T = 3, a.batch.batch_sizes = (sizes), a.batch.S = (rows))
  REFUSED_BOTH(&problem, a.batch.batch_sizes = NULL, INVALID, "batch_sizes");
  REFUSED_BOTH(&problem, PACKED_BATCH(increase, 6), INVALID, "batch_sizes[1] is 3|2");
  REFUSED_BOTH(&problem, PACKED_BATCH(zero, 6), INVALID, "batch_sizes[2] is 0");
  REFUSED_BOTH(&problem, PACKED_BATCH(negative, 6), INVALID, "batch_sizes[2] is -1");
  REFUSED_BOTH(&problem, PACKED_BATCH(over_N, 6), INVALID, "batch_sizes[0] is 5|4");
  REFUSED_BOTH(&problem, PACKED_BATCH(fine, 8), INVALID, "S is 8|9");
  REFUSED_BOTH(&problem, PACKED_BATCH(fine, 10), INVALID, "S is 10|9");
  REFUSED_BOTH(&problem, a.batch.S = -1, INVALID, "S is -1");
  REFUSED_BOTH(&problem, a.batch.S = 29, INVALID, "S is 29|28");
  REFUSED_BOTH(&problem, a.batch.sorted_indices = twice, INVALID, "sorted_indices[2] is 1");
  REFUSED_BOTH(&problem, a.batch.sorted_indices = outside, INVALID, "sorted_indices[1] is 9");
  REFUSED_BOTH(&problem, a.batch.sorted_indices = below, INVALID, "sorted_indices[2] is -1");
  REFUSED_BOTH(&problem, a.batch.lengths = problem.lengths, INVALID, "lengths");
  close_run(&problem);
#undef PACKED_BATCH
}

int main(void) {
  test_pointers();
  test_memory();
  test_cell_state();
  test_sizes();
  test_lengths();
  test_packed();
  return check_summary();
}
