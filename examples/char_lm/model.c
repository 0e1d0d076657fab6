/* The model: its parameters under PyTorch's names, Adam's moments, and all that training carries from step to step.
 * rondo tells the recurrent tensors' names and shapes; the embedding comes before them, the decoder after. */
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

tensor_t *model_embedding(const model_t *model) { return model->tensors; }
tensor_t *model_decoder_weight(const model_t *model) { return model->tensors + model->rnn_count + 1; }
tensor_t *model_decoder_bias(const model_t *model) { return model->tensors + model->rnn_count + 2; }

static void make_rnn(model_t *model) {
  const settings_t *s = &model->settings;
  check(rondo_rnn_create(&model->rnn));
  check(rondo_rnn_set_int(model->rnn, RONDO_ATTR_CELL, s->cell));
  check(rondo_rnn_set_int(model->rnn, RONDO_ATTR_INPUT_SIZE, s->embedding));
  check(rondo_rnn_set_int(model->rnn, RONDO_ATTR_HIDDEN_SIZE, s->hidden));
  check(rondo_rnn_set_int(model->rnn, RONDO_ATTR_NUM_LAYERS, s->layers));
  check(rondo_rnn_set_float(model->rnn, RONDO_ATTR_DROPOUT, s->dropout));
  /* Everything here lies in host memory. */
  check(rondo_rnn_set_int(model->rnn, RONDO_ATTR_DEVICE, RONDO_DEVICE_CPU));
  check(rondo_rnn_param_count(model->rnn, &model->rnn_count));
}

static void add_tensor(model_t *model, const char *name, int64_t rank, int64_t rows, int64_t columns) {
  tensor_t *tensor = &model->tensors[model->tensor_count++];
  snprintf(tensor->name, sizeof(tensor->name), "%s", name);
  tensor->rank = rank;
  tensor->rows = rows;
  tensor->columns = columns;
  tensor->offset = model->size;
  model->size += rows * columns;
}

void model_describe(model_t *model, const settings_t *settings, const vocabulary_t *vocabulary, uint64_t text_digest) {
  memset(model, 0, sizeof(*model));
  model->settings = *settings;
  model->vocabulary = *vocabulary;
  model->text_digest = text_digest;
  make_rnn(model);
  model->tensors = allocate(model->rnn_count + 3, sizeof(*model->tensors));
  add_tensor(model, "embedding.weight", 2, vocabulary->classes, settings->embedding);
  for (int64_t k = 0; k < model->rnn_count; ++k) {
    rondo_param_info_t info = {.struct_size = sizeof(info)};
    char name[64];
    check(rondo_rnn_param_info(model->rnn, k, &info));
    snprintf(name, sizeof(name), "rnn.%s", info.name);
    add_tensor(model, name, info.rank, info.rows, info.columns);
  }
  add_tensor(model, "decoder.weight", 2, vocabulary->classes, settings->hidden);
  add_tensor(model, "decoder.bias", 1, vocabulary->classes, 1);
  model->state_size = settings->layers * settings->batch * settings->hidden;
}

void model_allocate(model_t *model) {
  model->parameters = allocate(model->size, sizeof(float));
  model->gradients = allocate(model->size, sizeof(float));
  model->first = allocate(model->size, sizeof(float));
  model->second = allocate(model->size, sizeof(float));
  model->rnn_parameters = allocate(model->rnn_count, sizeof(void *));
  model->rnn_gradients = allocate(model->rnn_count, sizeof(void *));
  for (int64_t k = 0; k < model->rnn_count; ++k) {
    model->rnn_parameters[k] = model->parameters + model->tensors[k + 1].offset;
    model->rnn_gradients[k] = model->gradients + model->tensors[k + 1].offset;
  }
  model->h = allocate(model->state_size, sizeof(float));
  model->c = model->settings.cell == RONDO_CELL_LSTM ? allocate(model->state_size, sizeof(float)) : NULL;
}

static void fill_uniform(model_t *model, const tensor_t *tensor, double bound) {
  float *values = model->parameters + tensor->offset;
  for (int64_t k = 0; k < tensor->rows * tensor->columns; ++k) {
    values[k] = (float)((2 * random_uniform(&model->random) - 1) * bound);
  }
}

void model_init(model_t *model, int64_t train_size) {
  const double bound = 1 / sqrt((double)model->settings.hidden);
  model->random.state = (uint64_t)model->settings.seed;
  check(rondo_rnn_init_params(model->rnn, random_next(&model->random), model->rnn_parameters, model->rnn_count));
  /* Variance 1, as PyTorch's Embedding: with smaller inputs the recurrent layer learns more slowly. */
  fill_uniform(model, model_embedding(model), sqrt(3.0));
  fill_uniform(model, model_decoder_weight(model), bound);
  fill_uniform(model, model_decoder_bias(model), bound);
  model->position = (int64_t)(random_next(&model->random) % (uint64_t)train_size);
}

void model_free(model_t *model) {
  rondo_rnn_destroy(model->rnn);
  free(model->tensors);
  free(model->parameters);
  free(model->gradients);
  free(model->first);
  free(model->second);
  free(model->rnn_parameters);
  free(model->rnn_gradients);
  free(model->h);
  free(model->c);
  memset(model, 0, sizeof(*model));
}
