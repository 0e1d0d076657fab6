/* A reader for the JSON that heads a safetensors file: objects, arrays, strings and whole numbers, nothing else.
 * It never looks beyond `end`, whatever the bytes are. */
#include "json.h"

#include <string.h>

#include "common.h"

static void fault(const json_t *json, const char *expected) {
  refuse(EXIT_WRONG, "%s: is no safetensors file: its header lacks %s at byte %zu", json->path, expected,
         (size_t)(json->at - json->begin));
}

static void skip_space(json_t *json) {
  while (json->at < json->end && (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t')) {
    ++json->at;
  }
}

int json_take(json_t *json, char character) {
  skip_space(json);
  if (json->at < json->end && *json->at == (uint8_t)character) {
    ++json->at;
    return 1;
  }
  return 0;
}

void json_expect(json_t *json, char character) {
  if (!json_take(json, character)) {
    const char expected[4] = {'\'', character, '\'', '\0'};
    fault(json, expected);
  }
}

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* After a backslash. */
static char escaped(json_t *json) {
  static const char from[] = "\"\\/bfnrt";
  static const char to[] = "\"\\/\b\f\n\r\t";
  const uint8_t c = json->at < json->end ? *json->at : 0;
  const char *found = c != 0 ? strchr(from, c) : NULL;
  int code = 0;
  if (found != NULL) {
    ++json->at;
    return to[found - from];
  }
  if (c != 'u' || json->end - json->at < 5) {
    fault(json, "a known escape");
  }
  for (int k = 1; k <= 4; ++k) {
    const int digit = hex_digit(json->at[k]);
    code = digit < 0 || code < 0 ? -1 : code * 16 + digit;
  }
  if (code <= 0 || code > 127) {
    fault(json, "an escape of ASCII");
  }
  json->at += 5;
  return (char)code;
}

char *json_string(json_t *json) {
  size_t size = 0;
  json_expect(json, '"');
  const uint8_t *quote = json->at;
  while (quote < json->end && *quote != '"') {
    quote += *quote == '\\' && json->end - quote > 1 ? 2 : 1;
  }
  /* Escapes only become shorter, so this is room enough. */
  char *text = allocate(quote - json->at + 1, 1);
  while (json->at < json->end && *json->at != '"') {
    const uint8_t c = *json->at;
    if (c < ' ') {
      fault(json, "a character fit for a string");
    }
    ++json->at;
    text[size++] = c == '\\' ? escaped(json) : (char)c;
  }
  if (json->at >= json->end) {
    fault(json, "the end of a string");
  }
  ++json->at;
  return text;
}

int64_t json_integer(json_t *json) {
  int64_t value = 0;
  skip_space(json);
  const uint8_t *first = json->at;
  for (; json->at < json->end && *json->at >= '0' && *json->at <= '9'; ++json->at) {
    const int digit = *json->at - '0';
    if (value > (INT64_MAX - digit) / 10) {
      fault(json, "a number below 2^63");
    }
    value = value * 10 + digit;
  }
  if (json->at == first || (json->at - first > 1 && *first == '0')) {
    fault(json, "a whole number");
  }
  return value;
}

void json_end(json_t *json) {
  skip_space(json);
  if (json->at < json->end) {
    fault(json, "its end");
  }
}
