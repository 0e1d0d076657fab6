/* The text: files read, the last tenth of each held out, bytes numbered by a vocabulary.
 * The vocabulary comes from the training part alone; one further class stands for every byte it lacks. */
#ifndef CHAR_LM_TEXT_H
#define CHAR_LM_TEXT_H

#include <stdint.h>

typedef struct {
  int classes;            /* distinct bytes + 1 */
  uint8_t bytes[256];     /* the byte of each class but the last, ascending */
  uint16_t class_of[256]; /* classes - 1 where the vocabulary lacks the byte */
} vocabulary_t;

typedef struct {
  vocabulary_t vocabulary;
  uint16_t *train, *held_out; /* classes, the files' parts one after another */
  int64_t train_size, held_out_size, files;
  uint64_t digest; /* of both parts: tells one text from another */
} text_t;

/* bytes: distinct and ascending; says 0 where they are not. */
int vocabulary_from_bytes(vocabulary_t *vocabulary, const uint8_t *bytes, int count);

/* Refuses files that cannot be read or are empty, and texts too short to train on and to score. */
void text_read(text_t *text, char *const *paths, int count);
void text_free(text_t *text);

#endif
