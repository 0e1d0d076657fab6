/* Streaming inference: an LSTM trained in PyTorch (train_model.py) hears samples as they come, one a line on standard
 * input, and says after each whether the tone is fast or slow. usage: c_streaming MODEL.safetensors < SAMPLES
 * A step costs the same however long the stream is: the plan is made for T = 1 and the state is all that is kept. */
#include <inttypes.h>
#include <math.h>
#include <rondo/rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../char_lm/safetensors.h" /* and refuse(), check(), allocate(): a fault ends the program */

enum { PARAMS = 4 }; /* of one layer in one direction: weight_ih, weight_hh, bias_ih, bias_hh */

typedef struct {
  rondo_context_t context;
  rondo_rnn_t lstm;
  rondo_plan_t plan;
  int64_t hidden;
  rondo_forward_args_t step;  /* points at what follows */
  float sample, *h[2], *c[2]; /* outputs alias no input, so the state has two places, used in turn */
  const void *params[PARAMS];
  const float *readout_weight, *readout_bias;
} model_t;

/* A tensor of the file with that shape: [rows, columns] of rank 2, [rows] of rank 1. */
static const float *tensor(const safetensors_t *file, const char *name, int64_t rank, int64_t rows, int64_t columns) {
  const safetensors_entry_t *entry = safetensors_entry(file, name);
  const int64_t elements = rows * columns;
  if (entry == NULL || strcmp(entry->dtype, "F32") != 0 || entry->rank != rank || entry->shape[0] != rows ||
      (rank == 2 && entry->shape[1] != columns) || entry->end - entry->begin != elements * (int64_t)sizeof(float)) {
    refuse(EXIT_WRONG, "%s: holds no F32 tensor '%s' of rank %" PRId64 ", %" PRId64 " by %" PRId64, file->path, name,
           rank, rows, columns);
  }
  float *values = allocate(elements, sizeof(float)); /* the file's own bytes need not be aligned */
  memcpy(values, file->data + entry->begin, (size_t)elements * sizeof(float));
  return values;
}

static void open_model(model_t *model, const safetensors_t *file) {
  const safetensors_entry_t *recurrent = safetensors_entry(file, "lstm.weight_hh_l0"); /* [4*H, H] */
  int64_t packed_size = 0;
  if (recurrent == NULL || recurrent->rank != 2) {
    refuse(EXIT_WRONG, "%s: holds no matrix 'lstm.weight_hh_l0'", file->path);
  }
  model->hidden = recurrent->shape[1];
  check(rondo_context_create(&model->context));
  check(rondo_rnn_create(&model->lstm));
  check(rondo_rnn_set_int(model->lstm, RONDO_ATTR_CELL, RONDO_CELL_LSTM));
  check(rondo_rnn_set_int(model->lstm, RONDO_ATTR_INPUT_SIZE, 1));
  check(rondo_rnn_set_int(model->lstm, RONDO_ATTR_HIDDEN_SIZE, model->hidden));
  check(rondo_rnn_set_int(model->lstm, RONDO_ATTR_DEVICE, RONDO_DEVICE_CPU));
  for (int64_t k = 0; k < PARAMS; ++k) { /* rondo's names are PyTorch's, without the module's */
    rondo_param_info_t info = {.struct_size = sizeof(info)};
    char name[64];
    check(rondo_rnn_param_info(model->lstm, k, &info));
    snprintf(name, sizeof(name), "lstm.%s", info.name);
    model->params[k] = tensor(file, name, info.rank, info.rows, info.columns);
  }
  model->readout_weight = tensor(file, "readout.weight", 2, 1, model->hidden);
  model->readout_bias = tensor(file, "readout.bias", 1, 1, 1);
  const rondo_plan_args_t one_step = {.struct_size = sizeof(one_step), .mode = RONDO_INFERENCE, .max_T = 1, .max_N = 1};
  check(rondo_plan_create(model->context, model->lstm, &one_step, &model->plan));
  model->step = (rondo_forward_args_t){.struct_size = sizeof(model->step), .batch = {.T = 1, .N = 1}};
  check(rondo_plan_packed_size(model->plan, &packed_size));
  void *packed = allocate_aligned(packed_size); /* rearranged once, read at every step */
  check(rondo_plan_pack_params(model->plan, model->params, PARAMS, packed, packed_size));
  check(rondo_plan_workspace_size(model->plan, &model->step.workspace_size));
  model->step.packed_params = packed;
  model->step.workspace = allocate_aligned(model->step.workspace_size);
  model->step.x = &model->sample;
  for (int k = 0; k < 2; ++k) { /* zeroed: the state before the first sample */
    model->h[k] = allocate(model->hidden, sizeof(float));
    model->c[k] = allocate(model->hidden, sizeof(float));
  }
  printf("# lstm 1 -> %" PRId64 " on %s: packed parameters %" PRId64 " bytes, workspace %" PRId64 ", state %" PRId64
         "\n",
         model->hidden, rondo_plan_backend_name(model->plan), packed_size, model->step.workspace_size,
         2 * model->hidden * (int64_t)sizeof(float));
}

/* The probability that the tone is fast, by this sample and all before it. Allocates nothing. */
static double hear(model_t *model, float sample, int64_t time) {
  double odds = model->readout_bias[0];
  model->sample = sample;
  model->step.h0 = model->h[time % 2];
  model->step.c0 = model->c[time % 2];
  model->step.hn = model->h[(time + 1) % 2];
  model->step.cn = model->c[(time + 1) % 2];
  check(rondo_forward(model->plan, &model->step));
  for (int64_t k = 0; k < model->hidden; ++k) {
    odds += (double)model->readout_weight[k] * model->h[(time + 1) % 2][k];
  }
  return 1 / (1 + exp(-odds));
}

int main(int argc, char **argv) {
  static model_t model;
  safetensors_t file;
  char line[64], *end;
  if (argc != 2) {
    refuse(EXIT_WRONG, "usage: c_streaming MODEL.safetensors < SAMPLES");
  }
  safetensors_open(&file, argv[1]);
  open_model(&model, &file);
  safetensors_close(&file);
  for (int64_t time = 0; fgets(line, sizeof(line), stdin) != NULL; ++time) {
    const float sample = strtof(line, &end);
    if (end == line || *end != '\n') {
      refuse(EXIT_WRONG, "line %" PRId64 ": '%.*s' is no number", time + 1, (int)strcspn(line, "\n"), line);
    }
    const double fast = hear(&model, sample, time);
    printf("%.4f %.7f %s\n", (double)sample, fast, fast > 0.5 ? "fast" : "slow");
    fflush(stdout); /* the answer is wanted before the next sample */
  }
  rondo_plan_destroy(model.plan);
  rondo_rnn_destroy(model.lstm);
  rondo_context_destroy(model.context);
}
