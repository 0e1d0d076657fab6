// attributes -> spec -> validate -> select -> plan -> execute: this file is the middle of that line.
#include "plan/plan.h"

#include <cinttypes>

#include "backend/registry.h"
#include "core/parameters.h"
#include "core/pointers.h"
#include "core/struct_size.h"

namespace rondo {

Status Plan::create(std::shared_ptr<Context> context, const Spec &spec, const rondo_plan_args_t *args,
                    std::unique_ptr<Plan> *plan) {
  rondo_plan_args_t known{};
  RONDO_TRY(read_struct("args", args, &known));
  RONDO_TRY(validate(spec));
  std::unique_ptr<Plan> made(new Plan);
  made->spec_ = spec;
  RONDO_TRY(make_problem(spec, known, &made->problem_));
  RONDO_TRY(select_backend(spec, made->problem_, &made->selection_));
  made->context_ = std::move(context);
  RONDO_TRY(create_executor(*made->context_, spec, made->problem_, &made->selection_, &made->executor_));
  made->needs_ = made->executor_->needs();
  made->explanation_ = made->selection_.explanation() + made->executor_->description();
  if (made->problem_.training && spec.dropout > 0 && spec.num_layers == 1) {
    made->context_->log(
        1, "dropout is set, but num_layers is 1: dropout follows every layer but the last, so it has no effect");
  }
  made->context_->log(0, made->explanation_);
  *plan = std::move(made);
  return {};
}

Status Plan::pack(const void *const *params, int64_t count, void *packed, int64_t packed_size) const {
  RONDO_TRY(check_param_pointers(spec_, "params", "count", params, count, false, spec_.storage()));
  RONDO_TRY(check_block("packed", packed, packed_size, needs_.packed));
  return executor_->pack(params, packed);
}

Status Plan::forward(const rondo_forward_args_t *args) const {
  ForwardCall call{};
  RONDO_TRY(check_forward(spec_, problem_, needs_, device(), args, &call));
  return executor_->forward(call);
}

Status Plan::backward(const rondo_backward_args_t *args) const {
  BackwardCall call{};
  RONDO_TRY(check_backward(spec_, problem_, needs_, device(), args, &call));
  return executor_->backward(call);
}

int32_t backend_count() { return static_cast<int32_t>(backends().size()); }

Status backend_facts(int32_t index, BackendFacts *facts) {
  if (index < 0 || index >= backend_count()) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "index is %" PRId32 ", expected 0 to %" PRId32, index,
                backend_count() - 1);
  }
  const Backend &backend = *backends()[static_cast<size_t>(index)];
  *facts = {backend.id(), backend.device(), backend.name(), backend.available(), backend.detail()};
  return {};
}

}  // namespace rondo
