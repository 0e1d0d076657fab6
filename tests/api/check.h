/* A check header for the C API tests: it counts, prints where a check failed, and goes on.
 * Counts are not locked, so checks belong in the main thread only. */
#ifndef RONDO_TESTS_API_CHECK_H
#define RONDO_TESTS_API_CHECK_H

#include <rondo/rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_passed_count;
static int check_failed_count;

/* CTest's SKIP_RETURN_CODE for this folder. */
enum { CHECK_SKIPPED = 77 };

#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_OK(call) check_status((call), RONDO_OK, NULL, #call, __FILE__, __LINE__)
/* text: fragments parted by '|', each of which rondo_last_error() must contain after the call. */
#define CHECK_STATUS(call, status, text) check_status((call), (status), (text), #call, __FILE__, __LINE__)

static inline int check_that(int ok, const char *what, const char *file, int line) {
  if (ok) {
    ++check_passed_count;
  } else {
    ++check_failed_count;
    printf("%s:%d: failed: %s\n", file, line, what);
    fflush(stdout); /* a crash may follow */
  }
  return ok;
}

/* The first of the fragments that the text lacks, copied to missing; 1 when none is lacking. */
static inline int check_has_all(const char *text, const char *fragments, char *missing, size_t room) {
  const char *begin = fragments;
  while (begin != NULL && *begin != '\0') {
    const char *end = strchr(begin, '|');
    size_t length = end != NULL ? (size_t)(end - begin) : strlen(begin);
    if (length >= room) length = room - 1;
    memcpy(missing, begin, length);
    missing[length] = '\0';
    if (strstr(text, missing) == NULL) return 0;
    begin = end != NULL ? end + 1 : NULL;
  }
  return 1;
}

static inline int check_status(rondo_status_t actual, rondo_status_t expected, const char *fragments, const char *what,
                               const char *file, int line) {
  char missing[128];
  if (actual != expected) {
    ++check_failed_count;
    printf("%s:%d: failed: %s\n  is %s, expected %s; last error: %s\n", file, line, what, rondo_status_name(actual),
           rondo_status_name(expected), rondo_last_error());
    fflush(stdout);
    return 0;
  }
  if (fragments != NULL && !check_has_all(rondo_last_error(), fragments, missing, sizeof missing)) {
    ++check_failed_count;
    printf("%s:%d: failed: %s\n  the error text lacks \"%s\": %s\n", file, line, what, missing, rondo_last_error());
    return 0;
  }
  ++check_passed_count;
  return 1;
}

/* Prints the last line of a test program; its value is main's. */
static inline int check_summary(void) {
  printf("%d passed, %d failed\n", check_passed_count, check_failed_count);
  return check_failed_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif /* RONDO_TESTS_API_CHECK_H */
