/* A small random generator whose whole state is one number, so that a model file can hold it.
 * SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
#ifndef CHAR_LM_RANDOM_H
#define CHAR_LM_RANDOM_H

#include <stdint.h>

typedef struct {
  uint64_t state;
} random_t;

uint64_t random_next(random_t *random);
/* Uniform in [0, 1), a multiple of 2^-53. */
double random_uniform(random_t *random);

#endif
