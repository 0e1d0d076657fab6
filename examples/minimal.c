/* The smallest whole use of rondo: an LSTM forward and backward, as torch.nn.LSTM(3, 4) on x [5, 2, 3].
 * All memory is the caller's; only workspace and reserve want 64-byte alignment. */
#include <rondo/rondo.h>
#include <stdio.h>
#include <stdlib.h>

enum { T = 5, N = 2, I = 3, H = 4 }; /* steps, batch, input size, hidden size */

static void check(rondo_status_t status) {
  if (status != RONDO_OK) {
    fprintf(stderr, "minimal: %s\n", rondo_last_error());
    exit(1);
  }
}

int main(void) {
  static float x[T * N * I] = {1, 2, 3}, y[T * N * H], dy[T * N * H] = {1}, dx[T * N * I];
  static float w_ih[4 * H * I], w_hh[4 * H * H], b_ih[4 * H], b_hh[4 * H], dw_ih[4 * H * I], dw_hh[4 * H * H];
  void *params[4] = {w_ih, w_hh, b_ih, b_hh};
  void *dparams[4] = {dw_ih, dw_hh, NULL, NULL}; /* NULL: a gradient that nobody wants */

  rondo_context_t context = NULL;
  rondo_rnn_t lstm = NULL;
  rondo_plan_t plan = NULL;
  check(rondo_context_create(&context));
  check(rondo_rnn_create(&lstm)); /* by default an LSTM with one layer, in f32, on [T, N, I] */
  check(rondo_rnn_set_int(lstm, RONDO_ATTR_INPUT_SIZE, I));
  check(rondo_rnn_set_int(lstm, RONDO_ATTR_HIDDEN_SIZE, H));
  check(rondo_rnn_set_int(lstm, RONDO_ATTR_DEVICE, RONDO_DEVICE_CPU));
  check(rondo_rnn_init_params(lstm, 1, params, 4));
  rondo_plan_args_t problem = {.struct_size = sizeof(problem), .mode = RONDO_TRAINING, .max_T = T, .max_N = N};
  check(rondo_plan_create(context, lstm, &problem, &plan));

  rondo_forward_args_t forward = {.struct_size = sizeof(forward), .batch = {.T = T, .N = N}, .x = x, .y = y};
  rondo_backward_args_t backward = {.struct_size = sizeof(backward), .batch = {.T = T, .N = N}, .x = x, .y = y};
  check(rondo_plan_workspace_size(plan, &forward.workspace_size));
  check(rondo_plan_reserve_size(plan, &forward.reserve_size));
  const size_t size = (size_t)(forward.workspace_size + forward.reserve_size) + 128; /* both, rounded up to 64 bytes */
  char *memory = malloc(size);
  if (memory == NULL) {
    return 1;
  }
  char *aligned = memory + (64 - (uintptr_t)memory % 64) % 64;
  forward.workspace = backward.workspace = aligned;
  forward.reserve = backward.reserve = aligned + (forward.workspace_size + 63) / 64 * 64;
  backward.workspace_size = forward.workspace_size;
  backward.reserve_size = forward.reserve_size;
  forward.params = backward.params = (const void *const *)params;
  forward.param_count = backward.param_count = 4;
  backward.dy = dy;
  backward.dx = dx;
  backward.dparams = dparams;
  check(rondo_forward(plan, &forward));
  check(rondo_backward(plan, &backward));
  printf("%s: y [%d, %d, %d], y[0] = %.6f, dx[0] = %.6f\n", rondo_plan_backend_name(plan), T, N, H, y[0], dx[0]);

  free(memory);
  rondo_plan_destroy(plan);
  rondo_rnn_destroy(lstm);
  rondo_context_destroy(context);
  return 0;
}
