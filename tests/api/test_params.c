/* Parameter names, shapes and offsets as PyTorch's, over cells, layers, directions, bias and projection; initial
 * values. The expected table is written here from the rule, not read from the library. */
#include <math.h>
#include <stdint.h>

#include "check.h"
#include "problem.h"

typedef struct walk {
  rondo_rnn_t rnn;
  int64_t index, offset;
} walk_t;

static void check_param(walk_t *walk, const char *name, int64_t layer, int64_t direction, int64_t rank, int64_t rows,
                        int64_t columns) {
  rondo_param_info_t info;
  memset(&info, 0xFF, sizeof info);
  info.struct_size = sizeof info;
  if (!CHECK_OK(rondo_rnn_param_info(walk->rnn, walk->index, &info))) {
    return;
  }
  if (!CHECK(strcmp(info.name, name) == 0)) {
    printf("  parameter %d is \"%.56s\", expected \"%s\"\n", (int)walk->index, info.name, name);
  }
  CHECK(info.layer == layer && info.direction == direction);
  CHECK(info.rank == rank && info.rows == rows && info.columns == columns);
  CHECK(info.offset == walk->offset);
  ++walk->index;
  walk->offset += rows * columns;
}

static int64_t gates(rondo_cell_t cell) {
  if (cell == RONDO_CELL_LSTM) {
    return 4;
  }
  return cell == RONDO_CELL_GRU ? 3 : 1;
}

static void check_layout(const problem_config_t *config) {
  walk_t walk = {NULL, 0, 0};
  int64_t D = config->bidirectional + 1, O = config->P > 0 ? config->P : config->H;
  int64_t GH = gates(config->cell) * config->H, count = -1, elements = -1;
  if (!CHECK_OK(problem_make_rnn(config, &walk.rnn))) {
    return;
  }
  for (int64_t layer = 0; layer < config->L; ++layer) {
    for (int64_t direction = 0; direction < D; ++direction) {
      char suffix[32] = "", name[64];
      if (!config->single_cell) {
        snprintf(suffix, sizeof suffix, "_l%d%s", (int)layer, direction == 1 ? "_reverse" : "");
      }
      snprintf(name, sizeof name, "weight_ih%s", suffix);
      check_param(&walk, name, layer, direction, 2, GH, layer == 0 ? config->I : D * O);
      snprintf(name, sizeof name, "weight_hh%s", suffix);
      check_param(&walk, name, layer, direction, 2, GH, O);
      if (config->bias) {
        snprintf(name, sizeof name, "bias_ih%s", suffix);
        check_param(&walk, name, layer, direction, 1, GH, 1);
        snprintf(name, sizeof name, "bias_hh%s", suffix);
        check_param(&walk, name, layer, direction, 1, GH, 1);
      }
      if (config->P > 0) {
        snprintf(name, sizeof name, "weight_hr%s", suffix);
        check_param(&walk, name, layer, direction, 2, config->P, config->H);
      }
    }
  }
  CHECK_OK(rondo_rnn_param_count(walk.rnn, &count));
  CHECK(count == walk.index);
  CHECK_OK(rondo_rnn_flat_size(walk.rnn, &elements));
  CHECK(elements == walk.offset);
  rondo_rnn_destroy(walk.rnn);
}

static void test_layouts(void) {
  for (rondo_cell_t cell = RONDO_CELL_RNN_TANH; cell <= RONDO_CELL_GRU; ++cell) {
    problem_config_t config = problem_defaults();
    config.cell = cell;
    config.H = 7;
    for (config.bias = 0; config.bias <= 1; ++config.bias) {
      config.single_cell = 1;
      check_layout(&config);
      config.single_cell = 0;
      for (config.L = 1; config.L <= 3; ++config.L) {
        for (config.bidirectional = 0; config.bidirectional <= 1; ++config.bidirectional) {
          config.P = 0;
          check_layout(&config);
          if (cell == RONDO_CELL_LSTM) {
            config.P = 3;
            check_layout(&config);
          }
        }
      }
      config.P = 0;
      config.L = 1;
      config.bidirectional = 0;
    }
  }
}

