/* A small random generator whose whole state is one number, so that a model file can hold it.
 * The C library's rand() has neither a known sequence nor a state that could be saved. */
#include "random.h"

uint64_t random_next(random_t *random) {
  random->state += UINT64_C(0x9e3779b97f4a7c15);
  uint64_t z = random->state;
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

double random_uniform(random_t *random) { return (double)(random_next(random) >> 11) * (1.0 / 9007199254740992.0); }
