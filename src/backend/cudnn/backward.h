// BackwardRun: one backward call, stage by stage from the last. cuDNN's backward destroys its reserve, so it is given a
// copy unless the spec allows it the caller's.
#pragma once

#include "backend/cudnn/run.h"
#include "core/call.h"

namespace rondo::cudnn {

class BackwardRun : private Run {
 public:
  BackwardRun(const Setup &setup, cudnnHandle_t library, const kernels::cuda::Target &target,
              const cuda::CallRows &rows, const BackwardCall &call, const BackwardSpace &space, const Reserve &reserve);
  Status run() const;

 private:
  // What a stage or a part reads and writes, in step order.
  struct Flow {
    const char *x, *y, *dy;
    char *dx;
  };
  // Of a part's chunk: initial states, gradients of the last ones, and where those of the initial ones go.
  struct States {
    const void *h, *c, *dhn, *dcn;
    void *dh, *dc;
  };

  Status run_idle() const;
  Status run_stages() const;
  Status prepare(Flow *last) const;
  Status load_source(size_t stage, const char **x) const;
  Status run_stage(const Stage &stage, const Flow &flow) const;
  Status run_directions(const Stage &stage, const Flow &flow) const;
  Status run_part(const Part &part, const Flow &flow) const;
  Status run_carried(const Part &part, const Flow &flow, States states) const;
  Status run_chunk(const Part &part, const Chunk &chunk, const Flow &flow, const States &states) const;

  const rondo_backward_args_t &args_;
  const BackwardSpace &space_;
  const Reserve &reserve_;
  bool wants_weights_ = false;
};

}  // namespace rondo::cudnn
