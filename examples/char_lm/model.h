/* The model: its parameters under PyTorch's names, Adam's moments, and all that training carries from step to step.
 * Each kind lies in one flat array; the tensors are parts of it. */
#ifndef CHAR_LM_MODEL_H
#define CHAR_LM_MODEL_H

#include <rondo/rondo.h>

#include "random.h"
#include "settings.h"
#include "text.h"

typedef struct {
  char name[64];
  int64_t rank, rows, columns; /* rank 1: columns = 1 */
  int64_t offset;              /* in the flat arrays */
} tensor_t;

typedef struct {
  settings_t settings;
  vocabulary_t vocabulary;
  uint64_t text_digest; /* of the text that it is trained on */

  rondo_rnn_t rnn;
  tensor_t *tensors; /* embedding.weight [classes,E], rnn.*, decoder.weight [classes,H], decoder.bias [classes] */
  int64_t tensor_count, rnn_count;
  int64_t size; /* elements of each flat array */

  float *parameters, *gradients, *first, *second;
  void **rnn_parameters, **rnn_gradients; /* [rnn_count], into the flat arrays, as rondo takes them */
  float *h, *c;                           /* [L,N,H] of the last step; c: LSTM only, else NULL */
  int64_t state_size;
  int64_t step, position; /* steps done; where in the text the first stream goes on */
  random_t random;
} model_t;

/* What the model is made of; no memory for values yet, so that a file can be compared with it first. */
void model_describe(model_t *model, const settings_t *settings, const vocabulary_t *vocabulary, uint64_t text_digest);
/* Memory for the values, all zero. */
void model_allocate(model_t *model);
/* Values to begin with, from the settings' seed. */
void model_init(model_t *model, int64_t train_size);
void model_free(model_t *model);

/* The tensors around rondo's. */
tensor_t *model_embedding(const model_t *model);
tensor_t *model_decoder_weight(const model_t *model);
tensor_t *model_decoder_bias(const model_t *model);

#endif
