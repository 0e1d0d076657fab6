/* Training: truncated backpropagation over parallel streams of text whose states are carried from step to step.
 * Everything that outlives a step is the model's; a trainer holds only memory and the plan. */
#ifndef CHAR_LM_TRAIN_H
#define CHAR_LM_TRAIN_H

#include "decoder.h"
#include "model.h"

typedef struct {
  model_t *model;
  rondo_plan_t plan;
  decoder_t decoder;
  uint16_t *inputs; /* [T,N] */
  int32_t *targets; /* [T,N] */
  float *x, *dx;    /* [T,N,E] */
  float *y, *dy;    /* [T,N,H] */
  float *logits;    /* [T,N,classes] */
  float *next_h, *next_c;
  void *workspace, *reserve;
  int64_t workspace_size, reserve_size;
} trainer_t;

void trainer_create(trainer_t *trainer, model_t *model, rondo_context_t context);
/* One step of Adam on the next seq bytes of every stream; returns their loss in bits per byte. */
double trainer_step(trainer_t *trainer, const text_t *text);
void trainer_free(trainer_t *trainer);

#endif
