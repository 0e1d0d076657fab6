/* The options of the command line, and which of them a model file keeps.
 * One table row per option gives parsing, bounds, --help and the file's metadata. */
#ifndef CHAR_LM_SETTINGS_H
#define CHAR_LM_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  /* kept in a model file: training goes on with the same */
  int64_t cell; /* rondo_cell_t */
  int64_t hidden, layers, embedding, batch, seq, decay, seed;
  double lr, dropout;
  /* this run only */
  int64_t steps, epochs, threads, sample;
  double temperature;
  const char *save, *load;
} settings_t;

/* Room for a setting as text. */
enum { SETTING_ROOM = 32 };

/* Defaults. */
void settings_init(settings_t *settings);
/* Reads options; what is none is moved to the front of argv as a file. Returns how many files there are. Ends the
 * program after --help and at a fault. */
int settings_parse(settings_t *settings, int argc, char **argv);
/* 1 where settings_parse saw the option, as "steps". */
int settings_given(const char *name);

/* The settings that a model file keeps, numbered from 0: name (NULL beyond the last) and value as text. */
const char *settings_kept_name(int index);
void settings_kept_value(const settings_t *settings, int index, char text[SETTING_ROOM]);
/* Takes the value from a model file: 0 where it is none. Refuses an option on the command line that says otherwise. */
int settings_keep(settings_t *settings, int index, const char *text, const char *path);

/* "lstm" or "gru". */
const char *settings_cell_name(const settings_t *settings);

#endif
