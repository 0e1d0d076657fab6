/* Builds the small problems that the execute, threads and no-allocation tests run.
 * Values are made bit by bit from a counter, so that they are the same on every machine and in every type. */
#define _POSIX_C_SOURCE 200809L
#include "problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERN = 0xA5 };

problem_config_t problem_defaults(void) {
  problem_config_t config;
  memset(&config, 0, sizeof config);
  config.cell = RONDO_CELL_LSTM;
  config.dtype = RONDO_F32;
  config.layout = RONDO_TIME_MAJOR;
  config.mode = RONDO_TRAINING;
  config.sequence = RONDO_SEQUENCE_FULL;
  config.I = 5;
  config.H = 6;
  config.L = 1;
  config.bias = 1;
  config.T = 10;
  config.N = 4;
  config.threads = 1;
  config.values_seed = 1;
  return config;
}

size_t problem_dtype_size(rondo_dtype_t dtype) {
  if (dtype == RONDO_F64) {
    return 8;
  }
  return dtype == RONDO_F32 ? 4 : 2;
}

void *problem_allocate(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, bytes > 0 ? bytes : 1) != 0) {
    fprintf(stderr, "no memory for a test's buffer of %lu bytes\n", (unsigned long)bytes);
    exit(EXIT_FAILURE);
  }
  memset(memory, PATTERN, bytes > 0 ? bytes : 1);
  return memory;
}

static uint32_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 40);
}

/* Values of magnitude 0.5 to 1 and random sign: in 16 bits the exponent is fixed and the mantissa random. */
static void *random_values(rondo_dtype_t dtype, size_t bytes, uint64_t *state) {
  void *data = problem_allocate(bytes);
  size_t count = bytes / problem_dtype_size(dtype);
  for (size_t k = 0; k < count; ++k) {
    uint32_t random = next_random(state);
    double value = (0.5 + (double)(random & 0xFFFF) / 131072.0) * ((random & 0x10000) != 0 ? 1 : -1);
    uint16_t sign = (uint16_t)((random & 0x10000) >> 1);
    if (dtype == RONDO_F64) {
      ((double *)data)[k] = value;
    } else if (dtype == RONDO_F32) {
      ((float *)data)[k] = (float)value;
    } else if (dtype == RONDO_F16) {
      ((uint16_t *)data)[k] = (uint16_t)(sign | (14u << 10) | (random & 0x3FFu));
    } else {
      ((uint16_t *)data)[k] = (uint16_t)(sign | (126u << 7) | (random & 0x7Fu));
    }
  }
  return data;
}

int problem_all_finite(const void *data, rondo_dtype_t dtype, size_t bytes) {
  size_t count = bytes / problem_dtype_size(dtype);
  for (size_t k = 0; k < count; ++k) {
    int finite = 1;
    if (dtype == RONDO_F64) {
      finite = isfinite(((const double *)data)[k]) != 0;
    } else if (dtype == RONDO_F32) {
      finite = isfinite(((const float *)data)[k]) != 0;
    } else {
      unsigned exponent = dtype == RONDO_F16 ? 0x7C00u : 0x7F80u;
      finite = (((const uint16_t *)data)[k] & exponent) != exponent;
    }
    if (!finite) {
      return 0;
    }
  }
  return 1;
}

static rondo_status_t set_attributes(rondo_rnn_t rnn, const problem_config_t *config) {
  const struct {
    rondo_attribute_t attribute;
    int64_t value;
  } values[] = {
      {RONDO_ATTR_CELL, config->cell},
      {RONDO_ATTR_INPUT_SIZE, config->I},
      {RONDO_ATTR_HIDDEN_SIZE, config->H},
      {RONDO_ATTR_PROJ_SIZE, config->P},
      {RONDO_ATTR_NUM_LAYERS, config->L},
      {RONDO_ATTR_BIDIRECTIONAL, config->bidirectional},
      {RONDO_ATTR_BIAS, config->bias},
      {RONDO_ATTR_DTYPE, config->dtype},
      {RONDO_ATTR_LAYOUT, config->layout},
      {RONDO_ATTR_CONSUME_RESERVE, config->consume_reserve},
      {RONDO_ATTR_SINGLE_CELL, config->single_cell},
      {RONDO_ATTR_DEVICE, RONDO_DEVICE_CPU},
  };
  for (size_t k = 0; k < sizeof values / sizeof values[0]; ++k) {
    rondo_status_t status = rondo_rnn_set_int(rnn, values[k].attribute, values[k].value);
    if (status != RONDO_OK) {
      return status;
    }
  }
  return rondo_rnn_set_float(rnn, RONDO_ATTR_DROPOUT, config->dropout);
}

