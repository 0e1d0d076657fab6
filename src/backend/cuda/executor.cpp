// The checks around a back end's launches. Tags are written after them: a call that failed has changed nothing that a
// tag tells of.
#include "backend/cuda/executor.h"

#include <vector>

#include "backend/cuda/error.h"
#include "backend/cuda/pointers.h"
#include "backend/cuda/tag_table.h"

namespace rondo::cuda {

CudaExecutor::CudaExecutor(const Spec &spec, const Problem &problem, Device device)
    : spec_(spec), problem_(problem), device_(std::move(device)), plan_id_(next_plan_id()) {}

CudaExecutor::~CudaExecutor() { forget_plan(plan_id_); }

Status CudaExecutor::pack(const void *const *params, void *packed) const {
  const BesideCapture beside;
  RONDO_TRY(
      refuse_capture("a stream is being captured, expected packing before the capture: it runs on the default stream"));
  RONDO_TRY(check_device());
  RONDO_TRY(check_device_pointers(device_, spec_, needs(), params, packed));
  RONDO_TRY(run_pack(params, packed, target(nullptr)));
  RONDO_CUDA(cudaStreamSynchronize(nullptr));
  remember_packing(packed, needs().packed, packed_format());
  return {};
}

Status CudaExecutor::forward(const ForwardCall &call) const {
  RONDO_TRY(check_device());
  RONDO_TRY(check_device_pointers(device_, spec_, needs(), call));
  RONDO_TRY(check_packing(call));
  RONDO_TRY(run_forward(call, target(call.args.stream)));
  if (call.args.reserve != nullptr) {
    remember_reserve(call.args.reserve, needs().reserve, make_reserve_tag(plan_id_, call.batch));
  }
  return {};
}

Status CudaExecutor::backward(const BackwardCall &call) const {
  RONDO_TRY(check_device());
  RONDO_TRY(check_device_pointers(device_, spec_, needs(), call));
  RONDO_TRY(check_reserve(call));
  RONDO_TRY(run_backward(call, target(call.args.stream)));
  return spec_.consume_reserve != 0 ? note_consumed(call) : Status();
}

Status CudaExecutor::check_device() const {
  int current = 0;
  RONDO_CUDA(cudaGetDevice(&current));
  if (current != device_.index) {
    return fail(RONDO_ERROR_DEVICE, "the current CUDA device is %d, expected %d, on which the plan was made", current,
                device_.index);
  }
  return {};
}

Status CudaExecutor::check_packing(const ForwardCall &call) const {
  if (call.args.packed_params == nullptr) {
    return {};
  }
  const std::optional<uint64_t> format = packing_format(call.args.packed_params);
  return format && *format != packed_format() ? foreign_packing() : Status();
}

Status CudaExecutor::check_reserve(const BackwardCall &call) const {
  if (call.batch.sorted_indices != nullptr) {
    // What is no permutation is not forward's either; which of the two it is, the caller should hear.
    std::vector<unsigned char> seen(static_cast<size_t>(call.batch.N));
    RONDO_TRY(check_permutation(call.batch.sorted_indices, call.batch.N, seen.data()));
  }
  const std::optional<ReserveTag> tag = reserve_tag(call.args.reserve);
  return tag ? check_reserve_tag(*tag, plan_id_, call.batch) : Status();
}

// A captured backward runs at each replay, behind a forward that the host does not see.
Status CudaExecutor::note_consumed(const BackwardCall &call) const {
  bool capturing = false;
  RONDO_TRY(is_capturing(static_cast<cudaStream_t>(call.args.stream), &capturing));
  if (!capturing) {
    mark_consumed(call.args.reserve);
  }
  return {};
}

kernels::cuda::Target CudaExecutor::target(void *stream) const {
  return {static_cast<cudaStream_t>(stream), device_.overlaps};
}

}  // namespace rondo::cuda
