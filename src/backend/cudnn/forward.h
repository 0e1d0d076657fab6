// ForwardRun: one forward call, stage by stage; in training it leaves in the reserve what backward reads.
#pragma once

#include "backend/cudnn/run.h"
#include "core/call.h"

namespace rondo::cudnn {

class ForwardRun : private Run {
 public:
  // reserve: NULL in inference.
  ForwardRun(const Setup &setup, cudnnHandle_t library, const kernels::cuda::Target &target, const cuda::CallRows &rows,
             const ForwardCall &call, const ForwardSpace &space, const Reserve *reserve);
  Status run() const;

 private:
  Status run_stages(char *y) const;
  Status run_stage(const Stage &stage, const char *x, char *y) const;
  Status run_directions(const Stage &stage, const char *x, char *y) const;
  Status run_part(const Part &part, const char *x, char *y) const;
  Status keep_ended(const Part &part, const Chunk &chunk, char *hn, char *cn) const;
  char *output_of(size_t stage, char *y) const;
  const CarriedStates &carried() const { return reserve_ != nullptr ? reserve_->carried : space_.carried; }
  int64_t carried_index(const Part &part) const { return reserve_ != nullptr ? part_index(part) : 0; }

  const rondo_forward_args_t &args_;
  const ForwardSpace &space_;
  const Reserve *reserve_;
  const char *weights_;
};

}  // namespace rondo::cudnn
