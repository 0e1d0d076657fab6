/* Two models without a network, to measure the network by: unigram and bigram, with add-one smoothing.
 * p(b) = (n(b) + 1) / (n + V) and p(b|a) = (n(ab) + 1) / (n(a) + V), with V classes, the unknown one among them. */
#include "ngram.h"

#include <math.h>
#include <stdlib.h>

#include "common.h"

double unigram_bits(const text_t *text) {
  const int classes = text->vocabulary.classes;
  int64_t *counts = allocate(classes, sizeof(*counts));
  double bits = 0;
  for (int64_t k = 0; k < text->train_size; ++k) {
    ++counts[text->train[k]];
  }
  for (int64_t k = 1; k < text->held_out_size; ++k) {
    bits -= log2((double)(counts[text->held_out[k]] + 1) / (double)(text->train_size + classes));
  }
  free(counts);
  return bits / (double)(text->held_out_size - 1);
}

double bigram_bits(const text_t *text) {
  const int classes = text->vocabulary.classes;
  int64_t *counts = allocate((int64_t)classes * classes, sizeof(*counts));
  int64_t *totals = allocate(classes, sizeof(*totals));
  double bits = 0;
  for (int64_t k = 1; k < text->train_size; ++k) {
    ++counts[text->train[k - 1] * classes + text->train[k]];
    ++totals[text->train[k - 1]];
  }
  for (int64_t k = 1; k < text->held_out_size; ++k) {
    const int before = text->held_out[k - 1];
    bits -= log2((double)(counts[before * classes + text->held_out[k]] + 1) / (double)(totals[before] + classes));
  }
  free(counts);
  free(totals);
  return bits / (double)(text->held_out_size - 1);
}
