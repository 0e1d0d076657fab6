// Binds a call to its memory and enqueues it, with the context's handle held from the first launch to the last.
#include "backend/fused/executor.h"

#include "backend/cuda/error.h"
#include "backend/fused/backward.h"
#include "backend/fused/forward.h"

namespace rondo::fused {

FusedExecutor::FusedExecutor(std::shared_ptr<Handle> handle, const Spec &spec, const Problem &problem,
                             const cuda::Device &device, const Variants &variants)
    : CudaExecutor(spec, problem, device),
      handle_(std::move(handle)),
      facts_(spec, problem, device, variants.tier()),
      variants_text_(variants.text()),
      measured_(variants.measured()) {}

Status FusedExecutor::create(std::shared_ptr<Handle> handle, const Spec &spec, const Problem &problem,
                             const cuda::Device &device, const Variants &variants,
                             std::unique_ptr<Executor> *executor) {
  std::unique_ptr<FusedExecutor> made(new FusedExecutor(std::move(handle), spec, problem, device, variants));
  RONDO_TRY(made->lay_out());
  *executor = std::move(made);
  return {};
}

Status FusedExecutor::lay_out() {
  const Problem &problem = facts_.problem;
  Arena forward(nullptr);
  const ForwardSpace forward_space(forward, facts_, problem.max_T, problem.max_N, problem.max_S);
  Checked workspace = forward.used();
  Arena reserve(nullptr);
  if (problem.training) {
    Arena backward(nullptr);
    const BackwardSpace backward_space(backward, facts_, problem.max_T, problem.max_N, problem.max_S);
    workspace = larger(workspace, backward.used());
    const Reserve reserved(reserve, facts_, problem.max_N, problem.max_S);
  }
  workspace = workspace + workspace_slack;
  const Checked packed = packed_size(facts_.spec);
  return count_needs(facts_.spec, problem, workspace, reserve.used(), packed, &needs_);
}

uint64_t FusedExecutor::packed_format() const { return fused::packed_format(facts_.spec); }

std::string FusedExecutor::description() const {
  const std::string steps_text = facts_.tier == nullptr ? "one kernel a step" : "one launch for a layer's steps";
  std::string text = "fused: " + steps_text + ", products by cuBLAS " + cublas_version() + " accumulating in " +
                     (facts_.arithmetic == kernels::Storage::f64 ? "f64" : "f32");
  if (facts_.storage == kernels::Storage::f32) {
    text += facts_.tf32 ? ", operands rounded to tf32" : ", no tf32";
    if (facts_.tier != nullptr) {
      text += facts_.tf32 ? ", those of W_hh too" : ", those of W_hh by multiply-adds of f32";
    }
  }
  const int64_t steps = facts_.products_in_reserve()
                            ? facts_.problem.max_T
                            : std::min(facts_.chunk_steps(facts_.problem.max_N), facts_.problem.max_T);
  text += "; input products of " + std::to_string(steps) + (steps == 1 ? " step" : " steps") + " at a time\n";
  return text + variants_text_;
}

Status FusedExecutor::run_pack(const void *const *params, void *packed, const kernels::cuda::Target &target) const {
  return pack_params(facts_.spec, params, packed, target);
}

Status FusedExecutor::record_dropout(const ForwardCall &call, const Reserve &reserve,
                                     const kernels::cuda::Target &target) const {
  if (facts_.drops_out()) {
    RONDO_CUDA(kernels::cuda::launch_record_seed(target, call.args.seed, call.args.offset, call.args.seed_ptr,
                                                 call.args.offset_ptr, reserve.dropout_record));
  }
  return {};
}

Status FusedExecutor::run_forward(const ForwardCall &call, const kernels::cuda::Target &target) const {
  cuda::CallRows rows;
  RONDO_TRY(rows.build(call.batch, facts_.spec.layout));
  Arena arena(aligned_workspace(call.args.workspace));
  const ForwardSpace space(arena, facts_, rows.T(), rows.N(), rows.S());
  Arena reserve_arena(call.args.reserve);
  const Reserve reserve(reserve_arena, facts_, rows.N(), rows.S());
  const Products products(*handle_, facts_);
  RONDO_TRY(products.begin(target.stream, space.cublas));
  RONDO_TRY(rows.upload(target, space.rows, call.batch, true, facts_.training() ? reserve.lengths : nullptr));
  RONDO_TRY(record_dropout(call, reserve, target));
  const Params params(facts_.spec, call.args.params, call.args.packed_params);
  return ForwardRun({facts_, rows, params, products, target}, call, space, reserve).run();
}

Status FusedExecutor::run_backward(const BackwardCall &call, const kernels::cuda::Target &target) const {
  cuda::CallRows rows;
  RONDO_TRY(rows.build(call.batch, facts_.spec.layout));
  Arena arena(aligned_workspace(call.args.workspace));
  const BackwardSpace space(arena, facts_, rows.T(), rows.N(), rows.S());
  Arena reserve_arena(call.args.reserve);
  const Reserve reserve(reserve_arena, facts_, rows.N(), rows.S());
  const Products products(*handle_, facts_);
  RONDO_TRY(products.begin(target.stream, space.cublas));
  RONDO_TRY(rows.upload(target, space.rows, call.batch, false, reserve.lengths));
  const Params params(facts_.spec, call.args.params, nullptr);
  return BackwardRun({facts_, rows, params, products, target}, call, space, reserve).run();
}

}  // namespace rondo::fused
