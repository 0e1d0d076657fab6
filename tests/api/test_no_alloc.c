/* No allocation while executing: this program's malloc family counts, in every thread, while forward and backward run.
 * It replaces glibc's by name, so it steps aside under sanitizers and on other C libraries. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "check.h"
#include "problem.h"
#include "sanitizers.h"

#if TEST_UNDER_ASAN || TEST_UNDER_TSAN || !defined(__GLIBC__)

int main(void) {
  printf("skipped: malloc is not this program's to replace here\n");
  return CHECK_SKIPPED;
}

#else

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *memory);

static int counting;
static int allocations, releases;

static void count(int *counter) {
  if (__atomic_load_n(&counting, __ATOMIC_SEQ_CST) != 0) {
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
  }
}

void *malloc(size_t bytes) {
  count(&allocations);
  return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
  count(&allocations);
  return __libc_calloc(number, bytes);
}

void *realloc(void *memory, size_t bytes) {
  count(&allocations);
  return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  count(&allocations);
  return __libc_memalign(alignment, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  count(&allocations);
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  count(&allocations);
  void *made = __libc_memalign(alignment, bytes);
  if (made == NULL) {
    return ENOMEM;
  }
  *memory = made;
  return 0;
}

void free(void *memory) {
  if (memory != NULL) {
    count(&releases);
  }
  __libc_free(memory);
}

static void start_counting(void) {
  __atomic_store_n(&allocations, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&releases, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&counting, 1, __ATOMIC_SEQ_CST);
}

static void stop_counting(void) { __atomic_store_n(&counting, 0, __ATOMIC_SEQ_CST); }

/* A counter that counts nothing would pass every test below. */
static void test_counter(void) {
  void *volatile kept; /* volatile: or the compiler drops the pair */
  start_counting();
  kept = malloc(10);
  free(kept);
  kept = calloc(2, 10);
  kept = realloc(kept, 50);
  free(kept);
  stop_counting();
  CHECK(allocations == 3 && releases == 2);
  kept = malloc(10);
  free(kept);
  CHECK(allocations == 3 && releases == 2);
}

static void check_quiet(const char *what, rondo_status_t status) {
  stop_counting();
  CHECK(status == RONDO_OK);
  if (!CHECK(allocations == 0 && releases == 0)) {
    printf("  %s: %d allocations, %d releases\n", what, allocations, releases);
  }
}

static void run_counted(const problem_config_t *config) {
  problem_t problem;
  if (!CHECK_OK(problem_open(&problem, config))) {
    return;
  }
  for (int run = 0; run < 3; ++run) { /* the first run too: nothing is put off until the plan is used */
    start_counting();
    check_quiet(run == 0 ? "first forward" : "later forward", rondo_forward(problem.plan, &problem.forward));
    if (config->mode == RONDO_TRAINING) {
      start_counting();
      check_quiet(run == 0 ? "first backward" : "later backward", rondo_backward(problem.plan, &problem.backward));
    }
  }
  problem_close(&problem);
}

int main(void) {
  test_counter();
  for (rondo_cell_t cell = RONDO_CELL_RNN_TANH; cell <= RONDO_CELL_GRU; ++cell) {
    problem_config_t config = problem_defaults();
    config.cell = cell;
    config.sequence = RONDO_SEQUENCE_LENGTHS;
    config.I = 40;
    config.H = 64;
    config.L = 2;
    config.bidirectional = 1;
    config.dropout = 0.5;
    config.N = 8;
    config.threads = 2;
    for (config.dtype = RONDO_F64; config.dtype <= RONDO_BF16; ++config.dtype) {
      config.mode = RONDO_TRAINING;
      run_counted(&config);
      config.mode = RONDO_INFERENCE;
      run_counted(&config);
    }
    config.dtype = RONDO_F32;
    config.mode = RONDO_TRAINING;
    config.sequence = RONDO_SEQUENCE_PACKED;
    config.P = cell == RONDO_CELL_LSTM ? 16 : 0;
    run_counted(&config);
  }
  return check_summary();
}

#endif
