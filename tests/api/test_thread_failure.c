/* A system that gives no more threads: this program's pthread_create refuses when told to. The library answers with an
 * error, and what was made before goes on. Sanitizers own pthread_create, so the test steps aside under them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "check.h"
#include "problem.h"
#include "sanitizers.h"

#if TEST_UNDER_ASAN || TEST_UNDER_TSAN

int main(void) {
  printf("skipped: pthread_create is not this program's to replace here\n");
  return CHECK_SKIPPED;
}

#else

static int threads_left = 1 << 20;
static int refused;

__attribute__((visibility("default"))) int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                                          void *(*start)(void *), void *argument) {
  typedef int (*create_t)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  create_t create = NULL;
  void *found = dlsym(RTLD_NEXT, "pthread_create");
  memcpy(&create, &found, sizeof create);
  if (threads_left-- <= 0) {
    ++refused;
    return EAGAIN;
  }
  return create(thread, attributes, start, argument);
}

static void at_plan_creation(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  config.threads = 4;
  refused = 0;
  threads_left = 1;
  CHECK_STATUS(problem_open(&problem, &config), RONDO_ERROR_OUT_OF_MEMORY, "threads");
  CHECK(refused == 1);
  threads_left = 1 << 20;
  if (CHECK_OK(problem_open(&problem, &config))) {
    CHECK_OK(rondo_forward(problem.plan, &problem.forward));
    problem_close(&problem);
  }
}

static void at_set_threads(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  int64_t threads = 0;
  config.H = 200;
  config.threads = 2;
  threads_left = 1 << 20;
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  threads_left = 2;
  CHECK_STATUS(rondo_context_set_threads(problem.context, 8), RONDO_ERROR_OUT_OF_MEMORY, "threads");
  CHECK_OK(rondo_context_get_threads(problem.context, &threads));
  CHECK(threads == 2);
  CHECK_OK(rondo_forward(problem.plan, &problem.forward));
  CHECK_OK(rondo_backward(problem.plan, &problem.backward));
  threads_left = 1 << 20;
  CHECK_OK(rondo_context_set_threads(problem.context, 3));
  CHECK_OK(rondo_forward(problem.plan, &problem.forward));
  problem_close(&problem);
}

int main(void) {
  at_plan_creation();
  at_set_threads();
  return check_summary();
}

#endif
