// One forward call: per layer the input products of a chunk of steps, then the steps, both directions side by side: all
// in one launch by a tier, or a product and a kernel each (two more with a projection).
#pragma once

#include "backend/fused/frame.h"
#include "kernels/cuda/sequence.h"

namespace rondo::fused {

class ForwardRun {
 public:
  // reserve: bound in training only.
  ForwardRun(const Frame &frame, const ForwardCall &call, const ForwardSpace &space, const Reserve &reserve)
      : frame_(frame), facts_(frame.facts), rows_(frame.rows), call_(call), space_(space), reserve_(reserve) {}

  Status run() const;

 private:
  struct Layer {
    int64_t index;
    const void *input;  // [S, input(index)] storage
    Array history;      // [S, D*O] storage
    const void *hh[2], *hr[2];
  };
  struct Chunk {  // positions from begin up to end
    int64_t begin, end;
  };

  Status run_layer(int64_t index) const;
  Array history_of(int64_t layer) const;
  Status load_states(const Layer &layer) const;
  Status store_states(const Layer &layer) const;
  Status run_chunks(const Layer &layer) const;
  Status run_steps(const Layer &layer, const Chunk &chunk) const;
  Status run_sequence(const Layer &layer, const Chunk &chunk) const;
  kernels::cuda::ForwardSequenceDirection sequence_direction(const Layer &layer, int64_t direction) const;
  Status input_products(const Layer &layer, const Chunk &chunk) const;
  Status recurrent_products(const Layer &layer, int64_t position) const;
  Status cell_step(const Layer &layer, const Chunk &chunk, int64_t position) const;
  kernels::cuda::ForwardDirection cell_direction(const Layer &layer, const Chunk &chunk, int64_t direction,
                                                 int64_t position) const;
  Status project(const Layer &layer, int64_t position) const;
  Status store_output() const;

  // The first initial state is known to be zeros: its product is left out.
  bool starts_from_zero(int64_t position) const { return position == 0 && call_.args.h0 == nullptr; }
  int64_t first_step(int64_t direction, const Chunk &chunk) const {
    return direction == 0 ? chunk.begin : rows_.T() - chunk.end;
  }
  // W_ih x of a chunk, [., gates].
  Array products_of(const Layer &layer, int64_t direction) const;
  void *projected_at(const Layer &layer, int64_t direction, int64_t t) const;

  const Frame &frame_;
  const Facts &facts_;
  const cuda::CallRows &rows_;
  const ForwardCall &call_;
  const ForwardSpace &space_;
  const Reserve &reserve_;
};

}  // namespace rondo::fused
