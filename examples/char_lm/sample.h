/* Text from a model, byte by byte, written to standard output.
 * Bytes that could disturb a terminal (control characters, broken UTF-8) are shown as '?'. */
#ifndef CHAR_LM_SAMPLE_H
#define CHAR_LM_SAMPLE_H

#include "infer.h"

/* The generator is a copy, so that sampling changes nothing that is saved. */
void sample_print(predictor_t *predictor, int64_t count, double temperature, random_t random);

#endif
