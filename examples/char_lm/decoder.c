/* From the recurrent network's output to the next byte: a linear layer, softmax and cross entropy, and their gradients.
 * Softmax and loss are one function, because the gradient of both together is just p - 1[target]. */
#include "decoder.h"

#include <math.h>
#include <string.h>

#include "product.h"

void decoder_transpose(const decoder_t *decoder) {
  for (int64_t c = 0; c < decoder->classes; ++c) {
    for (int64_t j = 0; j < decoder->hidden; ++j) {
      decoder->transposed[j * decoder->classes + c] = decoder->weight[c * decoder->hidden + j];
    }
  }
}

void decoder_forward(const decoder_t *decoder, int64_t rows, const float *y, float *logits) {
  for (int64_t r = 0; r < rows; ++r) {
    memcpy(logits + r * decoder->classes, decoder->bias, (size_t)decoder->classes * sizeof(*logits));
  }
  product_add(rows, decoder->classes, decoder->hidden, y, decoder->hidden, 1, decoder->transposed, logits);
}

/* -ln p(target) of one row, which becomes its gradient. */
static double row_loss(int64_t classes, int32_t target, float scale, float *row) {
  const float of_target = row[target];
  float most = row[0];
  double sum = 0;
  for (int64_t c = 1; c < classes; ++c) {
    most = row[c] > most ? row[c] : most;
  }
  for (int64_t c = 0; c < classes; ++c) {
    row[c] = expf(row[c] - most);
    sum += (double)row[c];
  }
  const float to_gradient = scale / (float)sum;
  for (int64_t c = 0; c < classes; ++c) {
    row[c] *= to_gradient;
  }
  row[target] -= scale;
  return log(sum) + (double)most - (double)of_target;
}

double cross_entropy(int64_t rows, int64_t classes, const int32_t *targets, float scale, float *logits) {
  double sum = 0;
  for (int64_t r = 0; r < rows; ++r) {
    float *row = logits + r * classes;
    if (targets[r] >= 0) {
      sum += row_loss(classes, targets[r], scale, row);
    } else {
      memset(row, 0, (size_t)classes * sizeof(*row));
    }
  }
  return sum;
}

void decoder_backward(const decoder_t *decoder, int64_t rows, const float *y, const float *dlogits, float *dy,
                      float *dweight, float *dbias) {
  const int64_t hidden = decoder->hidden;
  const int64_t classes = decoder->classes;
  memset(dy, 0, (size_t)(rows * hidden) * sizeof(*dy));
  product_add(rows, hidden, classes, dlogits, classes, 1, decoder->weight, dy);
  product_add(classes, hidden, rows, dlogits, 1, classes, y, dweight);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < classes; ++c) {
      dbias[c] += dlogits[r * classes + c];
    }
  }
}
