/* Using a model: its loss on held-out text, and the next byte's logits. One inference plan serves both.
 * The parameters are packed once for rondo, when the predictor is made. */
#ifndef CHAR_LM_INFER_H
#define CHAR_LM_INFER_H

#include "decoder.h"
#include "model.h"

typedef struct {
  const model_t *model;
  rondo_plan_t plan;
  decoder_t decoder;
  int32_t *targets;               /* [T,N] */
  float *x;                       /* [T,N,E] */
  float *y;                       /* [T,N,H] */
  float *logits;                  /* [T,N,classes] */
  float *h, *c, *next_h, *next_c; /* [L,N,H] */
  void *workspace, *packed;
  int64_t workspace_size;
} predictor_t;

/* Takes the model's parameters as they are now. States are zero. */
void predictor_create(predictor_t *predictor, const model_t *model, rondo_context_t context);
/* Bits per byte over held-out bytes 1, 2, ..., as ngram.h's models. */
double predictor_bits(predictor_t *predictor, const text_t *text);
/* The logits [classes] of what follows, after one more byte. */
const float *predictor_next(predictor_t *predictor, int input);
/* States to zero. */
void predictor_reset(predictor_t *predictor);
void predictor_free(predictor_t *predictor);

#endif
