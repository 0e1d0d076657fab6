/* Training: truncated backpropagation over parallel streams of text whose states are carried from step to step.
 * The text is a circle: stream n begins n/N of the way round, and none ever ends, so no state is ever reset. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adam.h"
#include "common.h"

static const double clip_norm = 1.0;  /* gradients longer than this are shortened to it */
static const double last_rate = 0.05; /* of the first, reached after `decay` steps */

void trainer_create(trainer_t *trainer, model_t *model, rondo_context_t context) {
  const settings_t *s = &model->settings;
  const int64_t rows = s->seq * s->batch;
  const int64_t classes = model->vocabulary.classes;
  const rondo_plan_args_t arguments = {.struct_size = sizeof(arguments),
                                       .mode = RONDO_TRAINING,
                                       .sequence = RONDO_SEQUENCE_FULL,
                                       .max_T = s->seq,
                                       .max_N = s->batch};
  memset(trainer, 0, sizeof(*trainer));
  trainer->model = model;
  check(rondo_plan_create(context, model->rnn, &arguments, &trainer->plan));
  check(rondo_plan_workspace_size(trainer->plan, &trainer->workspace_size));
  check(rondo_plan_reserve_size(trainer->plan, &trainer->reserve_size));
  trainer->workspace = allocate_aligned(trainer->workspace_size);
  trainer->reserve = allocate_aligned(trainer->reserve_size);
  trainer->decoder.hidden = s->hidden;
  trainer->decoder.classes = classes;
  trainer->decoder.weight = model->parameters + model_decoder_weight(model)->offset;
  trainer->decoder.bias = model->parameters + model_decoder_bias(model)->offset;
  trainer->decoder.transposed = allocate(s->hidden * classes, sizeof(float));
  trainer->inputs = allocate(rows, sizeof(*trainer->inputs));
  trainer->targets = allocate(rows, sizeof(*trainer->targets));
  trainer->x = allocate(rows * s->embedding, sizeof(float));
  trainer->dx = allocate(rows * s->embedding, sizeof(float));
  trainer->y = allocate(rows * s->hidden, sizeof(float));
  trainer->dy = allocate(rows * s->hidden, sizeof(float));
  trainer->logits = allocate(rows * classes, sizeof(float));
  trainer->next_h = allocate(model->state_size, sizeof(float));
  trainer->next_c = model->c != NULL ? allocate(model->state_size, sizeof(float)) : NULL;
}

/* inputs, targets and x of this step */
static void gather(trainer_t *trainer, const text_t *text) {
  const model_t *model = trainer->model;
  const int64_t batch = model->settings.batch;
  const int64_t width = model->settings.embedding;
  const float *embedding = model->parameters + model_embedding(model)->offset;
  for (int64_t n = 0; n < batch; ++n) {
    int64_t at = (model->position + n * (text->train_size / batch)) % text->train_size;
    for (int64_t t = 0; t < model->settings.seq; ++t) {
      const int64_t row = t * batch + n;
      trainer->inputs[row] = text->train[at];
      at = at + 1 < text->train_size ? at + 1 : 0;
      trainer->targets[row] = text->train[at];
      memcpy(trainer->x + row * width, embedding + trainer->inputs[row] * width, (size_t)width * sizeof(float));
    }
  }
}

static void forward(trainer_t *trainer, uint64_t dropout_offset) {
  const model_t *model = trainer->model;
  rondo_forward_args_t arguments = {.struct_size = sizeof(arguments)};
  arguments.batch.T = model->settings.seq;
  arguments.batch.N = model->settings.batch;
  arguments.x = trainer->x;
  arguments.h0 = model->h;
  arguments.c0 = model->c;
  arguments.params = (const void *const *)model->rnn_parameters;
  arguments.param_count = model->rnn_count;
  arguments.y = trainer->y;
  arguments.hn = trainer->next_h;
  arguments.cn = trainer->next_c;
  arguments.seed = (uint64_t)model->settings.seed;
  arguments.offset = dropout_offset;
  arguments.workspace = trainer->workspace;
  arguments.workspace_size = trainer->workspace_size;
  arguments.reserve = trainer->reserve;
  arguments.reserve_size = trainer->reserve_size;
  check(rondo_forward(trainer->plan, &arguments));
}

