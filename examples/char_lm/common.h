/* What every file of char_lm uses: refusals with an exit status, checked memory, checked calls of rondo.
 * A refusal is one line on standard error and the end of the program. */
#ifndef CHAR_LM_COMMON_H
#define CHAR_LM_COMMON_H

#include <rondo/rondo.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CHAR_LM_REFUSAL(text, first) __attribute__((noreturn, format(printf, text, first)))
#else
#define CHAR_LM_REFUSAL(text, first)
#endif

enum {
  EXIT_CANNOT = 1, /* a file that cannot be read or written, no memory, training that diverged */
  EXIT_WRONG = 2   /* an option or a model file that is not what it should be */
};

/* Prints "char_lm: ..." on standard error and ends the program with that status. */
void refuse(int status, const char *format, ...) CHAR_LM_REFUSAL(2, 3);
/* The same, said by rondo, unless the status is RONDO_OK. */
void check(rondo_status_t status);

/* count zeroed elements; never NULL, and 1 element where count is 0. */
void *allocate(int64_t count, size_t element_size);
/* Bytes aligned as rondo wants workspace, reserve and packed parameters; never NULL. free() takes both back. */
void *allocate_aligned(int64_t bytes);

/* A byte buffer that grows; all zero is an empty one. */
typedef struct {
  uint8_t *data;
  size_t size, capacity;
} bytes_t;

void bytes_append(bytes_t *bytes, const void *data, size_t size);
/* Adds a whole file; refuses one that cannot be read. Returns how many bytes it held. */
size_t bytes_append_file(bytes_t *bytes, const char *path);

#endif
