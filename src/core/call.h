// Calls: the checked arguments of forward and backward, as every back end receives them.
#pragma once

#include "core/batch.h"
#include "core/checked.h"

namespace rondo {

struct ForwardCall {
  rondo_forward_args_t args;
  Batch batch;
};

struct BackwardCall {
  rondo_backward_args_t args;
  Batch batch;
};

// What a plan's back end asks the caller to bring.
struct MemoryNeeds {
  int64_t workspace, reserve, packed;
};

// Refuses a plan whose memory an int64 cannot count.
Status count_needs(const Spec &spec, const Problem &problem, Checked workspace, Checked reserve, Checked packed,
                   MemoryNeeds *needs);

// Everything that can be told without reading workspace, reserve or packed parameters.
Status check_forward(const Spec &spec, const Problem &problem, const MemoryNeeds &needs, rondo_device_t device,
                     const rondo_forward_args_t *given, ForwardCall *call);
Status check_backward(const Spec &spec, const Problem &problem, const MemoryNeeds &needs, rondo_device_t device,
                      const rondo_backward_args_t *given, BackwardCall *call);

}  // namespace rondo
