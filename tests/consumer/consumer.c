/* A caller outside the project: one step of h' = tanh(w x + u h + b), forward and backward, checked against the
 * formula. It is compiled against an installed rondo, by CMake and by make. */
#include <math.h>
#include <rondo/rondo.h>
#include <stdio.h>
#include <stdlib.h>

static int failures = 0;

static void must(rondo_status_t status, const char *call) {
  if (status != RONDO_OK) {
    printf("%s: %s: %s\n", call, rondo_status_name(status), rondo_last_error());
    exit(1);
  }
}
#define MUST(call) must((call), #call)

static void near(const char *name, double got, double want) {
  if (!(fabs(got - want) < 1e-12)) {
    printf("%s is %.17g, not %.17g\n", name, got, want);
    ++failures;
  }
}

/* The workspace and the reserve lie on 64 bytes. */
static void *aligned(int64_t bytes, void **block) {
  *block = malloc((size_t)bytes + 64);
  if (*block == NULL) exit(1);
  return (void *)(((uintptr_t)*block + 63) / 64 * 64);
}

int main(void) {
  const double x = 0.5, h0 = -0.25, w = 0.75, u = 1.5, b = 0.125, c = -0.0625, dy = 2.0;
  const void *params[4];
  void *dparams[4], *workspace_block, *reserve_block;
  double y = 0, dx = 0, dh0 = 0, dw = 0, du = 0, db = 0, dc = 0;
  rondo_context_t context;
  rondo_rnn_t rnn;
  rondo_plan_t plan;
  rondo_plan_args_t problem = {0};
  rondo_forward_args_t forward = {0};
  rondo_backward_args_t backward = {0};
  const double h = tanh(w * x + b + u * h0 + c), d = dy * (1 - h * h);

  if (rondo_version() != RONDO_VERSION_MAJOR * 10000 + RONDO_VERSION_MINOR * 100 + RONDO_VERSION_PATCH) {
    printf("the library is version %s, its header is another\n", rondo_version_string());
    return 1;
  }
  MUST(rondo_context_create(&context));
  MUST(rondo_rnn_create(&rnn));
  MUST(rondo_rnn_set_int(rnn, RONDO_ATTR_CELL, RONDO_CELL_RNN_TANH));
  MUST(rondo_rnn_set_int(rnn, RONDO_ATTR_INPUT_SIZE, 1));
  MUST(rondo_rnn_set_int(rnn, RONDO_ATTR_HIDDEN_SIZE, 1));
  MUST(rondo_rnn_set_int(rnn, RONDO_ATTR_DTYPE, RONDO_F64));
  MUST(rondo_rnn_set_int(rnn, RONDO_ATTR_DEVICE, RONDO_DEVICE_CPU));
  problem.struct_size = sizeof problem;
  problem.mode = RONDO_TRAINING;
  problem.max_T = problem.max_N = 1;
  MUST(rondo_plan_create(context, rnn, &problem, &plan));

  params[0] = &w, params[1] = &u, params[2] = &b, params[3] = &c;
  forward.struct_size = sizeof forward;
  forward.batch.T = forward.batch.N = 1;
  forward.x = &x, forward.h0 = &h0, forward.y = &y;
  forward.params = params, forward.param_count = 4;
  MUST(rondo_plan_workspace_size(plan, &forward.workspace_size));
  MUST(rondo_plan_reserve_size(plan, &forward.reserve_size));
  forward.workspace = aligned(forward.workspace_size, &workspace_block);
  forward.reserve = aligned(forward.reserve_size, &reserve_block);
  MUST(rondo_forward(plan, &forward));
  near("y", y, h);

  dparams[0] = &dw, dparams[1] = &du, dparams[2] = &db, dparams[3] = &dc;
  backward.struct_size = sizeof backward;
  backward.batch = forward.batch;
  backward.x = &x, backward.h0 = &h0, backward.y = &y, backward.dy = &dy;
  backward.dx = &dx, backward.dh0 = &dh0;
  backward.params = params, backward.param_count = 4, backward.dparams = dparams;
  backward.workspace = forward.workspace, backward.workspace_size = forward.workspace_size;
  backward.reserve = forward.reserve, backward.reserve_size = forward.reserve_size;
  MUST(rondo_backward(plan, &backward));
  near("dx", dx, d * w);
  near("dh0", dh0, d * u);
  near("dW_ih", dw, d * x);
  near("dW_hh", du, d * h0);
  near("db_ih", db, d);
  near("db_hh", dc, d);

  printf("consumer: rondo %s, back end %s, %d failures\n", rondo_version_string(), rondo_plan_backend_name(plan),
         failures);
  rondo_plan_destroy(plan);
  rondo_rnn_destroy(rnn);
  rondo_context_destroy(context);
  free(workspace_block);
  free(reserve_block);
  return failures != 0;
}
