// From a checked call to cuDNN: rows sorted, memory laid out, the handle on the call's stream.
#include "backend/cudnn/executor.h"

#include "backend/cudnn/backward.h"
#include "backend/cudnn/forward.h"

namespace rondo::cudnn {

std::string cudnn_version_text() {
  const size_t version = cudnnGetVersion();
  // Before 9.0 it counted major versions in thousands: 8902 is 8.9.2.
  const size_t major = version < 10000 ? 1000 : 10000;
  return std::to_string(version / major) + "." + std::to_string(version % major / 100) + "." +
         std::to_string(version % 100);
}

CudnnExecutor::CudnnExecutor(std::shared_ptr<Handle> handle, const Spec &spec, const Problem &problem,
                             const cuda::Device &device, std::unique_ptr<Setup> setup)
    : CudaExecutor(spec, problem, device), handle_(std::move(handle)), setup_(std::move(setup)) {}

Status CudnnExecutor::create(std::shared_ptr<Handle> handle, const Spec &spec, const Problem &problem,
                             const cuda::Device &device, cudnnRNNAlgo_t algorithm,
                             std::unique_ptr<CudnnExecutor> *executor) {
  std::unique_ptr<Setup> setup;
  {
    const std::scoped_lock lock(handle->mutex);
    // The stream of the call before this may be destroyed by now, and cuDNN builds kernels on the handle's.
    RONDO_CUDNN(cudnnSetStream(handle->library.get(), nullptr));
    RONDO_TRY(Setup::create(handle->library.get(), spec, problem, algorithm, &setup));
  }
  std::unique_ptr<CudnnExecutor> made(new CudnnExecutor(std::move(handle), spec, problem, device, std::move(setup)));
  RONDO_TRY(made->lay_out());
  *executor = std::move(made);
  return {};
}

Status CudnnExecutor::lay_out() {
  Arena forward(nullptr);
  const ForwardSpace forward_space(forward, *setup_);
  Checked workspace = forward.used();
  Arena reserve(nullptr);
  if (problem().training) {
    Arena backward(nullptr);
    const BackwardSpace backward_space(backward, *setup_);
    workspace = larger(workspace, backward.used());
    const Reserve reserved(reserve, *setup_);
  }
  return count_needs(spec(), problem(), workspace, reserve.used(), setup_->weights.bytes(), &needs_);
}

std::string CudnnExecutor::description() const {
  std::string text = "cudnn: cuDNN " + cudnn_version_text() + ", ";
  switch (setup_->division) {
    case Division::whole:
      text += "the network in one call";
      break;
    case Division::layers:
      text += "a call per layer, with rondo's dropout between";
      break;
    case Division::directions:
      text += "a call per layer, direction and " + std::to_string(max_steps) + " steps, with carried states";
      break;
  }
  if (spec().deterministic != 0) {
    text += "; the same bytes from every run where CUBLAS_WORKSPACE_CONFIG is :16:8 or :4096:2";
  }
  return text + "\n" + choice_;
}

Status CudnnExecutor::run_pack(const void *const *params, void *packed, const kernels::cuda::Target &target) const {
  return setup_->weights.pack(target, params, packed);
}

Status CudnnExecutor::run_forward(const ForwardCall &call, const kernels::cuda::Target &target) const {
  cuda::CallRows rows;
  RONDO_TRY(rows.build(call.batch, spec().layout));
  Arena arena(call.args.workspace);
  const ForwardSpace space(arena, *setup_);
  Arena reserve_arena(call.args.reserve);
  const Reserve reserve(reserve_arena, *setup_);
  const std::scoped_lock lock(handle_->mutex);
  RONDO_CUDNN(cudnnSetStream(handle_->library.get(), target.stream));
  RONDO_TRY(rows.upload(target, space.rows, call.batch, true, nullptr));
  return ForwardRun(*setup_, handle_->library.get(), target, rows, call, space, problem().training ? &reserve : nullptr)
      .run();
}

Status CudnnExecutor::run_backward(const BackwardCall &call, const kernels::cuda::Target &target) const {
  cuda::CallRows rows;
  RONDO_TRY(rows.build(call.batch, spec().layout));
  Arena arena(call.args.workspace);
  const BackwardSpace space(arena, *setup_);
  Arena reserve_arena(call.args.reserve);
  const Reserve reserve(reserve_arena, *setup_);
  const std::scoped_lock lock(handle_->mutex);
  RONDO_CUDNN(cudnnSetStream(handle_->library.get(), target.stream));
  RONDO_TRY(rows.upload(target, space.rows, call.batch, false, nullptr));
  return BackwardRun(*setup_, handle_->library.get(), target, rows, call, space, reserve).run();
}

}  // namespace rondo::cudnn
