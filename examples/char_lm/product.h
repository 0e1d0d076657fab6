/* One matrix product for the decoder, in portable C that compilers vectorise.
 * Its order of summation depends on the sizes alone, so that results repeat bit for bit. */
#ifndef CHAR_LM_PRODUCT_H
#define CHAR_LM_PRODUCT_H

#include <stdint.h>

/* c [m,n] += a b, with b [k,n]; element (i, p) of a [m,k] is a[i * a_row + p * a_column], so a may be transposed. */
void product_add(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column, const float *b,
                 float *c);

#endif
