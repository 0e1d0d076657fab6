/* How training is going, on standard error: on a terminal one line that renews itself, else a line every few seconds.
 * Times are only shown; nothing that is computed depends on them. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, isatty */

#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_begin(progress_t *progress, int64_t steps, int64_t bytes_per_step) {
  progress->terminal = isatty(STDERR_FILENO);
  progress->steps = steps;
  progress->bytes_per_step = bytes_per_step;
  progress->done = 0;
  progress->bits = 0;
  progress->began = seconds();
  progress->shown = progress->began;
}

static void show(progress_t *progress, double now, const char *what, double time) {
  const double passed = now - progress->began;
  const double rate = passed > 0 ? (double)(progress->done * progress->bytes_per_step) / passed : 0;
  const double part = progress->steps > 0 ? (double)progress->done / (double)progress->steps : 1;
  const int whole = (int)(time + 0.5);
  fprintf(stderr, "%s%3.0f%%  step %lld of %lld  %.0f tokens/s  loss %.3f bits  %d:%02d %s%s",
          progress->terminal ? "\r" : "", 100 * part, (long long)progress->done, (long long)progress->steps, rate,
          progress->bits, whole / 60, whole % 60, what, progress->terminal ? "\033[K" : "\n");
  fflush(stderr);
  progress->shown = now;
}

void progress_step(progress_t *progress, double bits) {
  const double now = seconds();
  ++progress->done;
  /* the mean of all steps at first, later of about the last fifty */
  const double weight = progress->done < 50 ? 1 / (double)progress->done : 0.02;
  progress->bits += weight * (bits - progress->bits);
  if (now - progress->shown >= (progress->terminal ? 0.2 : 5.0)) {
    const double left = (double)(progress->steps - progress->done) * (now - progress->began) / (double)progress->done;
    show(progress, now, "left", left < 1e8 ? left : 1e8);
  }
}

void progress_end(progress_t *progress) {
  const double now = seconds();
  if (progress->done > 0) {
    show(progress, now, "in all", now - progress->began);
    if (progress->terminal) {
      fputc('\n', stderr);
    }
  }
}
