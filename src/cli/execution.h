// One problem on one back end: its plan, its arrays where the plan wants them, and the calls.
// The plan is made first and the arrays on request, so that a caller can ask for their size before there are any.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/handles.h"
#include "cli/problem.h"
#include "cli/tensor.h"

namespace rondo::cli {

struct ExecutionOptions {
  bool states = true;          // h0, c0 and, in training, their gradients are given and asked for
  bool packed_params = false;  // forward takes what rondo_plan_pack_params made
  int64_t spare = 0;           // how much larger than the call the plan's maxima of T and N are
  uint64_t dropout_seed = 0, dropout_offset = 0;
};

class Execution {
 public:
  Execution(rondo_context_t context, const Problem &problem, const ExecutionOptions &options);

  const Problem &problem() const { return problem_; }
  rondo_rnn_t rnn() const { return rnn_.get(); }
  const char *backend_name() const { return rondo_plan_backend_name(plan_.get()); }
  const MemorySpace &space() const { return space_; }
  // Of every array and buffer together.
  double bytes_needed() const;

  void allocate();
  void pack_params();  // after params are filled; needs options.packed_params
  // On a device these only launch; reading a tensor waits for them, as space().synchronize() does.
  void forward();
  void backward(bool accumulate);
  // What the calls computed, in the order in which a fault shows first: y, hn, cn, dx, ...
  std::vector<const Tensor *> outputs() const;

  // Absent (NULL) where the problem has none. Shapes as in rondo.h.
  Tensor x, h0, c0, dy, dhn, dcn;
  std::vector<Tensor> params;
  Tensor y, hn, cn, dx, dh0, dc0;
  std::vector<Tensor> dparams;

 private:
  int64_t plan_bytes(rondo_status_t (*question)(rondo_plan_t, int64_t *)) const;
  std::vector<int64_t> data_shape(int64_t features) const;

  const Problem problem_;
  const ExecutionOptions options_;
  const Batch batch_;
  const Rnn rnn_;
  Plan plan_;
  MemorySpace space_;
  AlignedBuffer workspace_, reserve_, packed_;
  std::vector<const void *> param_pointers_;
  std::vector<void *> dparam_pointers_;
};

}  // namespace rondo::cli
