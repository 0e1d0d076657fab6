/* One matrix product for the decoder, in portable C that compilers vectorise.
 * Eight rows of b a time: one load and store of c is paid by eight products. */
#include "product.h"

/* Rows of b that stay in a core's second-level cache while all rows of a go over them. */
enum { BLOCK = 128, UNROLL = 8 };

/* c [n] += sum over p < 8 of a[p] b[p,n] */
static void add_eight(int64_t n, const float a[UNROLL], const float *restrict b, float *restrict c) {
  const float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7];
  const float *restrict b1 = b + n, *restrict b2 = b1 + n, *restrict b3 = b2 + n, *restrict b4 = b3 + n;
  const float *restrict b5 = b4 + n, *restrict b6 = b5 + n, *restrict b7 = b6 + n;
  for (int64_t j = 0; j < n; ++j) {
    c[j] += ((a0 * b[j] + a1 * b1[j]) + (a2 * b2[j] + a3 * b3[j])) +
            ((a4 * b4[j] + a5 * b5[j]) + (a6 * b6[j] + a7 * b7[j]));
  }
}

static void add_one(int64_t n, float a, const float *restrict b, float *restrict c) {
  for (int64_t j = 0; j < n; ++j) {
    c[j] += a * b[j];
  }
}

void product_add(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column, const float *b,
                 float *c) {
  for (int64_t first = 0; first < k; first += BLOCK) {
    const int64_t end = first + BLOCK < k ? first + BLOCK : k;
    for (int64_t i = 0; i < m; ++i) {
      int64_t p = first;
      for (; p + UNROLL <= end; p += UNROLL) {
        float values[UNROLL];
        for (int64_t u = 0; u < UNROLL; ++u) {
          values[u] = a[i * a_row + (p + u) * a_column];
        }
        add_eight(n, values, b + p * n, c + i * n);
      }
      for (; p < end; ++p) {
        add_one(n, a[i * a_row + p * a_column], b + p * n, c + i * n);
      }
    }
  }
}
