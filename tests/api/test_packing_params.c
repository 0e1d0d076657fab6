/* Parameters packed once: rondo_plan_pack_params, its refusals, and forward from a packing against forward from the
 * parameters. A packing carries a format; garbage and the packing of another format are refused by its header. */
#include "check.h"
#include "problem.h"

/* Every refusal of pack_params; none may touch the room it was given. */
static void test_refused(problem_t *problem) {
  int64_t bytes = 0, count = problem->param_count;
  const void *const *params = (const void *const *)problem->params;
  const void *holed[PROBLEM_MAX_PARAMS];
  char text[96];
  if (!CHECK_OK(rondo_plan_packed_size(problem->plan, &bytes))) {
    return;
  }
  unsigned char *packed = problem_allocate((size_t)bytes + 64);
  unsigned char *before = problem_allocate((size_t)bytes + 64);
  memcpy(holed, problem->params, sizeof holed);
  holed[2] = NULL;
  CHECK_STATUS(rondo_plan_pack_params(NULL, params, count, packed, bytes), RONDO_ERROR_INVALID_ARGUMENT, "plan");
  CHECK_STATUS(rondo_plan_pack_params(problem->plan, NULL, count, packed, bytes), RONDO_ERROR_INVALID_ARGUMENT,
               "params");
  CHECK_STATUS(rondo_plan_pack_params(problem->plan, params, 3, packed, bytes), RONDO_ERROR_INVALID_ARGUMENT,
               "count|3|4");
  CHECK_STATUS(rondo_plan_pack_params(problem->plan, holed, count, packed, bytes), RONDO_ERROR_INVALID_ARGUMENT,
               "params[2]");
  CHECK_STATUS(rondo_plan_pack_params(problem->plan, params, count, NULL, bytes), RONDO_ERROR_INVALID_ARGUMENT,
               "packed");
  CHECK_STATUS(rondo_plan_pack_params(problem->plan, params, count, packed + 8, bytes), RONDO_ERROR_INVALID_ARGUMENT,
               "packed|64");
  snprintf(text, sizeof text, "packed_size|%lld|%lld", (long long)(bytes - 1), (long long)bytes);
  CHECK_STATUS(rondo_plan_pack_params(problem->plan, params, count, packed, bytes - 1), RONDO_ERROR_INVALID_ARGUMENT,
               text);
  CHECK_STATUS(rondo_plan_pack_params(problem->plan, params, count, packed, -1), RONDO_ERROR_INVALID_ARGUMENT,
               "packed_size|-1");
  CHECK(memcmp(packed, before, (size_t)bytes + 64) == 0);
  free(packed);
  free(before);
}

static void use_packed(problem_t *problem, const void *packed) {
  problem->forward.params = NULL;
  problem->forward.param_count = 0;
  problem->forward.packed_params = packed;
}

/* Forward from params and from their packing: the same bytes. */
static void check_same(const problem_config_t *config) {
  problem_t plain, packing;
  int64_t bytes = 0;
  if (!CHECK_OK(problem_open(&plain, config))) {
    return;
  }
  if (CHECK_OK(problem_share(&packing, &plain)) && CHECK_OK(rondo_plan_packed_size(plain.plan, &bytes))) {
    void *packed = problem_allocate((size_t)bytes), *copy = problem_allocate((size_t)bytes);
    CHECK_OK(rondo_plan_pack_params(plain.plan, plain.forward.params, plain.param_count, packed, bytes));
    memcpy(copy, packed, (size_t)bytes);
    use_packed(&packing, packed);
    CHECK_OK(rondo_forward(plain.plan, &plain.forward));
    CHECK_OK(rondo_forward(packing.plan, &packing.forward));
    CHECK(problem_same_outputs(&plain, &packing));
    CHECK(memcmp(packed, copy, (size_t)bytes) == 0);
    if (config->mode == RONDO_TRAINING) {
      CHECK_OK(rondo_backward(plain.plan, &plain.backward));
      CHECK_OK(rondo_backward(packing.plan, &packing.backward)); /* from params, after a forward from their packing */
      CHECK(problem_same_outputs(&plain, &packing));
    }
    /* It serves where it was copied to: a packing keeps no address. */
    memset(packed, 0xA5, (size_t)bytes);
    use_packed(&packing, copy);
    problem_fill_outputs(&plain, 0);
    problem_fill_outputs(&packing, 0);
    CHECK_OK(rondo_forward(plain.plan, &plain.forward));
    CHECK_OK(rondo_forward(packing.plan, &packing.forward));
    CHECK(problem_same_outputs(&plain, &packing));
    free(packed);
    free(copy);
    problem_close(&packing);
  }
  problem_close(&plain);
}

