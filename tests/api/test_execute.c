/* Forward and backward that must succeed: every cell, type, sequence kind and layout; absent arguments; empty calls.
 * Values are the numeric suite's subject; here only what the interface itself promises is looked at. */
#include "check.h"
#include "problem.h"

static int is_filled(const void *data, int byte, size_t bytes) {
  const unsigned char *values = data;
  for (size_t k = 0; k < bytes; ++k) {
    if (values[k] != (unsigned char)byte) {
      return 0;
    }
  }
  return 1;
}

/* Everything is written, finite, and written the same when run again; the reserve survives backward. */
static void check_runs(const problem_config_t *config) {
  problem_t first, again;
  int failures = check_failed_count;
  if (!CHECK_OK(problem_open(&first, config))) {
    return;
  }
  if (CHECK_OK(problem_share(&again, &first))) {
    CHECK_OK(rondo_forward(first.plan, &first.forward));
    CHECK_OK(rondo_forward(again.plan, &again.forward));
    if (config->mode == RONDO_TRAINING) {
      problem_remember(&again);
      CHECK_OK(rondo_backward(first.plan, &first.backward));
      CHECK_OK(rondo_backward(again.plan, &again.backward));
      CHECK(memcmp(again.reserve, again.outputs[0].copy, (size_t)again.reserve_size) == 0);
      CHECK(memcmp(again.y, again.outputs[1].copy, again.y_bytes) == 0);
      CHECK_OK(rondo_backward(again.plan, &again.backward)); /* overwrites with the same */
    }
    CHECK(problem_same_outputs(&first, &again));
    CHECK(problem_all_finite(first.y, config->dtype, first.y_bytes));
    CHECK(!is_filled(first.y, 0xA5, first.y_bytes) && !is_filled(first.hn, 0xA5, first.h_bytes));
    if (config->cell == RONDO_CELL_LSTM) {
      CHECK(!is_filled(first.cn, 0xA5, first.c_bytes));
    }
    for (int k = first.first_gradient; config->mode == RONDO_TRAINING && k < first.output_count; ++k) {
      CHECK(!is_filled(first.outputs[k].data, 0xA5, first.outputs[k].bytes));
      CHECK(problem_all_finite(first.outputs[k].data, config->dtype, first.outputs[k].bytes));
    }
    problem_close(&again);
  }
  problem_close(&first);
  if (check_failed_count > failures) {
    printf("  cell %d, dtype %d, layout %d, mode %d, sequence %d, L %d, P %d\n", (int)config->cell, (int)config->dtype,
           (int)config->layout, (int)config->mode, (int)config->sequence, (int)config->L, (int)config->P);
  }
}

static void test_grid(void) {
  for (rondo_cell_t cell = RONDO_CELL_RNN_TANH; cell <= RONDO_CELL_GRU; ++cell) {
    problem_config_t config = problem_defaults();
    config.cell = cell;
    for (config.dtype = RONDO_F64; config.dtype <= RONDO_BF16; ++config.dtype) {
      for (config.sequence = RONDO_SEQUENCE_FULL; config.sequence <= RONDO_SEQUENCE_PACKED; ++config.sequence) {
        for (config.mode = RONDO_INFERENCE; config.mode <= RONDO_TRAINING; ++config.mode) {
          config.L = 1;
          config.bidirectional = 0;
          config.dropout = 0;
          config.P = 0;
          config.layout = RONDO_TIME_MAJOR;
          check_runs(&config);
          config.L = 2;
          config.bidirectional = 1;
          config.dropout = 0.5;
          config.P = cell == RONDO_CELL_LSTM ? 3 : 0;
          config.layout = RONDO_BATCH_MAJOR;
          check_runs(&config);
        }
      }
    }
    config = problem_defaults();
    config.cell = cell;
    config.bias = 0;
    check_runs(&config);
  }
}

/* One layer, one direction, every row full: hn is the last step of y, and the other arguments may be absent. */
static void test_absent_outputs(void) {
  problem_config_t config = problem_defaults();
  problem_t problem, part;
  config.mode = RONDO_INFERENCE;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  CHECK_OK(rondo_forward(problem.plan, &problem.forward));
  CHECK(memcmp((char *)problem.y + problem.y_bytes - problem.h_bytes, problem.hn, problem.h_bytes) == 0);
  if (CHECK_OK(problem_share(&part, &problem))) {
    part.forward.y = NULL; /* inference: not wanted */
    CHECK_OK(rondo_forward(part.plan, &part.forward));
    CHECK(memcmp(part.hn, problem.hn, part.h_bytes) == 0 && memcmp(part.cn, problem.cn, part.c_bytes) == 0);
    part.forward.y = part.y;
    part.forward.hn = part.forward.cn = NULL;
    CHECK_OK(rondo_forward(part.plan, &part.forward));
    CHECK(memcmp(part.y, problem.y, part.y_bytes) == 0);
    problem_close(&part);
  }
  problem_close(&problem);
}

