/* char_lm: trains a character language model through rondo's public C header, measures it, and lets it write.
 * All it computes depends on the options and the text alone: not on time, thread count, or where it was interrupted. */
#define _POSIX_C_SOURCE 200809L /* sigaction */

#include <rondo/rondo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "checkpoint.h"
#include "common.h"
#include "infer.h"
#include "ngram.h"
#include "progress.h"
#include "safetensors.h"
#include "sample.h"
#include "settings.h"
#include "train.h"

/* A run without --steps or --epochs: enough to learn spelling and layout, without learning a small text by heart. */
enum { DEFAULT_STEPS = 900, DEFAULT_PASSES = 12 };

static volatile sig_atomic_t stopped_by = 0;

static void on_signal(int number) { stopped_by = number; }

/* Ctrl-C ends training after the step under way, so that --save still holds; a second one ends the program. */
static void watch_signals(void) {
  static const int numbers[] = {SIGINT, SIGTERM};
  for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); ++k) {
    struct sigaction action;
    struct sigaction before;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    if (sigaction(numbers[k], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
      sigaction(numbers[k], &action, NULL);
    }
  }
}

static void on_log(void *user, int32_t level, const char *text) {
  (void)user;
  if (level >= 1) {
    fprintf(stderr, "char_lm: warning: %s\n", text);
  }
}

static rondo_context_t make_context(const settings_t *settings) {
  rondo_context_t context = NULL;
  check(rondo_context_create(&context));
  check(rondo_context_set_log(context, on_log, NULL));
  check(rondo_context_set_threads(context, settings->threads));
  return context;
}

/* How many steps come to that many passes over the text, rounded up. */
static int64_t steps_of_passes(const settings_t *settings, const text_t *text, int64_t passes) {
  const int64_t step = settings->batch * settings->seq;
  const double bytes = (double)passes * (double)text->train_size;
  return bytes < 1e18 ? ((int64_t)bytes + step - 1) / step : (int64_t)1e18 / step;
}

static int64_t steps_to_do(const settings_t *settings, const text_t *text) {
  if (settings_given("steps")) {
    return settings->steps;
  }
  if (settings_given("epochs")) {
    return steps_of_passes(settings, text, settings->epochs);
  }
  const int64_t most = steps_of_passes(settings, text, DEFAULT_PASSES);
  return most < DEFAULT_STEPS ? most : DEFAULT_STEPS;
}

static void train(model_t *model, const text_t *text, rondo_context_t context, int64_t steps) {
  trainer_t trainer;
  progress_t progress;
  trainer_create(&trainer, model, context);
  watch_signals();
  printf("training  %lld steps of %lld streams, %lld bytes each, after %lld; rondo %s, %s\n", (long long)steps,
         (long long)model->settings.batch, (long long)model->settings.seq, (long long)model->step,
         rondo_version_string(), rondo_plan_backend_name(trainer.plan));
  fflush(stdout);
  progress_begin(&progress, steps, model->settings.batch * model->settings.seq);
  for (int64_t k = 0; k < steps && !stopped_by; ++k) {
    progress_step(&progress, trainer_step(&trainer, text));
  }
  progress_end(&progress);
  trainer_free(&trainer);
}

static void describe(const model_t *model, const text_t *text) {
  const settings_t *s = &model->settings;
  printf("text      %lld file%s, %lld bytes to train on, %lld held out (the last tenth of each file), %d distinct\n",
         (long long)text->files, text->files > 1 ? "s" : "", (long long)text->train_size,
         (long long)text->held_out_size, text->vocabulary.classes - 1);
  printf("model     %s, %lld layer%s, embedding %lld, hidden %lld: %lld parameters\n", settings_cell_name(s),
         (long long)s->layers, s->layers > 1 ? "s" : "", (long long)s->embedding, (long long)s->hidden,
         (long long)model->size);
}

static void evaluate(predictor_t *predictor, const text_t *text) {
  printf("\nheld-out text, bits per character (less is better)\n");
  printf("  unigram, add-one smoothing  %.3f\n", unigram_bits(text));
  printf("  bigram, add-one smoothing   %.3f\n", bigram_bits(text));
  printf("  this model                  %.3f\n", predictor_bits(predictor, text));
}

static void use(const model_t *model, const text_t *text, rondo_context_t context, const settings_t *settings) {
  predictor_t predictor;
  predictor_create(&predictor, model, context);
  if (text != NULL) {
    evaluate(&predictor, text);
  }
  if (settings->sample > 0) {
    printf("%ssample at temperature %g\n----\n", text != NULL ? "\n" : "", settings->temperature);
    sample_print(&predictor, settings->sample, settings->temperature, model->random);
  }
  predictor_free(&predictor);
}

static void check_files(const settings_t *settings, int files) {
  if (files == 0 && settings->load == NULL) {
    refuse(EXIT_WRONG, "no text: name the files to train on, or a model to sample from with --load (--help says more)");
  }
  if (files == 0 && (settings->save != NULL || settings_given("steps") || settings_given("epochs"))) {
    refuse(EXIT_WRONG, "--save, --steps and --epochs ask for training, but no text is named to train on");
  }
  if (settings->save != NULL) {
    safetensors_probe(settings->save);
  }
}

int main(int argc, char **argv) {
  settings_t settings;
  text_t text;
  model_t model;
  settings_init(&settings);
  const int files = settings_parse(&settings, argc, argv);
  check_files(&settings, files);
  rondo_context_t context = make_context(&settings);
  if (files > 0) {
    text_read(&text, argv, files);
  }
  if (settings.load != NULL) {
    checkpoint_load(settings.load, &settings, files > 0 ? &text : NULL, &model);
  } else {
    model_describe(&model, &settings, &text.vocabulary, text.digest);
    model_allocate(&model);
    model_init(&model, text.train_size);
  }
  if (files > 0) {
    const int64_t steps = steps_to_do(&model.settings, &text);
    describe(&model, &text);
    if (steps > 0) {
      train(&model, &text, context, steps);
    }
    if (settings.save != NULL) {
      checkpoint_save(settings.save, &model);
      printf("saved     %s, after step %lld\n", settings.save, (long long)model.step);
    }
  }
  if (!stopped_by) {
    use(&model, files > 0 ? &text : NULL, context, &settings);
  }
  if (files > 0) {
    text_free(&text);
  }
  model_free(&model);
  rondo_context_destroy(context);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    refuse(EXIT_CANNOT, "standard output cannot be written");
  }
  return stopped_by ? 128 + (int)stopped_by : 0;
}
