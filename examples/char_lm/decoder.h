/* From the recurrent network's output to the next byte: a linear layer, softmax and cross entropy, and their gradients.
 * rows are all bytes of a step, T*N of them. */
#ifndef CHAR_LM_DECODER_H
#define CHAR_LM_DECODER_H

#include <stdint.h>

typedef struct {
  int64_t hidden, classes;
  const float *weight; /* [classes, hidden], as PyTorch's Linear */
  const float *bias;   /* [classes] */
  float *transposed;   /* [hidden, classes], filled by decoder_transpose */
} decoder_t;

/* After every change of weight, before decoder_forward. */
void decoder_transpose(const decoder_t *decoder);
/* logits [rows, classes] from y [rows, hidden] */
void decoder_forward(const decoder_t *decoder, int64_t rows, const float *y, float *logits);
/* The sum of -ln p(target) over the rows with a target (-1: none). logits become scale * d sum / d logits. */
double cross_entropy(int64_t rows, int64_t classes, const int32_t *targets, float scale, float *logits);
/* From dlogits: dy [rows, hidden] is overwritten, dweight and dbias are added to. */
void decoder_backward(const decoder_t *decoder, int64_t rows, const float *y, const float *dlogits, float *dy,
                      float *dweight, float *dbias);

#endif
