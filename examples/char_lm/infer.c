/* Using a model: its loss on held-out text, and the next byte's logits. One inference plan serves both.
 * The held-out text is read as several streams at once, because one alone would use little of a processor. */
#include "infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

enum { STREAMS = 32, STEPS = 64 }; /* the largest call */

void predictor_create(predictor_t *predictor, const model_t *model, rondo_context_t context) {
  const settings_t *s = &model->settings;
  const int64_t classes = model->vocabulary.classes;
  const int64_t rows = (int64_t)STREAMS * STEPS;
  const int64_t state = s->layers * STREAMS * s->hidden;
  const int lstm = s->cell == RONDO_CELL_LSTM;
  const rondo_plan_args_t arguments = {.struct_size = sizeof(arguments),
                                       .mode = RONDO_INFERENCE,
                                       .sequence = RONDO_SEQUENCE_FULL,
                                       .max_T = STEPS,
                                       .max_N = STREAMS};
  int64_t packed_size = 0;
  memset(predictor, 0, sizeof(*predictor));
  predictor->model = model;
  check(rondo_plan_create(context, model->rnn, &arguments, &predictor->plan));
  check(rondo_plan_workspace_size(predictor->plan, &predictor->workspace_size));
  check(rondo_plan_packed_size(predictor->plan, &packed_size));
  predictor->workspace = allocate_aligned(predictor->workspace_size);
  predictor->packed = allocate_aligned(packed_size);
  check(rondo_plan_pack_params(predictor->plan, (const void *const *)model->rnn_parameters, model->rnn_count,
                               predictor->packed, packed_size));
  predictor->decoder.hidden = s->hidden;
  predictor->decoder.classes = classes;
  predictor->decoder.weight = model->parameters + model_decoder_weight(model)->offset;
  predictor->decoder.bias = model->parameters + model_decoder_bias(model)->offset;
  predictor->decoder.transposed = allocate(s->hidden * classes, sizeof(float));
  decoder_transpose(&predictor->decoder);
  predictor->targets = allocate(rows, sizeof(*predictor->targets));
  predictor->x = allocate(rows * s->embedding, sizeof(float));
  predictor->y = allocate(rows * s->hidden, sizeof(float));
  predictor->logits = allocate(rows * classes, sizeof(float));
  predictor->h = allocate(state, sizeof(float));
  predictor->next_h = allocate(state, sizeof(float));
  predictor->c = lstm ? allocate(state, sizeof(float)) : NULL;
  predictor->next_c = lstm ? allocate(state, sizeof(float)) : NULL;
}

void predictor_reset(predictor_t *predictor) {
  const settings_t *s = &predictor->model->settings;
  const size_t size = (size_t)(s->layers * STREAMS * s->hidden) * sizeof(float);
  memset(predictor->h, 0, size);
  if (predictor->c != NULL) {
    memset(predictor->c, 0, size);
  }
}

static void embed(predictor_t *predictor, int64_t row, int input) {
  const int64_t width = predictor->model->settings.embedding;
  const float *embedding = predictor->model->parameters + model_embedding(predictor->model)->offset;
  memcpy(predictor->x + row * width, embedding + input * width, (size_t)width * sizeof(float));
}

/* logits of steps * streams rows of x, going on from the states */
static void run(predictor_t *predictor, int64_t steps, int64_t streams) {
  rondo_forward_args_t arguments = {.struct_size = sizeof(arguments)};
  arguments.batch.T = steps;
  arguments.batch.N = streams;
  arguments.x = predictor->x;
  arguments.h0 = predictor->h;
  arguments.c0 = predictor->c;
  arguments.packed_params = predictor->packed;
  arguments.y = predictor->y;
  arguments.hn = predictor->next_h;
  arguments.cn = predictor->next_c;
  arguments.workspace = predictor->workspace;
  arguments.workspace_size = predictor->workspace_size;
  check(rondo_forward(predictor->plan, &arguments));
  float *h = predictor->h;
  float *c = predictor->c;
  predictor->h = predictor->next_h;
  predictor->c = predictor->next_c;
  predictor->next_h = h;
  predictor->next_c = c;
  decoder_forward(&predictor->decoder, steps * streams, predictor->y, predictor->logits);
}

double predictor_bits(predictor_t *predictor, const text_t *text) {
  const int64_t pairs = text->held_out_size - 1; /* byte k tells byte k + 1 */
  const int64_t streams = pairs < STREAMS ? pairs : STREAMS;
  const int64_t longest = (pairs + streams - 1) / streams;
  double sum = 0;
  predictor_reset(predictor);
  for (int64_t first = 0; first < longest; first += STEPS) {
    const int64_t steps = longest - first < STEPS ? longest - first : STEPS;
    for (int64_t n = 0; n < streams; ++n) {
      const int64_t begin = n * pairs / streams;
      const int64_t end = (n + 1) * pairs / streams; /* some streams are a byte shorter: the last step is no target */
      for (int64_t t = 0; t < steps; ++t) {
        const int64_t at = begin + first + t;
        predictor->targets[t * streams + n] = at < end ? text->held_out[at + 1] : -1;
        embed(predictor, t * streams + n, at < end ? text->held_out[at] : 0);
      }
    }
    run(predictor, steps, streams);
    sum += cross_entropy(steps * streams, predictor->decoder.classes, predictor->targets, 0, predictor->logits);
  }
  return sum / (double)pairs / log(2.0);
}

const float *predictor_next(predictor_t *predictor, int input) {
  embed(predictor, 0, input);
  run(predictor, 1, 1);
  return predictor->logits;
}

void predictor_free(predictor_t *predictor) {
  rondo_plan_destroy(predictor->plan);
  free(predictor->decoder.transposed);
  free(predictor->targets);
  free(predictor->x);
  free(predictor->y);
  free(predictor->logits);
  free(predictor->h);
  free(predictor->c);
  free(predictor->next_h);
  free(predictor->next_c);
  free(predictor->workspace);
  free(predictor->packed);
  memset(predictor, 0, sizeof(*predictor));
}
