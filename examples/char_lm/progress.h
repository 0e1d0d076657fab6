/* How training is going, on standard error: on a terminal one line that renews itself, else a line every few seconds.
 * Times are only shown; nothing that is computed depends on them. */
#ifndef CHAR_LM_PROGRESS_H
#define CHAR_LM_PROGRESS_H

#include <stdint.h>

typedef struct {
  int terminal;
  int64_t steps, bytes_per_step, done;
  double began, shown; /* seconds */
  double bits;         /* running mean */
} progress_t;

void progress_begin(progress_t *progress, int64_t steps, int64_t bytes_per_step);
/* After each step, with its loss in bits per byte. */
void progress_step(progress_t *progress, double bits);
/* The last line. */
void progress_end(progress_t *progress);

#endif
