/* Adam (Kingma, Ba 2014) over one flat array of parameters, and the norm by which gradients are clipped.
 * Its moments are the caller's, so that a model file can hold them. */
#ifndef CHAR_LM_ADAM_H
#define CHAR_LM_ADAM_H

#include <stdint.h>

double gradient_norm(int64_t count, const float *gradients);

/* One update with gradients * scale; step counts from 1; first and second are the running means of g and g*g. */
void adam_update(int64_t count, int64_t step, double rate, double scale, const float *gradients, float *first,
                 float *second, float *parameters);

#endif
