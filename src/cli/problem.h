// A problem that `verify` and `bench` run: a network, one call's shape, and what the plan is for.
// Letters as in rondo.h: T, N, I, H, P, L, D, G, O, S.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/handles.h"
#include "rondo/rondo.h"

namespace rondo::cli {

struct Problem {
  rondo_cell_t cell = RONDO_CELL_LSTM;
  rondo_dtype_t dtype = RONDO_F32;
  int64_t T = 1, N = 1, I = 1, H = 1, P = 0, L = 1;
  bool bidirectional = false;
  bool bias = true;
  bool single_cell = false;
  bool cell_state_f32 = false;
  bool param_grad_f32 = false;
  double dropout = 0;
  double padding_value = 0;
  rondo_layout_t layout = RONDO_TIME_MAJOR;
  rondo_sequence_t sequence = RONDO_SEQUENCE_FULL;
  rondo_mode_t mode = RONDO_TRAINING;
  rondo_backend_t backend = RONDO_BACKEND_AUTO;
  std::vector<int64_t> lengths;  // [N], unless the sequence is full

  int64_t D() const { return bidirectional ? 2 : 1; }
  int64_t G() const;
  int64_t O() const { return P > 0 ? P : H; }
  int64_t S() const;  // T*N where the sequence is full
  bool is_training() const { return mode == RONDO_TRAINING; }
  bool has_cell_state() const { return cell == RONDO_CELL_LSTM; }
  rondo_dtype_t cell_state_dtype() const { return cell_state_f32 && dtype != RONDO_F64 ? RONDO_F32 : dtype; }
  rondo_dtype_t param_grad_dtype() const { return param_grad_f32 && dtype != RONDO_F64 ? RONDO_F32 : dtype; }

  // Floating-point operations of the products, the measure of speed: forward, or forward and backward (three times as
  // many: dx and dW take as many again each).
  double flops() const;
};

Rnn make_rnn(const Problem &problem);

// As "lstm-f32-t12-n5-i7-h10": what every name of a case starts with.
std::string shape_name(const Problem &problem);

// What a call's rondo_batch_t points to.
class Batch {
 public:
  explicit Batch(const Problem &problem);
  Batch(const Batch &) = delete;  // args() points into it
  Batch &operator=(const Batch &) = delete;

  const rondo_batch_t &args() const { return args_; }

 private:
  std::vector<int64_t> lengths_, batch_sizes_, sorted_indices_;
  rondo_batch_t args_{};
};

}  // namespace rondo::cli
