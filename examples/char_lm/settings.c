/* The options of the command line, and which of them a model file keeps.
 * A new option is a member of settings_t and a row of the table here. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

typedef enum { KIND_INTEGER, KIND_REAL, KIND_CELL, KIND_PATH } kind_t;

typedef struct {
  const char *name, *argument, *help;
  kind_t kind;
  int kept; /* in model files */
  size_t member;
  double fallback, least, most;
} row_t;

#define INTEGER(member, kept, fallback, least, most, help) \
  { #member, "N", help, KIND_INTEGER, kept, offsetof(settings_t, member), fallback, least, most }
#define REAL(member, kept, fallback, least, most, help) \
  { #member, "X", help, KIND_REAL, kept, offsetof(settings_t, member), fallback, least, most }
#define PATH(member, help) \
  { #member, "FILE", help, KIND_PATH, 0, offsetof(settings_t, member), 0, 0, 0 }

static const row_t table[] = {
    {"cell", "lstm|gru", "kind of recurrent cell", KIND_CELL, 1, offsetof(settings_t, cell), RONDO_CELL_LSTM, 0, 0},
    INTEGER(hidden, 1, 256, 1, 16384, "width of the state"),
    INTEGER(layers, 1, 1, 1, 64, "recurrent layers"),
    INTEGER(embedding, 1, 64, 1, 16384, "numbers that stand for a byte"),
    INTEGER(batch, 1, 32, 1, 4096, "streams of text side by side"),
    INTEGER(seq, 1, 64, 1, 65536, "bytes of each stream in a step"),
    REAL(lr, 1, 0.01, 1e-9, 10, "Adam's learning rate at the start"),
    INTEGER(decay, 1, 900, 1, 1e9, "steps in which the rate comes down to a twentieth"),
    REAL(dropout, 1, 0, 0, 1, "between layers; with one layer it has no effect"),
    INTEGER(seed, 1, 1, 0, 9007199254740992.0, "of the first parameters, of dropout and of the sample"),
    INTEGER(steps, 0, 0, 0, 1e12, "steps of this run, a loaded model's own not counted"),
    INTEGER(epochs, 0, 0, 0, 1e9, "passes over the text instead of steps"),
    INTEGER(threads, 0, 0, 0, 1024, "0: rondo chooses; the results do not depend on it"),
    PATH(save, "write the model here when trained, or when stopped by Ctrl-C"),
    PATH(load, "go on from a saved model; without text, only sample from it"),
    INTEGER(sample, 0, 400, 0, 1e9, "bytes of sample, 0: none"),
    REAL(temperature, 0, 0.7, 0, 100, "of the sample; 0: always the likeliest byte"),
};
enum { ROWS = sizeof(table) / sizeof(table[0]) };

static int given[ROWS]; /* on the command line */

static int64_t *integer_of(settings_t *settings, const row_t *row) {
  return (int64_t *)(void *)((char *)settings + row->member);
}
static double *real_of(settings_t *settings, const row_t *row) {
  return (double *)(void *)((char *)settings + row->member);
}
static const char **path_of(settings_t *settings, const row_t *row) {
  return (const char **)(void *)((char *)settings + row->member);
}

void settings_init(settings_t *settings) {
  memset(settings, 0, sizeof(*settings));
  for (const row_t *row = table; row < table + ROWS; ++row) {
    if (row->kind == KIND_REAL) {
      *real_of(settings, row) = row->fallback;
    } else if (row->kind != KIND_PATH) {
      *integer_of(settings, row) = (int64_t)row->fallback;
    }
  }
}

static int set(settings_t *settings, const row_t *row, const char *text) {
  char *end = NULL;
  if (row->kind == KIND_PATH) {
    *path_of(settings, row) = text;
    return text[0] != '\0';
  }
  if (row->kind == KIND_CELL) {
    const int lstm = strcmp(text, "lstm") == 0;
    settings->cell = lstm ? RONDO_CELL_LSTM : RONDO_CELL_GRU;
    return lstm || strcmp(text, "gru") == 0;
  }
  if (strspn(text, "0123456789.eE+-") != strlen(text)) { /* strtod would also take "inf", " 1" and "0x1" */
    return 0;
  }
  const double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= row->least && value <= row->most)) {
    return 0;
  }
  if (row->kind == KIND_REAL) {
    *real_of(settings, row) = value;
    return 1;
  }
  *integer_of(settings, row) = (int64_t)value;
  return (double)(int64_t)value == value;
}

static void refuse_value(const row_t *row, const char *text) {
  if (row->kind == KIND_CELL) {
    refuse(EXIT_WRONG, "--%s is '%s', expected lstm or gru", row->name, text);
  }
  if (row->kind == KIND_PATH) {
    refuse(EXIT_WRONG, "--%s is '%s', expected the name of a file", row->name, text);
  }
  refuse(EXIT_WRONG, "--%s is '%s', expected %s from %.16g to %.16g", row->name, text,
         row->kind == KIND_INTEGER ? "a whole number" : "a number", row->least, row->most);
}

static void help(void) {
  puts(
      "usage: char_lm [OPTION...] FILE...\n\n"
      "Trains a character language model on the files, through rondo's public C header, and measures it on the\n"
      "last tenth of each file.\n");
  for (const row_t *row = table; row < table + ROWS; ++row) {
    char option[40];
    snprintf(option, sizeof(option), "--%s %s", row->name, row->argument);
    printf("  %-18s  %s", option, row->help);
    if (row->kind == KIND_CELL) {
      printf(" (%s)", "lstm");
    } else if (strcmp(row->name, "steps") == 0) {
      printf(" (900, but at most 12 passes)");
    } else if (row->kind != KIND_PATH && row->fallback > 0) {
      printf(" (%g)", row->fallback);
    }
    putchar('\n');
  }
  puts(
      "  --help              this text\n\n"
      "exit status: 0 done; 1 a file that cannot be read or written, or training that diverged; 2 a wrong option, or\n"
      "a model file that is not what it should be; 128 + signal when stopped by one (--save is still done)");
  if (fflush(stdout) != 0) {
    refuse(EXIT_CANNOT, "cannot write the help");
  }
  exit(0);
}

static void parse_option(settings_t *settings, int argc, char **argv, int *at) {
  const char *name = argv[*at] + 2;
  const size_t size = strcspn(name, "=");
  if (strcmp(argv[*at], "--help") == 0 || strcmp(argv[*at], "-h") == 0) {
    help();
  }
  for (int k = 0; k < ROWS; ++k) {
    if (argv[*at][1] == '-' && strlen(table[k].name) == size && strncmp(table[k].name, name, size) == 0) {
      const char *value = name[size] == '=' ? name + size + 1 : *at + 1 < argc ? argv[++*at] : NULL;
      if (value == NULL) {
        refuse(EXIT_WRONG, "--%s lacks its value (%s)", table[k].name, table[k].argument);
      }
      if (!set(settings, &table[k], value)) {
        refuse_value(&table[k], value);
      }
      given[k] = 1;
      return;
    }
  }
  refuse(EXIT_WRONG, "unknown option '%s'; --help lists them", argv[*at]);
}

int settings_parse(settings_t *settings, int argc, char **argv) {
  int files = 0;
  int options = 1;
  for (int at = 1; at < argc; ++at) {
    if (options && strcmp(argv[at], "--") == 0) {
      options = 0;
    } else if (options && argv[at][0] == '-' && argv[at][1] != '\0') {
      parse_option(settings, argc, argv, &at);
    } else {
      argv[files++] = argv[at];
    }
  }
  if (settings_given("steps") && settings_given("epochs")) {
    refuse(EXIT_WRONG, "--steps and --epochs exclude each other");
  }
  return files;
}

int settings_given(const char *name) {
  for (int k = 0; k < ROWS; ++k) {
    if (strcmp(table[k].name, name) == 0) {
      return given[k];
    }
  }
  return 0;
}

static int kept_row(int index) {
  for (int k = 0; k < ROWS; ++k) {
    if (table[k].kept && index-- == 0) {
      return k;
    }
  }
  return -1;
}

const char *settings_kept_name(int index) {
  const int row = kept_row(index);
  return row < 0 ? NULL : table[row].name;
}

void settings_kept_value(const settings_t *settings, int index, char text[SETTING_ROOM]) {
  settings_t copy = *settings;
  const row_t *row = &table[kept_row(index)];
  if (row->kind == KIND_CELL) {
    snprintf(text, SETTING_ROOM, "%s", settings_cell_name(settings));
  } else if (row->kind == KIND_REAL) {
    snprintf(text, SETTING_ROOM, "%.17g", *real_of(&copy, row)); /* 17 digits give every double back */
  } else {
    snprintf(text, SETTING_ROOM, "%lld", (long long)*integer_of(&copy, row));
  }
}

int settings_keep(settings_t *settings, int index, const char *text, const char *path) {
  const int row = kept_row(index);
  settings_t asked = *settings;
  char was[SETTING_ROOM];
  char now[SETTING_ROOM];
  if (!set(settings, &table[row], text)) {
    return 0;
  }
  settings_kept_value(&asked, index, was);
  settings_kept_value(settings, index, now);
  if (given[row] && strcmp(was, now) != 0) {
    refuse(EXIT_WRONG, "--%s is %s, but %s was trained with %s", table[row].name, was, path, now);
  }
  return 1;
}

const char *settings_cell_name(const settings_t *settings) {
  return settings->cell == RONDO_CELL_LSTM ? "lstm" : "gru";
}
