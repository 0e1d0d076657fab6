/* Packed sequences as torch.nn.utils.rnn defines them: batch sizes and indices from lengths, packing, padding, round
 * trips. Elements are moved, not computed with, so arrays hold bit patterns and are compared byte for byte. */
#include <math.h>
#include <stdint.h>

#include "check.h"
#include "problem.h"

enum { INVALID = RONDO_ERROR_INVALID_ARGUMENT, ROOM = 8 };

typedef struct sizes {
  int64_t batch_sizes[ROOM], sorted[ROOM], unsorted[ROOM], T, S;
} sizes_t;

static rondo_status_t make(sizes_t *sizes, const int64_t *lengths, int64_t N, int32_t enforce_sorted, int64_t room) {
  return rondo_batch_sizes_from_lengths(lengths, N, enforce_sorted, sizes->batch_sizes, room, &sizes->T, &sizes->S,
                                        sizes->sorted, sizes->unsorted);
}

static int same(const int64_t *actual, const int64_t *expected, size_t count) {
  return memcmp(actual, expected, count * sizeof(int64_t)) == 0;
}

static void test_batch_sizes(void) {
  const int64_t descending[4] = {5, 3, 3, 1}, mixed[4] = {2, 4, 1, 5}, ties[5] = {3, 4, 3, 4, 3},
                empty_row[3] = {3, 0, 2};
  const int64_t zeros[2] = {0, 0};
  sizes_t sizes;
  memset(&sizes, 0x5A, sizeof sizes);
  const int64_t untouched = sizes.T;
  CHECK_OK(make(&sizes, descending, 4, 1, ROOM));
  CHECK(sizes.T == 5 && sizes.S == 12);
  CHECK(same(sizes.batch_sizes, (const int64_t[]){4, 3, 3, 1, 1}, 5));
  CHECK(same(sizes.sorted, (const int64_t[]){0, 1, 2, 3}, 4));
  CHECK(same(sizes.unsorted, (const int64_t[]){0, 1, 2, 3}, 4));
  CHECK(sizes.batch_sizes[5] == untouched && sizes.sorted[4] == untouched); /* nothing beyond what is asked */

  CHECK_OK(make(&sizes, mixed, 4, 0, 5)); /* exactly the room it needs */
  CHECK(sizes.T == 5 && sizes.S == 12);
  CHECK(same(sizes.batch_sizes, (const int64_t[]){4, 3, 2, 2, 1}, 5));
  CHECK(same(sizes.sorted, (const int64_t[]){3, 1, 0, 2}, 4));
  CHECK(same(sizes.unsorted, (const int64_t[]){2, 1, 3, 0}, 4)); /* the inverse */

  CHECK_OK(make(&sizes, ties, 5, 0, ROOM));
  CHECK(sizes.T == 4 && sizes.S == 17);
  CHECK(same(sizes.sorted, (const int64_t[]){1, 3, 0, 2, 4}, 5)); /* stable */

  CHECK_OK(make(&sizes, empty_row, 3, 0, ROOM));
  CHECK(sizes.T == 3 && sizes.S == 5);
  CHECK(same(sizes.batch_sizes, (const int64_t[]){2, 2, 1}, 3)); /* never a 0, and never the empty row */
  CHECK(same(sizes.sorted, (const int64_t[]){0, 2, 1}, 3));

  CHECK_OK(make(&sizes, zeros, 2, 1, ROOM));
  CHECK(sizes.T == 0 && sizes.S == 0);
  CHECK_OK(make(&sizes, zeros, 0, 1, ROOM)); /* no rows */
  CHECK(sizes.T == 0 && sizes.S == 0);
  CHECK_OK(rondo_batch_sizes_from_lengths(mixed, 4, 0, sizes.batch_sizes, ROOM, &sizes.T, &sizes.S, NULL, NULL));
  CHECK(sizes.T == 5 && sizes.S == 12);
}

static void test_batch_sizes_refused(void) {
  const int64_t mixed[4] = {2, 4, 1, 5}, negative[3] = {3, 2, -1}, huge[2] = {INT64_MAX, INT64_MAX};
  sizes_t sizes, before;
  memset(&sizes, 0x5A, sizeof sizes);
  memcpy(&before, &sizes, sizeof sizes);
  int64_t *out = sizes.batch_sizes, *T = &sizes.T, *S = &sizes.S;
  CHECK_STATUS(make(&sizes, mixed, 4, 1, ROOM), INVALID, "enforce_sorted|lengths[1] is 4|2");
  CHECK_STATUS(make(&sizes, negative, 3, 0, ROOM), INVALID, "lengths[2] is -1");
  CHECK_STATUS(make(&sizes, negative, 3, 1, ROOM), INVALID, "lengths[2] is -1");
  CHECK_STATUS(make(&sizes, mixed, 4, 0, 4), INVALID, "batch_sizes_room is 4|5");
  CHECK_STATUS(make(&sizes, mixed, 4, 0, -1), INVALID, "batch_sizes_room is -1");
  CHECK_STATUS(make(&sizes, huge, 2, 0, ROOM), INVALID, NULL);
  CHECK_STATUS(make(&sizes, mixed, -4, 0, ROOM), INVALID, "N is -4");
  CHECK_STATUS(make(&sizes, mixed, 4, 2, ROOM), INVALID, "enforce_sorted is 2");
  CHECK_STATUS(make(&sizes, NULL, 4, 0, ROOM), INVALID, "lengths");
  CHECK_STATUS(rondo_batch_sizes_from_lengths(mixed, 4, 0, NULL, ROOM, T, S, NULL, NULL), INVALID, "batch_sizes");
  CHECK_STATUS(rondo_batch_sizes_from_lengths(mixed, 4, 0, out, ROOM, NULL, S, NULL, NULL), INVALID, "T");
  CHECK_STATUS(rondo_batch_sizes_from_lengths(mixed, 4, 0, out, ROOM, T, NULL, NULL, NULL), INVALID, "S");
  CHECK(memcmp(&sizes, &before, sizeof sizes) == 0);
}