/* From dy; truncated, so nothing comes from the steps after and nothing goes to those before. */
static void backward(trainer_t *trainer) {
  const model_t *model = trainer->model;
  rondo_backward_args_t arguments = {.struct_size = sizeof(arguments)};
  arguments.batch.T = model->settings.seq;
  arguments.batch.N = model->settings.batch;
  arguments.x = trainer->x;
  arguments.h0 = model->h;
  arguments.c0 = model->c;
  arguments.params = (const void *const *)model->rnn_parameters;
  arguments.param_count = model->rnn_count;
  arguments.y = trainer->y;
  arguments.dy = trainer->dy;
  arguments.dx = trainer->dx;
  arguments.dparams = model->rnn_gradients;
  arguments.workspace = trainer->workspace;
  arguments.workspace_size = trainer->workspace_size;
  arguments.reserve = trainer->reserve;
  arguments.reserve_size = trainer->reserve_size;
  check(rondo_backward(trainer->plan, &arguments));
}

/* The rows of a byte's embedding get the gradients of all its places. */
static void scatter(trainer_t *trainer, float *dembedding) {
  const int64_t width = trainer->model->settings.embedding;
  const int64_t rows = trainer->model->settings.seq * trainer->model->settings.batch;
  for (int64_t row = 0; row < rows; ++row) {
    float *to = dembedding + trainer->inputs[row] * width;
    for (int64_t j = 0; j < width; ++j) {
      to[j] += trainer->dx[row * width + j];
    }
  }
}

/* Half a cosine from lr down; a function of the step alone, so that a run in two parts is one run. */
static double rate_at(const settings_t *settings, int64_t step) {
  const double part = step < settings->decay ? (double)step / (double)settings->decay : 1;
  return settings->lr * (last_rate + (1 - last_rate) * 0.5 * (1 + cos(part * 3.14159265358979323846)));
}

static void swap(float **a, float **b) {
  float *held = *a;
  *a = *b;
  *b = held;
}

double trainer_step(trainer_t *trainer, const text_t *text) {
  model_t *model = trainer->model;
  const int64_t rows = model->settings.seq * model->settings.batch;
  const int64_t classes = model->vocabulary.classes;
  memset(model->gradients, 0, (size_t)model->size * sizeof(float));
  gather(trainer, text);
  forward(trainer, random_next(&model->random));
  decoder_transpose(&trainer->decoder);
  decoder_forward(&trainer->decoder, rows, trainer->y, trainer->logits);
  const double loss = cross_entropy(rows, classes, trainer->targets, 1 / (float)rows, trainer->logits);
  decoder_backward(&trainer->decoder, rows, trainer->y, trainer->logits, trainer->dy,
                   model->gradients + model_decoder_weight(model)->offset,
                   model->gradients + model_decoder_bias(model)->offset);
  backward(trainer);
  scatter(trainer, model->gradients + model_embedding(model)->offset);

  const double norm = gradient_norm(model->size, model->gradients);
  if (!isfinite(loss) || !isfinite(norm)) {
    refuse(EXIT_CANNOT, "training diverged in step %lld (loss %g, gradient norm %g); a smaller --lr may help",
           (long long)model->step + 1, loss / (double)rows, norm);
  }
  adam_update(model->size, model->step + 1, rate_at(&model->settings, model->step),
              norm > clip_norm ? clip_norm / norm : 1, model->gradients, model->first, model->second,
              model->parameters);
  swap(&model->h, &trainer->next_h);
  swap(&model->c, &trainer->next_c);
  model->position = (model->position + model->settings.seq) % text->train_size;
  ++model->step;
  return loss / (double)rows / log(2.0);
}

void trainer_free(trainer_t *trainer) {
  rondo_plan_destroy(trainer->plan);
  free(trainer->decoder.transposed);
  free(trainer->inputs);
  free(trainer->targets);
  free(trainer->x);
  free(trainer->dx);
  free(trainer->y);
  free(trainer->dy);
  free(trainer->logits);
  free(trainer->next_h);
  free(trainer->next_c);
  free(trainer->workspace);
  free(trainer->reserve);
  memset(trainer, 0, sizeof(*trainer));
}
