// Trial: one problem at its largest, in device memory and on a stream of its own, to time executors with.
#pragma once

#include <cuda_runtime.h>

#include <vector>

#include "backend/backend.h"

namespace rondo::cuda {

class Trial {
 public:
  Trial(const Spec &spec, const Problem &problem) : spec_(spec), problem_(problem) {}
  ~Trial();
  Trial(const Trial &) = delete;
  Trial &operator=(const Trial &) = delete;

  // Room for executors that need as much as this, once; RONDO_ERROR_OUT_OF_MEMORY where there is none.
  Status prepare(const MemoryNeeds &needs);
  // The median time of a forward, in training of forward and backward.
  Status time(const Executor &executor, double *milliseconds);

 private:
  struct Data;

  // The plan's largest call in its kind of sequence: as many rows at every step as max_S allows.
  Status set_batch(int32_t *device_lengths);
  void bind(const Data &data, const MemoryNeeds &needs);
  Status run(const Executor &executor, float *milliseconds) const;

  const Spec spec_;
  const Problem problem_;
  void *block_ = nullptr;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  ForwardCall forward_{};
  BackwardCall backward_{};
  std::vector<void *> params_, dparams_;
  std::vector<int64_t> lengths_, batch_sizes_;
};

}  // namespace rondo::cuda