/* Rows of 2, 5, 0 and 3 steps, 3 features, in an array of 7 steps. */
enum { N = 4, F = 3, T = 5, PADDED_T = 7, S = 10, MAX_BYTES = PADDED_T * N * F * 8 };
static const int64_t lengths[N] = {2, 5, 0, 3};
static const int64_t batch_sizes[T] = {3, 3, 2, 1, 1};
static const int64_t sorted_indices[N] = {1, 3, 0, 2};

static rondo_packing_t make_packing(rondo_dtype_t dtype, rondo_layout_t layout) {
  rondo_packing_t packing;
  memset(&packing, 0, sizeof packing);
  packing.struct_size = sizeof packing;
  packing.dtype = dtype;
  packing.layout = layout;
  packing.T = T;
  packing.N = N;
  packing.F = F;
  packing.padded_T = PADDED_T;
  packing.batch_sizes = batch_sizes;
  packing.sorted_indices = sorted_indices;
  return packing;
}

/* -2.5 in every type, the expected padding. */
static void store_padding(unsigned char *at, rondo_dtype_t dtype) {
  const double f64 = -2.5;
  const float f32 = -2.5f;
  const uint16_t f16 = 0xC100, bf16 = 0xC020;
  const void *values[] = {&f64, &f32, &f16, &bf16};
  memcpy(at, values[dtype], problem_dtype_size(dtype));
}

static size_t place(rondo_layout_t layout, int64_t t, int64_t n) {
  return (size_t)((layout == RONDO_TIME_MAJOR ? t * N + n : n * PADDED_T + t) * F);
}

static void check_move(rondo_dtype_t dtype, rondo_layout_t layout) {
  unsigned char padded[MAX_BYTES], expected_padded[MAX_BYTES], packed[S * F * 8], expected_packed[S * F * 8];
  const size_t size = problem_dtype_size(dtype), padded_bytes = PADDED_T * N * F * size, packed_bytes = S * F * size;
  rondo_packing_t packing = make_packing(dtype, layout);
  int64_t row_lengths[N] = {-1, -1, -1, -1};
  size_t at = 0;
  packing.padding_value = -2.5;
  for (size_t k = 0; k < padded_bytes; ++k) {
    padded[k] = (unsigned char)(k * 37 + k / 256);
  }
  for (int64_t t = 0; t < PADDED_T; ++t) {
    for (int64_t r = 0; r < N; ++r) {
      int64_t n = sorted_indices[r];
      size_t from = place(layout, t, n) * size;
      if (t < lengths[n]) {
        memcpy(expected_packed + at, padded + from, F * size);
        memcpy(expected_padded + from, padded + from, F * size);
        at += F * size;
      } else {
        for (size_t f = 0; f < F; ++f) {
          store_padding(expected_padded + from + f * size, dtype);
        }
      }
    }
  }
  CHECK(at == packed_bytes);
  memset(packed, 0, sizeof packed);
  CHECK_OK(rondo_pack_padded(&packing, padded, packed));
  CHECK(memcmp(packed, expected_packed, packed_bytes) == 0);
  memset(padded, 0, sizeof padded);
  CHECK_OK(rondo_pad_packed(&packing, packed, padded, row_lengths));
  CHECK(memcmp(padded, expected_padded, padded_bytes) == 0);
  CHECK(same(row_lengths, lengths, N));
  memset(packed, 0, sizeof packed); /* and round once more */
  CHECK_OK(rondo_pack_padded(&packing, padded, packed));
  CHECK(memcmp(packed, expected_packed, packed_bytes) == 0);
  CHECK_OK(rondo_pad_packed(&packing, packed, padded, NULL)); /* lengths not wanted */
  CHECK(memcmp(padded, expected_padded, padded_bytes) == 0);
}