static void test_same(void) {
  for (rondo_cell_t cell = RONDO_CELL_RNN_TANH; cell <= RONDO_CELL_GRU; ++cell) {
    problem_config_t config = problem_defaults();
    config.cell = cell;
    check_same(&config);
    config.L = 2;
    config.bidirectional = 1;
    config.mode = RONDO_INFERENCE;
    config.P = cell == RONDO_CELL_LSTM ? 3 : 0;
    for (config.dtype = RONDO_F64; config.dtype <= RONDO_BF16; ++config.dtype) {
      check_same(&config);
    }
  }
}

/* Plans of equal format share a packing, whatever their maxima. */
static void test_shared(problem_t *problem) {
  problem_config_t config = problem->config;
  problem_t larger;
  uint64_t format = 0, other = 0;
  int64_t bytes = 0;
  config.max_T = 20;
  config.max_N = 9;
  if (!CHECK_OK(problem_open(&larger, &config))) {
    return;
  }
  CHECK_OK(rondo_plan_packed_format(problem->plan, &format));
  CHECK_OK(rondo_plan_packed_format(larger.plan, &other));
  if (format == other && CHECK_OK(rondo_plan_packed_size(problem->plan, &bytes))) {
    void *packed = problem_allocate((size_t)bytes);
    CHECK_OK(rondo_plan_pack_params(problem->plan, problem->forward.params, problem->param_count, packed, bytes));
    use_packed(&larger, packed);
    CHECK_OK(rondo_forward(problem->plan, &problem->forward));
    CHECK_OK(rondo_forward(larger.plan, &larger.forward));
    CHECK(memcmp(problem->y, larger.y, problem->y_bytes) == 0);
    free(packed);
  }
  problem_close(&larger);
}

static void test_wrong_packing(problem_t *problem) {
  problem_config_t config = problem->config;
  problem_t other;
  uint64_t format = 0, other_format = 0;
  int64_t bytes = 0, other_bytes = 0;
  config.H = 9;
  if (!CHECK_OK(problem_open(&other, &config))) {
    return;
  }
  CHECK_OK(rondo_plan_packed_format(problem->plan, &format));
  CHECK_OK(rondo_plan_packed_format(other.plan, &other_format));
  CHECK(format != other_format);
  CHECK_OK(rondo_plan_packed_size(problem->plan, &bytes));
  CHECK_OK(rondo_plan_packed_size(other.plan, &other_bytes));
  size_t room = (size_t)(bytes > other_bytes ? bytes : other_bytes) + 64;
  unsigned char *packed = problem_allocate(room);
  problem_t saved = *problem;
  problem_fill_outputs(problem, 0x5A);
  problem_remember(problem);

  use_packed(problem, packed); /* 0xA5 throughout */
  CHECK_STATUS(rondo_forward(problem->plan, &problem->forward), RONDO_ERROR_STATE, "packed_params");
  memset(packed, 0, room);
  CHECK_STATUS(rondo_forward(problem->plan, &problem->forward), RONDO_ERROR_STATE, "packed_params");
  CHECK_OK(rondo_plan_pack_params(other.plan, other.forward.params, other.param_count, packed, other_bytes));
  CHECK_STATUS(rondo_forward(problem->plan, &problem->forward), RONDO_ERROR_STATE, "packed_params");
  use_packed(problem, packed + 8);
  CHECK_STATUS(rondo_forward(problem->plan, &problem->forward), RONDO_ERROR_INVALID_ARGUMENT, "packed_params|64");

  CHECK_OK(rondo_plan_pack_params(problem->plan, saved.forward.params, problem->param_count, packed, bytes));
  use_packed(problem, packed);
  problem->forward.params = saved.forward.params; /* both: exactly one is expected */
  problem->forward.param_count = saved.forward.param_count;
  CHECK_STATUS(rondo_forward(problem->plan, &problem->forward), RONDO_ERROR_INVALID_ARGUMENT, "packed_params");
  use_packed(problem, NULL); /* neither */
  CHECK_STATUS(rondo_forward(problem->plan, &problem->forward), RONDO_ERROR_INVALID_ARGUMENT, "params");
  CHECK(problem_unchanged(problem));

  problem->forward = saved.forward;
  free(packed);
  problem_close(&other);
}

int main(void) {
  problem_t problem;
  problem_config_t config = problem_defaults();
  if (CHECK_OK(problem_open(&problem, &config))) {
    test_refused(&problem);
    test_shared(&problem);
    test_wrong_packing(&problem);
    problem_close(&problem);
  }
  test_same();
  return check_summary();
}
