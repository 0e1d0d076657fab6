/* A model in a safetensors file: parameters under PyTorch's names, and beside them all that training needs to go on.
 * A run that is saved, loaded and continued gives the bytes of a run that never stopped. */
#ifndef CHAR_LM_CHECKPOINT_H
#define CHAR_LM_CHECKPOINT_H

#include "model.h"

/* Replaces the file at once or not at all. */
void checkpoint_save(const char *path, const model_t *model);

/* Fills the model, memory included, from a file; the kept settings are the file's, the others the command line's.
 * text: what training is to go on with, or NULL where it is not. Refuses a file that is not what it should be, that was
 * trained on another text, or that an option on the command line contradicts. */
void checkpoint_load(const char *path, const settings_t *settings, const text_t *text, model_t *model);

#endif