rondo_status_t problem_make_rnn(const problem_config_t *config, rondo_rnn_t *rnn) {
  rondo_rnn_t made = NULL;
  rondo_status_t status = rondo_rnn_create(&made);
  if (status == RONDO_OK) {
    status = set_attributes(made, config);
  }
  if (status != RONDO_OK) {
    rondo_rnn_destroy(made);
    return status;
  }
  *rnn = made;
  return RONDO_OK;
}

static rondo_status_t make_handles(problem_t *problem) {
  const problem_config_t *config = &problem->config;
  rondo_plan_args_t args;
  rondo_status_t status = rondo_context_create(&problem->context);
  if (status == RONDO_OK) {
    status = rondo_context_set_threads(problem->context, config->threads);
  }
  if (status == RONDO_OK) {
    status = problem_make_rnn(config, &problem->rnn);
  }
  if (status != RONDO_OK) {
    return status;
  }
  memset(&args, 0, sizeof args);
  args.struct_size = sizeof args;
  args.mode = config->mode;
  args.sequence = config->sequence;
  args.max_T = config->max_T > 0 ? config->max_T : config->T;
  args.max_N = config->max_N > 0 ? config->max_N : config->N;
  args.max_S = config->max_S;
  return rondo_plan_create(problem->context, problem->rnn, &args, &problem->plan);
}

/* Row k of lengths is k places behind the longest, which is row 1: T = 10, N = 4 gives 4 10 8 6. */
static void make_lengths(problem_t *problem) {
  int64_t T = problem->config.T, N = problem->config.N, sum = 0;
  for (int64_t n = 0; n < N; ++n) {
    int64_t place = (n + N - 1) % N;
    problem->lengths[n] = T - place * (T / (N + 1));
    problem->sorted_indices[place] = n;
    sum += problem->lengths[n];
  }
  for (int64_t t = 0; t < T && t < PROBLEM_MAX_STEPS; ++t) {
    problem->batch_sizes[t] = 0;
    for (int64_t n = 0; n < N; ++n) {
      problem->batch_sizes[t] += problem->lengths[n] > t ? 1 : 0;
    }
  }
  problem->S = problem->config.sequence == RONDO_SEQUENCE_FULL ? T * N : sum;
}

static rondo_status_t make_params(problem_t *problem) {
  size_t size = problem_dtype_size(problem->config.dtype);
  rondo_status_t status = rondo_rnn_param_count(problem->rnn, &problem->param_count);
  if (status == RONDO_OK && problem->param_count > PROBLEM_MAX_PARAMS) {
    fprintf(stderr, "a test's problem has more than %d parameters\n", PROBLEM_MAX_PARAMS);
    exit(EXIT_FAILURE);
  }
  for (int64_t k = 0; status == RONDO_OK && k < problem->param_count; ++k) {
    rondo_param_info_t info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    status = rondo_rnn_param_info(problem->rnn, k, &info);
    problem->param_elements[k] = info.rows * info.columns;
    problem->params[k] = problem_allocate((size_t)problem->param_elements[k] * size);
    problem->dparams[k] = problem_allocate((size_t)problem->param_elements[k] * size);
  }
  if (status == RONDO_OK) {
    status = rondo_rnn_init_params(problem->rnn, 7, problem->params, problem->param_count);
  }
  return status;
}

static void add_output(problem_t *problem, void *data, size_t bytes) {
  problem_output_t *output = &problem->outputs[problem->output_count++];
  output->data = data;
  output->copy = problem_allocate(bytes);
  output->bytes = bytes;
}