static void test_shapes(void) {
  float padded[PADDED_T * N * F], packed[S * F];
  int64_t row_lengths[N];
  rondo_packing_t packing = make_packing(RONDO_F32, RONDO_TIME_MAJOR);
  for (int k = 0; k < S * F; ++k) {
    packed[k] = (float)k;
  }
  packing.sorted_indices = NULL; /* packed row r is padded row r */
  packing.padded_T = T;          /* no more than the longest */
  packing.padding_value = -INFINITY;
  CHECK_OK(rondo_pad_packed(&packing, packed, padded, row_lengths));
  CHECK(same(row_lengths, (const int64_t[]){5, 3, 2, 0}, N));
  CHECK(padded[0] == 0 && padded[F * N] == 9 && padded[(4 * N) * F + 2] == 29);
  CHECK(isinf(padded[3 * F]) && padded[3 * F] < 0);
  packing.T = 0; /* nothing packed: all padding */
  packing.padding_value = 4;
  CHECK_OK(rondo_pad_packed(&packing, packed, padded, row_lengths));
  CHECK(padded[0] == 4 && padded[T * N * F - 1] == 4 && row_lengths[0] == 0);
  packing.N = 0; /* no rows: nothing is written */
  padded[0] = 9;
  CHECK_OK(rondo_pad_packed(&packing, packed, padded, row_lengths));
  CHECK_OK(rondo_pack_padded(&packing, padded, packed));
  CHECK(padded[0] == 9);
}

static void check_refused(const rondo_packing_t *packing, const char *text) {
  float padded[PADDED_T * N * F], packed[S * F];
  int64_t row_lengths[N] = {-7, -7, -7, -7};
  int failures = check_failed_count;
  padded[0] = packed[0] = -7;
  CHECK_STATUS(rondo_pack_padded(packing, padded, packed), INVALID, text);
  CHECK_STATUS(rondo_pad_packed(packing, packed, padded, row_lengths), INVALID, text);
  CHECK(padded[0] == -7 && packed[0] == -7 && row_lengths[0] == -7);
  if (check_failed_count > failures) {
    printf("  expected a refusal with %s\n", text);
  }
}

static void test_refused(void) {
  const rondo_packing_t valid = make_packing(RONDO_F32, RONDO_TIME_MAJOR);
  const int64_t increase[T] = {3, 2, 3, 1, 1}, zero[T] = {3, 3, 2, 2, 0}, over_N[T] = {5, 2, 1, 1, 1};
  const int64_t twice[N] = {1, 3, 1, 2}, outside[N] = {1, 4, 0, 2}, below[N] = {1, 3, 0, -2};
  float array[PADDED_T * N * F] = {0};
  rondo_packing_t packing;
#define REFUSED(change, text)      \
  do {                             \
    packing = valid;               \
    change;                        \
    check_refused(&packing, text); \
  } while (0)
  REFUSED(packing.padded_T = 4, "padded_T is 4|5"); /* total_length below the longest */
  REFUSED(packing.T = -1, "T is -1");
  REFUSED(packing.N = -1, "N is -1");
  REFUSED(packing.F = -1, "F is -1");
  REFUSED(packing.dtype = 4, "dtype is 4");
  REFUSED(packing.dtype = -1, "dtype is -1");
  REFUSED(packing.layout = 2, "layout is 2");
  REFUSED(packing.batch_sizes = NULL, "batch_sizes");
  REFUSED(packing.batch_sizes = increase, "batch_sizes[2] is 3|2");
  REFUSED(packing.batch_sizes = zero, "batch_sizes[4] is 0");
  REFUSED(packing.batch_sizes = over_N, "batch_sizes[0] is 5|4");
  REFUSED(packing.sorted_indices = twice, "sorted_indices[2] is 1");
  REFUSED(packing.sorted_indices = outside, "sorted_indices[1] is 4");
  REFUSED(packing.sorted_indices = below, "sorted_indices[3] is -2");
  REFUSED((packing.F = (int64_t)1 << 62), "overflow");
  REFUSED((packing.padded_T = INT64_MAX), "overflow");
#undef REFUSED
  CHECK_STATUS(rondo_pack_padded(NULL, array, array), INVALID, "packing");
  CHECK_STATUS(rondo_pad_packed(NULL, array, array, NULL), INVALID, "packing");
  CHECK_STATUS(rondo_pack_padded(&valid, NULL, array), INVALID, "padded");
  CHECK_STATUS(rondo_pack_padded(&valid, array, NULL), INVALID, "packed");
  CHECK_STATUS(rondo_pad_packed(&valid, NULL, array, NULL), INVALID, "packed");
  CHECK_STATUS(rondo_pad_packed(&valid, array, NULL, NULL), INVALID, "padded");
}

int main(void) {
  test_batch_sizes();
  test_batch_sizes_refused();
  for (rondo_dtype_t dtype = RONDO_F64; dtype <= RONDO_BF16; ++dtype) {
    check_move(dtype, RONDO_TIME_MAJOR);
    check_move(dtype, RONDO_BATCH_MAJOR);
  }
  test_shapes();
  test_refused();
  return check_summary();
}
