// Spec: what a network is, one field per attribute. A plan keeps its own immutable copy.
// Letters as in rondo.h: I, H, P, L, D, O, G.
#pragma once

#include <rondo/rondo.h>

#include "core/status.h"

namespace rondo {

// Every field is an int64 or a double, so that one table row can name it; the defaults are the table's.
struct Spec {
  int64_t cell, input_size, hidden_size, proj_size, num_layers, bidirectional, bias;
  double dropout;
  int64_t dtype, cell_state_type, param_grad_type, layout;
  double padding_value;
  int64_t deterministic, consume_reserve, device, backend, single_cell;
  int64_t fixed_batch, persistent, autotune, allow_tf32;

  Spec();

  int64_t gates() const;                                                      // G
  int64_t directions() const { return bidirectional != 0 ? 2 : 1; }           // D
  int64_t output() const { return proj_size > 0 ? proj_size : hidden_size; }  // O
  int64_t layer_input(int64_t layer) const { return layer == 0 ? input_size : directions() * output(); }
  bool has_cell_state() const { return cell == RONDO_CELL_LSTM; }
  rondo_dtype_t storage() const { return static_cast<rondo_dtype_t>(dtype); }
  rondo_dtype_t cell_state_dtype() const { return widened(cell_state_type); }
  rondo_dtype_t param_grad_dtype() const { return widened(param_grad_type); }

 private:
  rondo_dtype_t widened(int64_t choice) const {
    return choice == RONDO_AS_F32 && storage() != RONDO_F64 ? RONDO_F32 : storage();
  }
};

// What set_int and set_float cannot see: sizes never set, combinations, parameters too large to count.
Status validate(const Spec &spec);

const char *cell_name(int64_t cell);
const char *dtype_name(rondo_dtype_t dtype);
int64_t dtype_size(rondo_dtype_t dtype);

}  // namespace rondo
