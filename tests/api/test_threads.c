/* Several threads on one plan, two contexts at once, and a forward after fork: the bytes of a serial run every time.
 * A fork takes only the calling thread along, so a library that waits for its team would hang: an alarm bounds the
 * child. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "problem.h"
#include "sanitizers.h"

enum { THREADS = 4, RUNS = 8, CHILD_SECONDS = 60 };

typedef struct job {
  problem_t problem;
  pthread_t thread;
  rondo_status_t forward, backward;
} job_t;

static void *run_job(void *user) {
  job_t *job = user;
  job->forward = job->backward = RONDO_OK;
  for (int run = 0; run < RUNS && job->forward == RONDO_OK && job->backward == RONDO_OK; ++run) {
    problem_fill_outputs(&job->problem, 0x5A);
    job->forward = rondo_forward(job->problem.plan, &job->problem.forward);
    job->backward = rondo_backward(job->problem.plan, &job->problem.backward);
  }
  return NULL;
}

static void run_all(job_t *jobs, int count, const problem_t *expected) {
  int started = 0;
  while (started < count && CHECK(pthread_create(&jobs[started].thread, NULL, run_job, &jobs[started]) == 0)) {
    ++started;
  }
  for (int k = 0; k < started; ++k) {
    CHECK(pthread_join(jobs[k].thread, NULL) == 0);
    CHECK(jobs[k].forward == RONDO_OK && jobs[k].backward == RONDO_OK);
    CHECK(problem_same_outputs(&jobs[k].problem, expected));
  }
}

static problem_config_t make_config(void) {
  problem_config_t config = problem_defaults();
  config.sequence = RONDO_SEQUENCE_LENGTHS;
  config.I = 24;
  config.H = 48;
  config.L = 2;
  config.bidirectional = 1;
  config.dropout = 0.25;
  config.N = 8;
  return config;
}

/* The expected bytes: one thread, nothing else running. */
static int run_serial(problem_t *serial) {
  problem_config_t config = make_config();
  if (!CHECK_OK(problem_open(serial, &config))) {
    return 0;
  }
  if (CHECK_OK(rondo_forward(serial->plan, &serial->forward)) &&
      CHECK_OK(rondo_backward(serial->plan, &serial->backward))) {
    return 1;
  }
  problem_close(serial);
  return 0;
}

static void test_one_plan(const problem_t *serial, int64_t team) {
  static job_t jobs[THREADS];
  problem_config_t config = make_config();
  problem_t owner;
  int count = 0;
  config.threads = team;
  if (!CHECK_OK(problem_open(&owner, &config))) {
    return;
  }
  while (count < THREADS && CHECK_OK(problem_share(&jobs[count].problem, &owner))) {
    ++count;
  }
  run_all(jobs, count, serial);
  for (int k = 0; k < count; ++k) {
    problem_close(&jobs[k].problem);
  }
  problem_close(&owner);
}

static void test_two_contexts(const problem_t *serial) {
  static job_t jobs[2];
  problem_config_t config = make_config();
  int count = 0;
  config.threads = 2;
  while (count < 2 && CHECK_OK(problem_open(&jobs[count].problem, &config))) {
    ++count;
    config.threads = 3;
  }
  run_all(jobs, count, serial);
  for (int k = 0; k < count; ++k) {
    problem_close(&jobs[k].problem);
  }
}

/* The child's exit status: 0 when forward and backward succeed with the serial run's bytes. */
static int run_in_child(problem_t *problem, const problem_t *serial) {
  alarm(CHILD_SECONDS);
  problem_fill_outputs(problem, 0x5A);
  if (rondo_forward(problem->plan, &problem->forward) != RONDO_OK) {
    return 2;
  }
  if (rondo_backward(problem->plan, &problem->backward) != RONDO_OK) {
    return 3;
  }
  return problem_same_outputs(problem, serial) ? 0 : 4;
}

static void test_fork(const problem_t *serial) {
  problem_config_t config = make_config();
  problem_t problem;
  int status = -1;
  config.threads = 2;
  if (TEST_UNDER_TSAN) { /* it forbids threads after a fork of several */
    printf("fork: skipped under the thread sanitizer\n");
    return;
  }
  if (!CHECK_OK(problem_open(&problem, &config))) {
    return;
  }
  CHECK_OK(rondo_forward(problem.plan, &problem.forward)); /* the team has run before the fork */
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    _exit(run_in_child(&problem, serial));
  }
  if (CHECK(child > 0)) {
    CHECK(waitpid(child, &status, 0) == child);
    if (!CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
      printf("  the child ended with wait status %d (exit %d, signal %d)\n", status,
             WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : -1);
    }
    CHECK_OK(rondo_backward(problem.plan, &problem.backward)); /* the parent's team is as it was */
    CHECK(problem_same_outputs(&problem, serial));
  }
  problem_close(&problem);
}

int main(void) {
  problem_t serial;
  if (run_serial(&serial)) {
    test_one_plan(&serial, 1);
    test_one_plan(&serial, 2);
    test_two_contexts(&serial);
    test_fork(&serial);
    problem_close(&serial);
  }
  return check_summary();
}
