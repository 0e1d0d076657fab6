/* Sizes at the edge of int64 and members that were never set: a plan that cannot be counted is refused, one that can is
 * made, and a garbage struct_size is not believed. */
#include "check.h"
#include "problem.h"

static rondo_context_t context;

static rondo_status_t make_plan(int64_t I, int64_t H, rondo_dtype_t dtype, const rondo_plan_args_t *args) {
  rondo_rnn_t rnn = NULL;
  rondo_plan_t plan = NULL;
  rondo_status_t status = rondo_rnn_create(&rnn);
  if (status == RONDO_OK) status = rondo_rnn_set_int(rnn, RONDO_ATTR_INPUT_SIZE, I);
  if (status == RONDO_OK) status = rondo_rnn_set_int(rnn, RONDO_ATTR_HIDDEN_SIZE, H);
  if (status == RONDO_OK) status = rondo_rnn_set_int(rnn, RONDO_ATTR_DTYPE, dtype);
  if (status == RONDO_OK) status = rondo_plan_create(context, rnn, args, &plan);
  rondo_plan_destroy(plan);
  rondo_rnn_destroy(rnn);
  return status;
}

static void memory_that_overflows(void) {
  rondo_plan_args_t args;
  memset(&args, 0, sizeof args);
  args.struct_size = sizeof args;
  args.mode = RONDO_TRAINING;
  args.max_T = args.max_N = 1;
  /* The parameters alone fit; with the gradient's and the packed copy's room they do not. */
  CHECK_STATUS(make_plan((int64_t)1 << 40, 245760, RONDO_F64, &args), RONDO_ERROR_INVALID_ARGUMENT, "overflows");
  args.max_T = (int64_t)1 << 31;
  args.max_N = (int64_t)1 << 30;
  CHECK_STATUS(make_plan(8, 8, RONDO_F32, &args), RONDO_ERROR_INVALID_ARGUMENT, "max_T|max_N|overflows");
}

static void large_maxima_that_fit(void) {
  rondo_plan_args_t args;
  memset(&args, 0, sizeof args);
  args.struct_size = sizeof args;
  args.sequence = RONDO_SEQUENCE_PACKED;
  args.max_T = 1000000000;
  args.max_N = 1000000;
  args.max_S = 1000;
  CHECK_OK(make_plan(8, 8, RONDO_F32, &args));
}

static void struct_size_never_set(void) {
  rondo_plan_args_t args;
  memset(&args, 0, sizeof args);
  args.struct_size = (size_t)1 << 40;
  CHECK_STATUS(make_plan(8, 8, RONDO_F32, &args), RONDO_ERROR_INVALID_ARGUMENT, "struct_size|1099511627776");
}

static void reserved_members(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  problem.forward.batch.reserved[0] = problem.x;
  CHECK_STATUS(rondo_forward(problem.plan, &problem.forward), RONDO_ERROR_INVALID_ARGUMENT, "batch.reserved");
  problem_close(&problem);
}

int main(void) {
  if (CHECK_OK(rondo_context_create(&context))) {
    memory_that_overflows();
    large_maxima_that_fit();
    struct_size_never_set();
    reserved_members();
    rondo_context_destroy(context);
  }
  return check_summary();
}
