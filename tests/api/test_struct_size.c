/* struct_size of every struct that crosses the interface: missing, too small, and larger with and without a newer
 * caller's bytes. The structs lie at the start of a larger block, as a caller built against a later header would bring
 * them. */
#include "check.h"
#include "problem.h"

enum { EXTRA = 32, ROOM = 1024 };

typedef rondo_status_t (*call_t)(void *user, void *args);

static rondo_status_t call_attribute_info(void *user, void *args) {
  (void)user;
  return rondo_attribute_info(RONDO_ATTR_DROPOUT, args);
}
static rondo_status_t call_param_info(void *user, void *args) {
  return rondo_rnn_param_info(((problem_t *)user)->rnn, 0, args);
}
static rondo_status_t call_backend_info(void *user, void *args) {
  (void)user;
  return rondo_backend_info(0, args);
}
static rondo_status_t call_plan_create(void *user, void *args) {
  problem_t *problem = user;
  rondo_plan_t plan = NULL;
  rondo_status_t status = rondo_plan_create(problem->context, problem->rnn, args, &plan);
  CHECK((plan != NULL) == (status == RONDO_OK));
  rondo_plan_destroy(plan);
  return status;
}
static rondo_status_t call_forward(void *user, void *args) { return rondo_forward(((problem_t *)user)->plan, args); }
static rondo_status_t call_backward(void *user, void *args) { return rondo_backward(((problem_t *)user)->plan, args); }

static rondo_status_t call_pack(void *user, void *args) {
  float padded[2] = {1, 2}, packed[2] = {0, 0};
  (void)user;
  return rondo_pack_padded(args, padded, packed);
}
static rondo_status_t call_pad(void *user, void *args) {
  float padded[2] = {0, 0}, packed[2] = {1, 2};
  (void)user;
  return rondo_pad_packed(args, packed, padded, NULL);
}

typedef union block {
  size_t struct_size;
  double align;
  unsigned char bytes[ROOM];
} block_t;

static void load(block_t *block, const void *args, size_t size, size_t struct_size) {
  memset(block, 0, sizeof *block);
  memcpy(block, args, size);
  block->struct_size = struct_size;
}

/* args: a valid struct of that size. A struct that the call fills must keep its bytes when the call fails. */
static void check_struct(const char *name, call_t call, void *user, const void *args, size_t size) {
  block_t block, before;
  int failures = check_failed_count;
  const size_t too_small[] = {0, 1, sizeof(size_t), size - 8};
  const size_t newer_byte[] = {size, size + EXTRA - 1};
  for (size_t k = 0; k < sizeof too_small / sizeof too_small[0]; ++k) {
    load(&block, args, size, too_small[k]);
    memcpy(&before, &block, sizeof block);
    CHECK_STATUS(call(user, &block), RONDO_ERROR_INVALID_ARGUMENT, "struct_size");
    CHECK(memcmp(&block, &before, sizeof block) == 0);
  }
  load(&block, args, size, size);
  CHECK_OK(call(user, &block));
  CHECK(block.struct_size == size);
  load(&block, args, size, size + EXTRA);
  block.bytes[size + EXTRA] = 1; /* beyond struct_size: not the library's to read */
  CHECK_OK(call(user, &block));
  CHECK(block.struct_size == size + EXTRA);
  for (size_t k = 0; k < sizeof newer_byte / sizeof newer_byte[0]; ++k) {
    load(&block, args, size, size + EXTRA);
    block.bytes[newer_byte[k]] = 1;
    memcpy(&before, &block, sizeof block);
    CHECK_STATUS(call(user, &block), RONDO_ERROR_VERSION, "newer");
    CHECK(memcmp(&block, &before, sizeof block) == 0);
  }
  if (check_failed_count > failures) {
    printf("  in the struct of %s\n", name);
  }
}

static void test_infos(problem_t *problem) {
  rondo_attribute_info_t attribute;
  rondo_param_info_t param;
  rondo_backend_info_t backend;
  memset(&attribute, 0, sizeof attribute);
  memset(&param, 0, sizeof param);
  memset(&backend, 0, sizeof backend);
  check_struct("rondo_attribute_info", call_attribute_info, problem, &attribute, sizeof attribute);
  check_struct("rondo_rnn_param_info", call_param_info, problem, &param, sizeof param);
  check_struct("rondo_backend_info", call_backend_info, problem, &backend, sizeof backend);
  CHECK_STATUS(rondo_attribute_info(RONDO_ATTR_CELL, NULL), RONDO_ERROR_INVALID_ARGUMENT, "info");
  CHECK_STATUS(rondo_rnn_param_info(problem->rnn, 0, NULL), RONDO_ERROR_INVALID_ARGUMENT, "info");
  CHECK_STATUS(rondo_backend_info(0, NULL), RONDO_ERROR_INVALID_ARGUMENT, "info");
}

static void test_args(problem_t *problem) {
  const int64_t batch_sizes[2] = {1, 1};
  rondo_plan_args_t plan_args;
  rondo_packing_t packing;
  memset(&plan_args, 0, sizeof plan_args);
  plan_args.mode = RONDO_TRAINING;
  plan_args.max_T = 3;
  plan_args.max_N = 2;
  memset(&packing, 0, sizeof packing);
  packing.dtype = RONDO_F32;
  packing.T = packing.padded_T = 2;
  packing.N = packing.F = 1;
  packing.batch_sizes = batch_sizes;
  check_struct("rondo_plan_create", call_plan_create, problem, &plan_args, sizeof plan_args);
  check_struct("rondo_forward", call_forward, problem, &problem->forward, sizeof problem->forward);
  check_struct("rondo_backward", call_backward, problem, &problem->backward, sizeof problem->backward);
  check_struct("rondo_pack_padded", call_pack, problem, &packing, sizeof packing);
  check_struct("rondo_pad_packed", call_pad, problem, &packing, sizeof packing);
}

int main(void) {
  problem_t problem;
  problem_config_t config = problem_defaults();
  if (CHECK_OK(problem_open(&problem, &config))) {
    test_infos(&problem);
    test_args(&problem);
    problem_close(&problem);
  }
  return check_summary();
}