/* NULL states are zeros; a NULL gradient is not computed and changes no other. */
static void test_absent_gradients(void) {
  problem_config_t config = problem_defaults();
  problem_t whole, part;
  if (!CHECK_OK(problem_open(&whole, &config))) {
    return;
  }
  if (CHECK_OK(problem_share(&part, &whole))) {
    memset(whole.h0, 0, whole.h_bytes);
    memset(whole.c0, 0, whole.c_bytes);
    memset(whole.dhn, 0, whole.h_bytes);
    memset(whole.dcn, 0, whole.c_bytes);
    part.forward.h0 = part.forward.c0 = part.backward.h0 = part.backward.c0 = NULL;
    part.backward.dhn = part.backward.dcn = NULL;
    CHECK_OK(rondo_forward(whole.plan, &whole.forward));
    CHECK_OK(rondo_forward(part.plan, &part.forward));
    CHECK_OK(rondo_backward(whole.plan, &whole.backward));
    CHECK_OK(rondo_backward(part.plan, &part.backward));
    CHECK(problem_same_outputs(&whole, &part));

    for (int k = part.first_gradient; k < part.output_count; ++k) {
      memset(part.outputs[k].data, 0x5A, part.outputs[k].bytes);
    }
    part.backward.dx = NULL;
    part.backward.dc0 = NULL;
    void *kept = part.dparams[1];
    part.dparams[1] = NULL;
    CHECK_OK(rondo_backward(part.plan, &part.backward));
    part.dparams[1] = kept;
    CHECK(is_filled(part.dx, 0x5A, part.x_bytes) && is_filled(part.dc0, 0x5A, part.c_bytes));
    CHECK(is_filled(kept, 0x5A, (size_t)part.param_elements[1] * sizeof(float)));
    CHECK(memcmp(part.dh0, whole.dh0, whole.h_bytes) == 0);
    for (int64_t k = 0; k < whole.param_count; ++k) {
      CHECK(k == 1 || memcmp(part.dparams[k], whole.dparams[k], (size_t)whole.param_elements[k] * sizeof(float)) == 0);
    }
    part.backward.dx = part.dx;
    part.backward.dh0 = NULL;
    part.backward.dparams = NULL;
    memset(part.dh0, 0x5A, part.h_bytes);
    CHECK_OK(rondo_backward(part.plan, &part.backward));
    CHECK(memcmp(part.dx, whole.dx, whole.x_bytes) == 0 && is_filled(part.dh0, 0x5A, part.h_bytes));
    problem_close(&part);
  }
  problem_close(&whole);
}

/* T = 0 or N = 0: hn = h0, cn = c0, dh0 = dhn, dc0 = dcn, and parameter gradients are zero, or kept when accumulating.
 */
static void check_empty(rondo_sequence_t sequence, int64_t T, int64_t N) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  config.sequence = sequence;
  config.T = T;
  config.N = N;
  config.max_T = 10;
  config.max_N = 4;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  CHECK_OK(rondo_forward(problem.plan, &problem.forward));
  CHECK(memcmp(problem.hn, problem.h0, problem.h_bytes) == 0);
  CHECK(memcmp(problem.cn, problem.c0, problem.c_bytes) == 0);
  CHECK_OK(rondo_backward(problem.plan, &problem.backward));
  CHECK(memcmp(problem.dh0, problem.dhn, problem.h_bytes) == 0);
  CHECK(memcmp(problem.dc0, problem.dcn, problem.c_bytes) == 0);
  for (int64_t k = 0; k < problem.param_count; ++k) {
    CHECK(is_filled(problem.dparams[k], 0, (size_t)problem.param_elements[k] * sizeof(float)));
    memset(problem.dparams[k], 0x3F, (size_t)problem.param_elements[k] * sizeof(float));
  }
  problem.backward.accumulate = 1;
  CHECK_OK(rondo_backward(problem.plan, &problem.backward));
  for (int64_t k = 0; k < problem.param_count; ++k) {
    CHECK(is_filled(problem.dparams[k], 0x3F, (size_t)problem.param_elements[k] * sizeof(float)));
  }
  problem.forward.h0 = problem.forward.c0 = NULL;
  CHECK_OK(rondo_forward(problem.plan, &problem.forward));
  CHECK(is_filled(problem.hn, 0, problem.h_bytes) && is_filled(problem.cn, 0, problem.c_bytes));
  problem_close(&problem);
}