static void make_arrays(problem_t *problem) {
  const problem_config_t *config = &problem->config;
  size_t size = problem_dtype_size(config->dtype);
  int64_t rows = config->sequence == RONDO_SEQUENCE_PACKED ? problem->S : config->T * config->N;
  uint64_t state = config->values_seed;
  problem->x_bytes = (size_t)(rows * config->I) * size;
  problem->y_bytes = (size_t)(rows * problem->D * problem->O) * size;
  problem->h_bytes = (size_t)(config->L * problem->D * config->N * problem->O) * size;
  problem->c_bytes = (size_t)(config->L * problem->D * config->N * config->H) * size;
  problem->x = random_values(config->dtype, problem->x_bytes, &state);
  problem->h0 = random_values(config->dtype, problem->h_bytes, &state);
  problem->dy = random_values(config->dtype, problem->y_bytes, &state);
  problem->dhn = random_values(config->dtype, problem->h_bytes, &state);
  problem->y = problem_allocate(problem->y_bytes);
  problem->hn = problem_allocate(problem->h_bytes);
  problem->dx = problem_allocate(problem->x_bytes);
  problem->dh0 = problem_allocate(problem->h_bytes);
  problem->workspace = problem_allocate((size_t)problem->workspace_size);
  problem->reserve = problem_allocate((size_t)problem->reserve_size);
  if (config->cell == RONDO_CELL_LSTM) {
    problem->c0 = random_values(config->dtype, problem->c_bytes, &state);
    problem->dcn = random_values(config->dtype, problem->c_bytes, &state);
    problem->cn = problem_allocate(problem->c_bytes);
    problem->dc0 = problem_allocate(problem->c_bytes);
  }
  add_output(problem, problem->reserve, (size_t)problem->reserve_size);
  add_output(problem, problem->y, problem->y_bytes);
  add_output(problem, problem->hn, problem->h_bytes);
  if (problem->cn != NULL) {
    add_output(problem, problem->cn, problem->c_bytes);
  }
  problem->first_gradient = problem->output_count;
  add_output(problem, problem->dx, problem->x_bytes);
  add_output(problem, problem->dh0, problem->h_bytes);
  if (problem->dc0 != NULL) {
    add_output(problem, problem->dc0, problem->c_bytes);
  }
  for (int64_t k = 0; k < problem->param_count; ++k) {
    add_output(problem, problem->dparams[k], (size_t)problem->param_elements[k] * size);
  }
}

static void make_args(problem_t *problem) {
  rondo_forward_args_t *forward = &problem->forward;
  rondo_backward_args_t *backward = &problem->backward;
  const problem_config_t *config = &problem->config;
  forward->struct_size = sizeof *forward;
  forward->batch.T = config->T;
  forward->batch.N = config->N;
  if (config->sequence == RONDO_SEQUENCE_LENGTHS) {
    forward->batch.lengths = problem->lengths;
  } else if (config->sequence == RONDO_SEQUENCE_PACKED) {
    forward->batch.S = problem->S;
    forward->batch.batch_sizes = problem->batch_sizes;
    forward->batch.sorted_indices = problem->sorted_indices;
  }
  forward->x = problem->x;
  forward->h0 = problem->h0;
  forward->c0 = problem->c0;
  forward->params = (const void *const *)problem->params;
  forward->param_count = problem->param_count;
  forward->y = problem->y;
  forward->hn = problem->hn;
  forward->cn = problem->cn;
  forward->seed = 3;
  forward->offset = 5;
  forward->workspace = problem->workspace;
  forward->workspace_size = problem->workspace_size;
  if (config->mode == RONDO_TRAINING) {
    forward->reserve = problem->reserve;
    forward->reserve_size = problem->reserve_size;
  }
  backward->struct_size = sizeof *backward;
  backward->batch = forward->batch;
  backward->x = forward->x;
  backward->h0 = forward->h0;
  backward->c0 = forward->c0;
  backward->params = forward->params;
  backward->param_count = forward->param_count;
  backward->y = problem->y;
  backward->dy = problem->dy;
  backward->dhn = problem->dhn;
  backward->dcn = problem->dcn;
  backward->dx = problem->dx;
  backward->dh0 = problem->dh0;
  backward->dc0 = problem->dc0;
  backward->dparams = problem->dparams;
  backward->workspace = forward->workspace;
  backward->workspace_size = forward->workspace_size;
  backward->reserve = forward->reserve;
  backward->reserve_size = forward->reserve_size;
}

