// What a plan on cuDNN keeps in the caller's memory: packed parameters are the weight spaces alone; workspace and
// reserve are laid out here, always for the plan's largest call, so that a place does not depend on the call.
#pragma once

#include "backend/cudnn/setup.h"

namespace rondo::cudnn {

// States between a part's chunks of steps, as forward saw them: [chunks, N, O] and [chunks, N, H] per part.
struct CarriedStates {
  char *h_, *c_;
  int64_t h_bytes, c_bytes, chunks;

  CarriedStates(Arena &arena, const Setup &setup, int64_t parts);
  char *h(int64_t part, int64_t chunk) const { return h_ + (part * chunks + chunk) * h_bytes; }
  char *c(int64_t part, int64_t chunk) const { return c_bytes == 0 ? nullptr : c_ + (part * chunks + chunk) * c_bytes; }
};

// Written by forward for backward.
struct Reserve {
  uint64_t *seed;  // {seed, offset} of dropout
  char *spaces_;   // cuDNN's own, per part and chunk
  char *history_;  // [layers kept, S, D*O]: outputs before dropout, where layers run apart
  CarriedStates carried;
  int64_t space_bytes, history_bytes, chunks;

  Reserve(Arena &arena, const Setup &setup);
  char *space(int64_t part, int64_t chunk) const { return spaces_ + (part * chunks + chunk) * space_bytes; }
  char *history(int64_t layer) const { return history_ + layer * history_bytes; }
};

// The states of one part in sorted order, where they do not lie so in the caller's memory.
struct StateSpace {
  char *h, *c;
  StateSpace(Arena &arena, const Setup &setup, bool needed);
};

// One direction's own x and y, where directions run apart.
struct DirectionSpace {
  int32_t *reversal;  // [S]: where each row of the packed order lies when every sequence is reversed
  char *x, *y;
  DirectionSpace(Arena &arena, const Setup &setup);
};

struct ForwardSpace {
  char *weights;
  char *temp;
  char *x;           // [S, I] in step order
  char *y;           // [S, D*O], where the caller's does not serve
  char *history[2];  // [S, D*O] each: inference with layers apart; they take turns
  char *masked;      // [S, D*O]: a layer's output after dropout
  StateSpace first, last;
  CarriedStates carried;  // inference
  DirectionSpace direction;
  cuda::CallRows::Memory rows;

  ForwardSpace(Arena &arena, const Setup &setup);
};

struct BackwardSpace {
  char *weights;
  char *d_weights;
  char *temp;
  char *reserve;      // a copy of one of cuDNN's spaces, which it destroys
  char *x, *y;        // step order
  char *dy;           // [S, D*O], where the caller's does not serve
  char *gradient[2];  // [S, widest input]: a stage's dx, which is the dy of the stage below
  char *masked;
  StateSpace first, d_last, d_first;
  DirectionSpace direction;
  char *direction_dy, *direction_dx;
  cuda::CallRows::Memory rows;

  BackwardSpace(Arena &arena, const Setup &setup);
};

}  // namespace rondo::cudnn