/* A row of length 0, and packed rows beyond batch_sizes[0]: that row's state passes through. */
static void test_empty_rows(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  config.sequence = RONDO_SEQUENCE_LENGTHS;
  const size_t row = (size_t)config.H * sizeof(float);
  if (CHECK_OK(problem_open(&problem, &config))) {
    problem.lengths[2] = 0;
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    CHECK_OK(rondo_backward(problem.plan, &problem.backward));
    CHECK(memcmp((char *)problem.hn + 2 * row, (char *)problem.h0 + 2 * row, row) == 0);
    CHECK(memcmp((char *)problem.cn + 2 * row, (char *)problem.c0 + 2 * row, row) == 0);
    CHECK(memcmp((char *)problem.dh0 + 2 * row, (char *)problem.dhn + 2 * row, row) == 0);
    CHECK(is_filled((char *)problem.y + 2 * row, 0, row)); /* step 0 of row 2: the padding value */
    problem_close(&problem);
  }
  config.sequence = RONDO_SEQUENCE_PACKED;
  if (CHECK_OK(problem_open(&problem, &config))) {
    const int64_t batch_sizes[2] = {3, 1};
    problem.forward.batch.T = 2;
    problem.forward.batch.S = 4;
    problem.forward.batch.batch_sizes = batch_sizes;
    problem.forward.batch.sorted_indices = NULL;
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    CHECK(memcmp((char *)problem.hn + 3 * row, (char *)problem.h0 + 3 * row, row) == 0);
    CHECK(memcmp((char *)problem.hn + 2 * row, (char *)problem.h0 + 2 * row, row) != 0);
    problem_close(&problem);
  }
}

/* lengths32 is lengths in another type; dropout's seed may come by pointer. */
static void test_other_spellings(void) {
  problem_config_t config = problem_defaults();
  problem_t problem, other;
  int32_t lengths32[PROBLEM_MAX_ROWS];
  const uint64_t seed = 3, offset = 5;
  config.sequence = RONDO_SEQUENCE_LENGTHS;
  config.L = 2;
  config.dropout = 0.5;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  if (CHECK_OK(problem_share(&other, &problem))) {
    for (int n = 0; n < 4; ++n) {
      lengths32[n] = (int32_t)problem.lengths[n];
    }
    other.forward.batch.lengths = other.backward.batch.lengths = NULL;
    other.forward.batch.lengths32 = other.backward.batch.lengths32 = lengths32;
    other.forward.seed = other.forward.offset = 99; /* the pointers are read instead */
    other.forward.seed_ptr = &seed;
    other.forward.offset_ptr = &offset;
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    CHECK_OK(rondo_forward(other.plan, &other.forward));
    CHECK_OK(rondo_backward(problem.plan, &problem.backward));
    CHECK_OK(rondo_backward(other.plan, &other.backward));
    CHECK(problem_same_outputs(&problem, &other));
    other.forward.offset_ptr = NULL; /* offset 99: another mask */
    CHECK_OK(rondo_forward(other.plan, &other.forward));
    CHECK(memcmp(problem.y, other.y, problem.y_bytes) != 0);
    problem_close(&other);
  }
  problem_close(&problem);
}

static void test_single_cell(void) {
  for (rondo_cell_t cell = RONDO_CELL_RNN_TANH; cell <= RONDO_CELL_GRU; ++cell) {
    problem_config_t config = problem_defaults();
    problem_t problem;
    config.cell = cell;
    config.single_cell = 1;
    config.T = 1;
    check_runs(&config);
    if (!CHECK_OK(problem_open(&problem, &config))) {
      continue;
    }
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    CHECK(memcmp(problem.y, problem.hn, problem.h_bytes) == 0);
    problem.forward.y = NULL; /* training too */
    problem.backward.y = NULL;
    problem_fill_outputs(&problem, 0x5A);
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    CHECK_OK(rondo_backward(problem.plan, &problem.backward));
    CHECK(is_filled(problem.y, 0x5A, problem.y_bytes) && !is_filled(problem.hn, 0x5A, problem.h_bytes));
    CHECK(problem_all_finite(problem.dx, RONDO_F32, problem.x_bytes));
    problem_close(&problem);
  }
}

/* A plan needs neither the context's nor the description's handle, and copies the description. */
static void test_handles_may_go(void) {
  problem_config_t config = problem_defaults();
  problem_t problem, kept;
  config.threads = 2;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  if (CHECK_OK(problem_share(&kept, &problem))) {
    CHECK_OK(rondo_forward(kept.plan, &kept.forward));
    CHECK_OK(rondo_rnn_set_int(problem.rnn, RONDO_ATTR_HIDDEN_SIZE, 50));
    rondo_context_destroy(problem.context);
    rondo_rnn_destroy(problem.rnn);
    problem.context = NULL;
    problem.rnn = NULL;
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    CHECK(memcmp(problem.y, kept.y, kept.y_bytes) == 0);
    problem_close(&kept);
  }
  problem_close(&problem);
}

int main(void) {
  test_grid();
  test_absent_outputs();
  test_absent_gradients();
  for (rondo_sequence_t sequence = RONDO_SEQUENCE_FULL; sequence <= RONDO_SEQUENCE_PACKED; ++sequence) {
    check_empty(sequence, 0, 4);
    if (sequence != RONDO_SEQUENCE_PACKED) { /* a packed step has a row, so no rows means no steps */
      check_empty(sequence, 10, 0);
    }
    check_empty(sequence, 0, 0);
  }
  test_empty_rows();
  test_other_spellings();
  test_single_cell();
  test_handles_may_go();
  return check_summary();
}