static rondo_status_t make_buffers(problem_t *problem) {
  const problem_config_t *config = &problem->config;
  problem->D = config->bidirectional != 0 ? 2 : 1;
  problem->O = config->P > 0 ? config->P : config->H;
  if (config->N > PROBLEM_MAX_ROWS || (config->T > PROBLEM_MAX_STEPS && config->sequence == RONDO_SEQUENCE_PACKED)) {
    fprintf(stderr, "a test's problem is too large for its helper\n");
    exit(EXIT_FAILURE);
  }
  make_lengths(problem);
  rondo_status_t status = rondo_plan_workspace_size(problem->plan, &problem->workspace_size);
  if (status == RONDO_OK) {
    status = rondo_plan_reserve_size(problem->plan, &problem->reserve_size);
  }
  if (status == RONDO_OK) {
    status = make_params(problem);
  }
  if (status == RONDO_OK) {
    make_arrays(problem);
    make_args(problem);
  }
  return status;
}

rondo_status_t problem_open(problem_t *problem, const problem_config_t *config) {
  memset(problem, 0, sizeof *problem);
  problem->config = *config;
  problem->owns_handles = 1;
  rondo_status_t status = make_handles(problem);
  if (status == RONDO_OK) {
    status = make_buffers(problem);
  }
  if (status != RONDO_OK) {
    problem_close(problem);
  }
  return status;
}

rondo_status_t problem_share(problem_t *problem, const problem_t *owner) {
  memset(problem, 0, sizeof *problem);
  problem->config = owner->config;
  problem->rnn = owner->rnn;
  problem->plan = owner->plan;
  rondo_status_t status = make_buffers(problem);
  if (status != RONDO_OK) {
    problem_close(problem);
  }
  return status;
}

void problem_close(problem_t *problem) {
  void *arrays[] = {problem->x,   problem->h0,  problem->c0,        problem->y,      problem->hn,
                    problem->cn,  problem->dy,  problem->dhn,       problem->dcn,    problem->dx,
                    problem->dh0, problem->dc0, problem->workspace, problem->reserve};
  for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; ++k) {
    free(arrays[k]);
  }
  for (int k = 0; k < problem->output_count; ++k) {
    free(problem->outputs[k].copy);
  }
  for (int k = 0; k < PROBLEM_MAX_PARAMS; ++k) {
    free(problem->params[k]);
    free(problem->dparams[k]);
  }
  if (problem->owns_handles) {
    rondo_plan_destroy(problem->plan);
    rondo_rnn_destroy(problem->rnn);
    rondo_context_destroy(problem->context);
  }
  memset(problem, 0, sizeof *problem);
}

void problem_fill_outputs(problem_t *problem, int byte) {
  for (int k = 0; k < problem->output_count; ++k) {
    memset(problem->outputs[k].data, byte, problem->outputs[k].bytes);
  }
}

void problem_remember(problem_t *problem) {
  for (int k = 0; k < problem->output_count; ++k) {
    memcpy(problem->outputs[k].copy, problem->outputs[k].data, problem->outputs[k].bytes);
  }
}

int problem_unchanged(const problem_t *problem) {
  for (int k = 0; k < problem->output_count; ++k) {
    if (memcmp(problem->outputs[k].copy, problem->outputs[k].data, problem->outputs[k].bytes) != 0) {
      return 0;
    }
  }
  return 1;
}

int problem_same_outputs(const problem_t *a, const problem_t *b) {
  for (int k = 1; k < a->output_count; ++k) { /* output 0 is the reserve, whose unused bytes may differ */
    if (memcmp(a->outputs[k].data, b->outputs[k].data, a->outputs[k].bytes) != 0) {
      return 0;
    }
  }
  return 1;
}
