/* A small problem ready to run: handles, a plan, and buffers with values for every argument of forward and backward.
 * Tests change one member of its args and see what the library says; every buffer is its own allocation, for asan. */
#ifndef RONDO_TESTS_API_PROBLEM_H
#define RONDO_TESTS_API_PROBLEM_H

#include <rondo/rondo.h>

enum { PROBLEM_MAX_PARAMS = 32, PROBLEM_MAX_ROWS = 16, PROBLEM_MAX_STEPS = 32, PROBLEM_MAX_OUTPUTS = 40 };

typedef struct problem_config {
  rondo_cell_t cell;
  rondo_dtype_t dtype;
  rondo_layout_t layout;
  rondo_mode_t mode;
  rondo_sequence_t sequence;
  int64_t I, H, P, L, bidirectional, bias, single_cell, consume_reserve;
  double dropout;
  int64_t T, N;                /* of the call */
  int64_t max_T, max_N, max_S; /* of the plan; max_T and max_N 0: as the call's */
  int64_t threads;
  uint64_t values_seed; /* of the values in the input buffers */
} problem_config_t;

typedef struct problem_output {
  void *data, *copy;
  size_t bytes;
} problem_output_t;

typedef struct problem {
  problem_config_t config;
  rondo_context_t context; /* NULL in a problem that shares another's plan */
  rondo_rnn_t rnn;
  rondo_plan_t plan;
  int owns_handles;
  int64_t D, O, S, param_count;
  int64_t param_elements[PROBLEM_MAX_PARAMS];
  int64_t lengths[PROBLEM_MAX_ROWS];      /* distinct enough, unsorted, the longest equal to T */
  int64_t batch_sizes[PROBLEM_MAX_STEPS]; /* of the lengths, sorted */
  int64_t sorted_indices[PROBLEM_MAX_ROWS];
  void *params[PROBLEM_MAX_PARAMS];
  void *dparams[PROBLEM_MAX_PARAMS];
  void *x, *h0, *c0, *y, *hn, *cn, *dy, *dhn, *dcn, *dx, *dh0, *dc0;
  void *workspace, *reserve;
  int64_t workspace_size, reserve_size;
  size_t x_bytes, y_bytes, h_bytes, c_bytes;
  problem_output_t outputs[PROBLEM_MAX_OUTPUTS];
  int output_count, first_gradient; /* outputs: the reserve, what forward writes, then what backward writes */
  rondo_forward_args_t forward;
  rondo_backward_args_t backward;
} problem_t;

/* LSTM, f32, one layer of 5 to 6 features, T = 10, N = 4, training without lengths, one thread. */
problem_config_t problem_defaults(void);
/* Handles, plan and buffers. On failure nothing is left, and the status is the failing call's. */
rondo_status_t problem_open(problem_t *problem, const problem_config_t *config);
/* Own buffers with the same values for a plan that owner keeps alive. */
rondo_status_t problem_share(problem_t *problem, const problem_t *owner);
void problem_close(problem_t *problem);

/* Fills every output, the reserve too, with one byte. */
void problem_fill_outputs(problem_t *problem, int byte);
/* Keeps a copy of every output, the reserve too; 1 when all still hold it. */
void problem_remember(problem_t *problem);
int problem_unchanged(const problem_t *problem);
/* 1 when the outputs of both hold the same bytes, the reserve apart. */
int problem_same_outputs(const problem_t *a, const problem_t *b);
/* 1 when no element of the array is infinite or NaN. */
int problem_all_finite(const void *data, rondo_dtype_t dtype, size_t bytes);

size_t problem_dtype_size(rondo_dtype_t dtype);
/* A description on the CPU with this config's attributes. */
rondo_status_t problem_make_rnn(const problem_config_t *config, rondo_rnn_t *rnn);
/* Memory aligned to 64 bytes, filled with 0xA5; never NULL (a test without memory exits). */
void *problem_allocate(size_t bytes);

#endif /* RONDO_TESTS_API_PROBLEM_H */
