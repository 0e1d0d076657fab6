/* Text from a model, byte by byte, written to standard output.
 * Bytes that could disturb a terminal (control characters, broken UTF-8) are shown as '?'. */
#include "sample.h"

#include <math.h>
#include <stdio.h>

/* A UTF-8 character in the making. */
typedef struct {
  unsigned char bytes[4];
  int have, want;
} character_t;

static int utf8_length(unsigned char first) {
  if (first >= 0xc2 && first <= 0xdf) {
    return 2;
  }
  if (first >= 0xe0 && first <= 0xef) {
    return 3;
  }
  return first >= 0xf0 && first <= 0xf4 ? 4 : 1;
}

static void show_unfinished(character_t *character) {
  for (; character->have > 0; --character->have) {
    putchar('?');
  }
}

static void show(character_t *character, unsigned char byte) {
  if (character->have > 0 && (byte & 0xc0) == 0x80) {
    character->bytes[character->have++] = byte;
    if (character->have == character->want) {
      /* U+0080 to U+009F, in UTF-8 c2 80 to c2 9f, are control characters too */
      const int control = character->bytes[0] == 0xc2 && character->bytes[1] < 0xa0;
      if (control) {
        show_unfinished(character);
      }
      fwrite(character->bytes, 1, (size_t)character->have, stdout);
      character->have = 0;
    }
    return;
  }
  show_unfinished(character);
  if (utf8_length(byte) > 1) {
    character->bytes[0] = byte;
    character->have = 1;
    character->want = utf8_length(byte);
  } else {
    putchar(byte == '\n' || byte == '\t' || (byte >= ' ' && byte <= '~') ? byte : '?');
  }
}

/* The last class, "unknown", stands for no byte and is never drawn. */
static int draw(const float *logits, int bytes, double temperature, random_t *random) {
  int best = 0;
  double sum = 0;
  for (int k = 1; k < bytes; ++k) {
    best = logits[k] > logits[best] ? k : best;
  }
  if (temperature <= 0) {
    return best;
  }
  for (int k = 0; k < bytes; ++k) {
    sum += exp((double)(logits[k] - logits[best]) / temperature);
  }
  double left = random_uniform(random) * sum;
  for (int k = 0; k < bytes; ++k) {
    left -= exp((double)(logits[k] - logits[best]) / temperature);
    if (left < 0) {
      return k;
    }
  }
  return best; /* rounding left a crumb */
}

void sample_print(predictor_t *predictor, int64_t count, double temperature, random_t random) {
  const vocabulary_t *vocabulary = &predictor->model->vocabulary;
  const int bytes = vocabulary->classes - 1;
  character_t character = {{0}, 0, 0};
  /* It begins as if after the end of a line. */
  int last = vocabulary->class_of['\n'] < bytes ? vocabulary->class_of['\n'] : 0;
  predictor_reset(predictor);
  for (int64_t k = 0; k < count; ++k) {
    last = draw(predictor_next(predictor, last), bytes, temperature, &random);
    show(&character, vocabulary->bytes[last]);
  }
  show_unfinished(&character);
  putchar('\n');
}
