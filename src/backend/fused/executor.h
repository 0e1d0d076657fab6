// FusedExecutor: one plan on the fused back end. It is not changed by calls: what they share is the context's handle.
#pragma once

#include "backend/cuda/executor.h"
#include "backend/fused/layout.h"
#include "backend/fused/products.h"
#include "backend/fused/variants.h"

namespace rondo::fused {

class FusedExecutor final : public cuda::CudaExecutor {
 public:
  // Refuses a plan whose memory an int64 cannot count.
  static Status create(std::shared_ptr<Handle> handle, const Spec &spec, const Problem &problem,
                       const cuda::Device &device, const Variants &variants, std::unique_ptr<Executor> *executor);

  MemoryNeeds needs() const override { return needs_; }
  uint64_t packed_format() const override;
  std::string description() const override;
  Measured measured() const override { return measured_; }

 protected:
  Status run_pack(const void *const *params, void *packed, const kernels::cuda::Target &target) const override;
  Status run_forward(const ForwardCall &call, const kernels::cuda::Target &target) const override;
  Status run_backward(const BackwardCall &call, const kernels::cuda::Target &target) const override;

 private:
  FusedExecutor(std::shared_ptr<Handle> handle, const Spec &spec, const Problem &problem, const cuda::Device &device,
                const Variants &variants);

  Status lay_out();
  Status record_dropout(const ForwardCall &call, const Reserve &reserve, const kernels::cuda::Target &target) const;

  std::shared_ptr<Handle> handle_;
  Facts facts_;
  const std::string variants_text_;
  const Measured measured_;
  MemoryNeeds needs_{};
};

}  // namespace rondo::fused
