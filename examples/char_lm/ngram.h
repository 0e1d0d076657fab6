/* Two models without a network, to measure the network by: unigram and bigram, with add-one smoothing.
 * Counted on the training part, scored on the same held-out bytes as the network. */
#ifndef CHAR_LM_NGRAM_H
#define CHAR_LM_NGRAM_H

#include "text.h"

/* Bits per byte over held-out bytes 1, 2, ...: byte 0 has nothing before it, so no model is asked for it. */
double unigram_bits(const text_t *text);
double bigram_bits(const text_t *text);

#endif
