// The rules between attributes, and the facts that follow from one: gates of a cell, bytes of a type.
#include "core/spec.h"

#include <cinttypes>

#include "core/attributes.h"
#include "core/parameters.h"

namespace rondo {

Spec::Spec() {
  for (const Attribute &attribute : attributes()) {
    attribute.set(*this, attribute.default_value);
  }
}

int64_t Spec::gates() const {
  switch (cell) {
    case RONDO_CELL_LSTM:
      return 4;
    case RONDO_CELL_GRU:
      return 3;
    default:
      return 1;
  }
}

const char *cell_name(int64_t cell) {
  switch (cell) {
    case RONDO_CELL_RNN_TANH:
      return "rnn_tanh";
    case RONDO_CELL_RNN_RELU:
      return "rnn_relu";
    case RONDO_CELL_LSTM:
      return "lstm";
    default:
      return "gru";
  }
}

const char *dtype_name(rondo_dtype_t dtype) {
  switch (dtype) {
    case RONDO_F64:
      return "f64";
    case RONDO_F32:
      return "f32";
    case RONDO_F16:
      return "f16";
    default:
      return "bf16";
  }
}

int64_t dtype_size(rondo_dtype_t dtype) {
  switch (dtype) {
    case RONDO_F64:
      return 8;
    case RONDO_F32:
      return 4;
    default:
      return 2;
  }
}

Status validate(const Spec &spec) {
  if (spec.input_size == 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "input_size is 0 (never set), expected 1 or more");
  }
  if (spec.hidden_size == 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "hidden_size is 0 (never set), expected 1 or more");
  }
  if (spec.proj_size > 0 && spec.cell != RONDO_CELL_LSTM) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "proj_size is %" PRId64 ", but cell is %s; only lstm has a projection",
                spec.proj_size, cell_name(spec.cell));
  }
  if (spec.proj_size >= spec.hidden_size) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "proj_size is %" PRId64 ", expected less than hidden_size, which is %" PRId64, spec.proj_size,
                spec.hidden_size);
  }
  if (spec.single_cell != 0) {
    if (spec.num_layers != 1) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT, "num_layers is %" PRId64 ", expected 1 with single_cell",
                  spec.num_layers);
    }
    if (spec.bidirectional != 0) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT, "bidirectional is 1, expected 0 with single_cell");
    }
    if (spec.proj_size != 0) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT, "proj_size is %" PRId64 ", expected 0 with single_cell",
                  spec.proj_size);
    }
  }
  if (spec.autotune != 0 && spec.deterministic != 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "autotune is 1, expected 0 with deterministic: what a clock chooses may differ from run to run");
  }
  return check_parameter_sizes(spec);
}

}  // namespace rondo