/* Every call that asks for parameters, and a plan, must refuse the combination with the same words. */
static void check_refused(const problem_config_t *config, const char *text) {
  rondo_rnn_t rnn = NULL;
  rondo_context_t context = NULL;
  rondo_plan_t plan = NULL;
  rondo_plan_args_t args = {sizeof args, RONDO_INFERENCE, RONDO_SEQUENCE_FULL, 1, 1, 0};
  rondo_param_info_t info;
  float value = 0.5f;
  void *params[1];
  int64_t number = -7;
  int failures = check_failed_count;
  params[0] = &value;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  if (CHECK_OK(problem_make_rnn(config, &rnn)) && CHECK_OK(rondo_context_create(&context))) {
    CHECK_STATUS(rondo_rnn_param_count(rnn, &number), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK_STATUS(rondo_rnn_param_info(rnn, 0, &info), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK_STATUS(rondo_rnn_flat_size(rnn, &number), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK_STATUS(rondo_rnn_init_params(rnn, 1, params, 1), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK_STATUS(rondo_plan_create(context, rnn, &args, &plan), RONDO_ERROR_INVALID_ARGUMENT, text);
    CHECK(number == -7 && info.rows == 0 && value == 0.5f && plan == NULL);
  }
  if (check_failed_count > failures) {
    printf("  expected a refusal with %s\n", text);
  }
  rondo_context_destroy(context);
  rondo_rnn_destroy(rnn);
}

static void test_refused_combinations(void) {
  const int64_t large = (int64_t)1 << 40;
  problem_config_t config = problem_defaults();
  config.P = 6;
  check_refused(&config, "proj_size|6|hidden_size");
  config.P = 9;
  check_refused(&config, "proj_size|9|hidden_size|6");
  config.P = 3;
  config.cell = RONDO_CELL_GRU;
  check_refused(&config, "proj_size|3|gru");
  config.cell = RONDO_CELL_RNN_RELU;
  check_refused(&config, "proj_size|3|rnn_relu");
  config = problem_defaults();
  config.single_cell = 1;
  config.L = 2;
  check_refused(&config, "single_cell|num_layers|2");
  config.L = 1;
  config.bidirectional = 1;
  check_refused(&config, "single_cell|bidirectional");
  config.bidirectional = 0;
  config.P = 3;
  check_refused(&config, "single_cell|proj_size|3");
  config = problem_defaults();
  config.H = large; /* H*H is 2^80 */
  check_refused(&config, "hidden_size|1099511627776|overflow");
  config.H = (int64_t)1 << 21;
  config.I = large; /* 4*H*I is 2^63 */
  check_refused(&config, "input_size|1099511627776|overflow");
  config = problem_defaults();
  config.I = config.H = (int64_t)1 << 29; /* 8*H*H is 2^61 elements: their bytes overflow */
  check_refused(&config, "hidden_size|536870912|overflow");
}

static void test_sizes_unset(void) {
  rondo_rnn_t rnn = NULL;
  int64_t number = -7;
  if (!CHECK_OK(rondo_rnn_create(&rnn))) {
    return;
  }
  CHECK_STATUS(rondo_rnn_param_count(rnn, &number), RONDO_ERROR_INVALID_ARGUMENT, "_size");
  CHECK_OK(rondo_rnn_set_int(rnn, RONDO_ATTR_INPUT_SIZE, 3));
  CHECK_STATUS(rondo_rnn_param_count(rnn, &number), RONDO_ERROR_INVALID_ARGUMENT, "hidden_size");
  CHECK_STATUS(rondo_rnn_flat_size(rnn, &number), RONDO_ERROR_INVALID_ARGUMENT, "hidden_size");
  rondo_rnn_destroy(rnn);
  rnn = NULL;
  if (!CHECK_OK(rondo_rnn_create(&rnn))) {
    return;
  }
  CHECK_OK(rondo_rnn_set_int(rnn, RONDO_ATTR_HIDDEN_SIZE, 3));
  CHECK_STATUS(rondo_rnn_param_count(rnn, &number), RONDO_ERROR_INVALID_ARGUMENT, "input_size");
  CHECK(number == -7);
  rondo_rnn_destroy(rnn);
}

static void test_refused_arguments(void) {
  problem_config_t config = problem_defaults();
  rondo_rnn_t rnn = NULL;
  rondo_param_info_t info;
  int64_t number = -7;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  if (!CHECK_OK(problem_make_rnn(&config, &rnn))) {
    return;
  }
  CHECK_STATUS(rondo_rnn_param_info(rnn, -1, &info), RONDO_ERROR_INVALID_ARGUMENT, "index|-1");
  CHECK_STATUS(rondo_rnn_param_info(rnn, 4, &info), RONDO_ERROR_INVALID_ARGUMENT, "index|4");
  CHECK_STATUS(rondo_rnn_param_info(rnn, INT64_MAX, &info), RONDO_ERROR_INVALID_ARGUMENT, "index|9223372036854775807");
  CHECK_STATUS(rondo_rnn_param_info(NULL, 0, &info), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  CHECK_STATUS(rondo_rnn_param_count(NULL, &number), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  CHECK_STATUS(rondo_rnn_param_count(rnn, NULL), RONDO_ERROR_INVALID_ARGUMENT, "count");
  CHECK_STATUS(rondo_rnn_flat_size(NULL, &number), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  CHECK_STATUS(rondo_rnn_flat_size(rnn, NULL), RONDO_ERROR_INVALID_ARGUMENT, "elements");
  CHECK(number == -7 && info.rows == 0);
  rondo_rnn_destroy(rnn);
}

/* 24*5, 24*6, 24, 24 elements: the default problem's LSTM. */
enum { ELEMENTS = 24 * 5 + 24 * 6 + 24 + 24 };

static void point_into(void *params[4], void *flat, size_t size) {
  char *bytes = flat;
  params[0] = bytes;
  params[1] = bytes + 24 * 5 * size;
  params[2] = bytes + 24 * 11 * size;
  params[3] = bytes + 24 * 12 * size;
}

static double element(const void *flat, rondo_dtype_t dtype, int k) {
  if (dtype == RONDO_F64) {
    return ((const double *)flat)[k];
  }
  if (dtype == RONDO_F32) {
    return ((const float *)flat)[k];
  }
  unsigned bits = ((const uint16_t *)flat)[k];
  int mantissa_bits = dtype == RONDO_F16 ? 10 : 7, bias = dtype == RONDO_F16 ? 15 : 127;
  int exponent = (int)((bits & 0x7FFFu) >> mantissa_bits);
  int mantissa = (int)(bits & ((1u << mantissa_bits) - 1u));
  double value = exponent == 0 ? ldexp(mantissa, 1 - bias - mantissa_bits)
                               : ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
  return (bits & 0x8000u) != 0 ? -value : value;
}

static void test_init_values(void) {
  problem_config_t config = problem_defaults();
  for (config.dtype = RONDO_F64; config.dtype <= RONDO_BF16; ++config.dtype) {
    /* A value may round up to the bound's neighbour in 16 bits. */
    const double slack = config.dtype == RONDO_F16 ? 1e-3 : config.dtype == RONDO_BF16 ? 8e-3 : 1e-7;
    const double bound = 1 / sqrt(6.0) * (1 + slack);
    double first[ELEMENTS], again[ELEMENTS], other[ELEMENTS];
    double low = 1, high = -1, sum = 0;
    void *params[4];
    rondo_rnn_t rnn = NULL;
    if (!CHECK_OK(problem_make_rnn(&config, &rnn))) {
      continue;
    }
    point_into(params, first, problem_dtype_size(config.dtype));
    CHECK_OK(rondo_rnn_init_params(rnn, 11, params, 4));
    point_into(params, again, problem_dtype_size(config.dtype));
    CHECK_OK(rondo_rnn_init_params(rnn, 11, params, 4));
    point_into(params, other, problem_dtype_size(config.dtype));
    CHECK_OK(rondo_rnn_init_params(rnn, 12, params, 4));
    CHECK(memcmp(first, again, ELEMENTS * problem_dtype_size(config.dtype)) == 0);
    CHECK(memcmp(first, other, ELEMENTS * problem_dtype_size(config.dtype)) != 0);
    for (int k = 0; k < ELEMENTS; ++k) {
      double value = element(first, config.dtype, k);
      low = value < low ? value : low;
      high = value > high ? value : high;
      sum += value;
    }
    CHECK(low >= -bound && high <= bound);
    CHECK(low < -0.9 * bound && high > 0.9 * bound); /* 312 draws: misses by chance with odds of 1e-7 */
    CHECK(fabs(sum / ELEMENTS) < 0.08);              /* six standard deviations of the mean */
    rondo_rnn_destroy(rnn);
  }
}

/* A pure function of seed, index and element: a second layer leaves the first one's values as they were. */
static void test_init_is_pure(void) {
  problem_config_t config = problem_defaults();
  float one[ELEMENTS], two[ELEMENTS], upper[ELEMENTS + 24];
  void *params[8];
  rondo_rnn_t rnn = NULL;
  if (CHECK_OK(problem_make_rnn(&config, &rnn))) {
    point_into(params, one, sizeof(float));
    CHECK_OK(rondo_rnn_init_params(rnn, 11, params, 4));
    rondo_rnn_destroy(rnn);
  }
  config.L = 2;
  if (CHECK_OK(problem_make_rnn(&config, &rnn))) {
    point_into(params, two, sizeof(float));
    params[4] = upper; /* 24*6, 24*6, 24, 24 */
    params[5] = upper + 144;
    params[6] = upper + 288;
    params[7] = upper + 312;
    CHECK_OK(rondo_rnn_init_params(rnn, 11, params, 8));
    CHECK(memcmp(one, two, sizeof one) == 0);
    CHECK(memcmp(upper, upper + 144, 144 * sizeof(float)) != 0);
    rondo_rnn_destroy(rnn);
  }
}

static void test_init_refused(void) {
  problem_config_t config = problem_defaults();
  float flat[ELEMENTS];
  void *params[4];
  rondo_rnn_t rnn = NULL;
  if (!CHECK_OK(problem_make_rnn(&config, &rnn))) {
    return;
  }
  for (int k = 0; k < ELEMENTS; ++k) {
    flat[k] = 2;
  }
  point_into(params, flat, sizeof(float));
  CHECK_STATUS(rondo_rnn_init_params(rnn, 1, params, 3), RONDO_ERROR_INVALID_ARGUMENT, "count|3|4");
  CHECK_STATUS(rondo_rnn_init_params(rnn, 1, params, -1), RONDO_ERROR_INVALID_ARGUMENT, "count|-1|4");
  CHECK_STATUS(rondo_rnn_init_params(rnn, 1, NULL, 4), RONDO_ERROR_INVALID_ARGUMENT, "params");
  CHECK_STATUS(rondo_rnn_init_params(NULL, 1, params, 4), RONDO_ERROR_INVALID_ARGUMENT, "rnn");
  params[3] = NULL;
  CHECK_STATUS(rondo_rnn_init_params(rnn, 1, params, 4), RONDO_ERROR_INVALID_ARGUMENT, "params[3]");
  params[3] = (char *)(void *)flat + 24 * 12 * sizeof(float) + 1;
  CHECK_STATUS(rondo_rnn_init_params(rnn, 1, params, 4), RONDO_ERROR_INVALID_ARGUMENT, "params[3]");
  for (int k = 0; k < ELEMENTS; ++k) {
    if (flat[k] != 2) {
      CHECK(flat[k] == 2);
      break;
    }
  }
  rondo_rnn_destroy(rnn);
}

int main(void) {
  test_layouts();
  test_refused_combinations();
  test_sizes_unset();
  test_refused_arguments();
  test_init_values();
  test_init_is_pure();
  test_init_refused();
  return check_summary();
}
