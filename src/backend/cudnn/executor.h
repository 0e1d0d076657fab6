// CudnnExecutor: one plan on cuDNN: it binds a call to its memory and enqueues it under the handle's mutex.
#pragma once

#include "backend/cuda/executor.h"
#include "backend/cudnn/handles.h"
#include "backend/cudnn/setup.h"

namespace rondo::cudnn {

class CudnnExecutor final : public cuda::CudaExecutor {
 public:
  // Refuses what cuDNN refuses of the algorithm, and a plan whose memory an int64 cannot count.
  static Status create(std::shared_ptr<Handle> handle, const Spec &spec, const Problem &problem,
                       const cuda::Device &device, cudnnRNNAlgo_t algorithm, std::unique_ptr<CudnnExecutor> *executor);

  // Why it is this algorithm, for explain: whole lines; and what it took, if it was timed.
  void set_choice(std::string text, Measured measured) {
    choice_ = std::move(text);
    measured_ = std::move(measured);
  }

  MemoryNeeds needs() const override { return needs_; }
  uint64_t packed_format() const override { return setup_->weights.format(); }
  std::string description() const override;
  Measured measured() const override { return measured_; }

 protected:
  Status run_pack(const void *const *params, void *packed, const kernels::cuda::Target &target) const override;
  Status run_forward(const ForwardCall &call, const kernels::cuda::Target &target) const override;
  Status run_backward(const BackwardCall &call, const kernels::cuda::Target &target) const override;

 private:
  CudnnExecutor(std::shared_ptr<Handle> handle, const Spec &spec, const Problem &problem, const cuda::Device &device,
                std::unique_ptr<Setup> setup);

  Status lay_out();

  std::shared_ptr<Handle> handle_;
  std::unique_ptr<Setup> setup_;
  MemoryNeeds needs_{};
  std::string choice_;
  Measured measured_;
};

// As "9.19.0".
std::string cudnn_version_text();

}  // namespace rondo::cudnn
