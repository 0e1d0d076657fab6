/* Adam (Kingma, Ba 2014) over one flat array of parameters, and the norm by which gradients are clipped.
 * m = b1 m + (1-b1) g, v = b2 v + (1-b2) g^2, p -= rate * (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps). */
#include "adam.h"

#include <math.h>

static const double beta1 = 0.9;
static const double beta2 = 0.99; /* not 0.999: a run of a thousand steps has no time for so long a memory */
static const float epsilon = 1e-8F;

double gradient_norm(int64_t count, const float *gradients) {
  double sums[4] = {0, 0, 0, 0}; /* four, because additions to one would wait for each other */
  int64_t k = 0;
  for (; k + 4 <= count; k += 4) {
    for (int64_t u = 0; u < 4; ++u) {
      sums[u] += (double)gradients[k + u] * (double)gradients[k + u];
    }
  }
  for (; k < count; ++k) {
    sums[0] += (double)gradients[k] * (double)gradients[k];
  }
  return sqrt(sums[0] + sums[1] + sums[2] + sums[3]);
}

void adam_update(int64_t count, int64_t step, double rate, double scale, const float *gradients, float *first,
                 float *second, float *parameters) {
  const float keep1 = (float)beta1;
  const float keep2 = (float)beta2;
  const float add1 = (float)((1 - beta1) * scale);
  const float add2 = (float)((1 - beta2) * scale * scale);
  const float correction = (float)(1 / sqrt(1 - pow(beta2, (double)step)));
  const float reach = (float)(rate / (1 - pow(beta1, (double)step)));
  for (int64_t k = 0; k < count; ++k) {
    const float g = gradients[k];
    first[k] = keep1 * first[k] + add1 * g;
    second[k] = keep2 * second[k] + add2 * g * g;
    parameters[k] -= reach * first[k] / (sqrtf(second[k]) * correction + epsilon);
  }
}
