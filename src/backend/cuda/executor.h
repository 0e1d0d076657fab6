// CudaExecutor: what every plan on a GPU checks at every call, before its back end launches anything: the current
// device, pointers that are no device memory, and a reserve or packing of another plan.
#pragma once

#include "backend/cuda/device.h"
#include "core/tags.h"
#include "kernels/cuda/launch.h"

namespace rondo::cuda {

class CudaExecutor : public Executor {
 public:
  ~CudaExecutor() override;
  CudaExecutor(const CudaExecutor &) = delete;
  CudaExecutor &operator=(const CudaExecutor &) = delete;

  Status pack(const void *const *params, void *packed) const final;
  Status forward(const ForwardCall &call) const final;
  Status backward(const BackwardCall &call) const final;

 protected:
  CudaExecutor(const Spec &spec, const Problem &problem, Device device);

  // With the plan's device current and all arguments checked, except what CallRows refuses.
  virtual Status run_pack(const void *const *params, void *packed, const kernels::cuda::Target &target) const = 0;
  virtual Status run_forward(const ForwardCall &call, const kernels::cuda::Target &target) const = 0;
  virtual Status run_backward(const BackwardCall &call, const kernels::cuda::Target &target) const = 0;

  const Spec &spec() const { return spec_; }
  const Problem &problem() const { return problem_; }
  const Device &device() const { return device_; }

 private:
  Status check_device() const;
  Status check_packing(const ForwardCall &call) const;
  Status check_reserve(const BackwardCall &call) const;
  Status note_consumed(const BackwardCall &call) const;
  kernels::cuda::Target target(void *stream) const;

  const Spec spec_;
  const Problem problem_;
  const Device device_;
  const uint64_t plan_id_;
};

}  // namespace rondo::cuda
