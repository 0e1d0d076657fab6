/* A reader for the JSON that heads a safetensors file: objects, arrays, strings and whole numbers, nothing else.
 * Any fault ends the program with a line that names the file and the place. */
#ifndef CHAR_LM_JSON_H
#define CHAR_LM_JSON_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  const char *path; /* for messages */
  const uint8_t *begin, *at, *end;
} json_t;

/* Passes over white space; 1 and past it if this character is next, else 0. */
int json_take(json_t *json, char character);
/* The same, but its absence is a fault. */
void json_expect(json_t *json, char character);
/* A string, to be freed by the caller. Beyond ASCII only raw UTF-8, no escapes; a zero byte is a fault. */
char *json_string(json_t *json);
/* A whole number, 0 to INT64_MAX. */
int64_t json_integer(json_t *json);
/* Nothing but white space may follow. */
void json_end(json_t *json);

#endif
