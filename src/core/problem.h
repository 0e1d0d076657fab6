// Problem: what a plan is made for beside its spec: mode, kind of sequences, and the maxima of its calls.
#pragma once

#include "core/spec.h"

namespace rondo {

struct Problem {
  bool training;
  rondo_sequence_t sequence;
  int64_t max_T, max_N, max_S;
  bool fixed_batch;  // every call has N = max_N
  // Autotune compares back ends for it: even one that has a single way to run it is to time that.
  bool compared = false;
};

// Refuses what does not fit the spec or overflows; fills in max_S = 0.
Status make_problem(const Spec &spec, const rondo_plan_args_t &args, Problem *problem);

const char *sequence_name(rondo_sequence_t sequence);

}  // namespace rondo
