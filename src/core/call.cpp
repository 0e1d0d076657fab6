// The rules for the pointers of a call. Outputs are untouched unless all of them hold.
#include "core/call.h"

#include <cinttypes>

#include "core/parameters.h"
#include "core/pointers.h"
#include "core/struct_size.h"

namespace rondo {
namespace {

constexpr const char *no_cell_state = "only lstm has a cell state";

// A tensor that only an LSTM has.
Status check_cell_state(const Spec &spec, const char *name, const void *pointer) {
  if (!spec.has_cell_state()) {
    return check_absent(name, pointer, no_cell_state);
  }
  return check_data(name, pointer, spec.cell_state_dtype());
}

// A tensor with a value per step and row: needed unless it has no elements.
Status check_sequence_data(const Spec &spec, const Batch &batch, const char *name, const void *pointer, bool needed) {
  const int64_t positions = batch.sequence == RONDO_SEQUENCE_PACKED ? batch.S : batch.T * batch.N;
  if (needed && positions > 0) {
    RONDO_TRY(check_present(name, pointer));
  }
  return check_data(name, pointer, spec.storage());
}

Status check_stream(rondo_device_t device, const void *stream) {
  return device == RONDO_DEVICE_CPU ? check_absent("stream", stream, "the plan runs on the cpu") : Status();
}

}  // namespace

Status count_needs(const Spec &spec, const Problem &problem, Checked workspace, Checked reserve, Checked packed,
                   MemoryNeeds *needs) {
  if (workspace.overflowed() || reserve.overflowed() || packed.overflowed()) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "max_T %" PRId64 ", max_N %" PRId64 ", max_S %" PRId64 " with hidden_size %" PRId64
                ": the plan's memory overflows int64, expected less than 2^63 bytes",
                problem.max_T, problem.max_N, problem.max_S, spec.hidden_size);
  }
  *needs = {workspace.value(), reserve.value(), packed.value()};
  return {};
}

Status check_forward(const Spec &spec, const Problem &problem, const MemoryNeeds &needs, rondo_device_t device,
                     const rondo_forward_args_t *given, ForwardCall *call) {
  RONDO_TRY(read_struct("args", given, &call->args));
  const rondo_forward_args_t &a = call->args;
  RONDO_TRY(make_batch(problem, a.batch, &call->batch));
  RONDO_TRY(check_sequence_data(spec, call->batch, "x", a.x, true));
  RONDO_TRY(check_data("h0", a.h0, spec.storage()));
  RONDO_TRY(check_cell_state(spec, "c0", a.c0));
  if (a.packed_params == nullptr) {
    RONDO_TRY(check_param_pointers(spec, "params", "param_count", a.params, a.param_count, false, spec.storage()));
  } else {
    RONDO_TRY(check_absent("params", static_cast<const void *>(a.params), "packed_params is given"));
    RONDO_TRY(check_block("packed_params", a.packed_params, needs.packed, needs.packed));
  }
  RONDO_TRY(check_sequence_data(spec, call->batch, "y", a.y, problem.training && spec.single_cell == 0));
  RONDO_TRY(check_data("hn", a.hn, spec.storage()));
  RONDO_TRY(check_cell_state(spec, "cn", a.cn));
  RONDO_TRY(check_aligned("seed_ptr", a.seed_ptr, sizeof(uint64_t), "a uint64_t"));
  RONDO_TRY(check_aligned("offset_ptr", a.offset_ptr, sizeof(uint64_t), "a uint64_t"));
  RONDO_TRY(check_block("workspace", a.workspace, a.workspace_size, needs.workspace));
  if (problem.training) {
    RONDO_TRY(check_block("reserve", a.reserve, a.reserve_size, needs.reserve));
  } else {
    RONDO_TRY(check_absent("reserve", a.reserve, "the plan is for inference"));
  }
  return check_stream(device, a.stream);
}

Status check_backward(const Spec &spec, const Problem &problem, const MemoryNeeds &needs, rondo_device_t device,
                      const rondo_backward_args_t *given, BackwardCall *call) {
  RONDO_TRY(read_struct("args", given, &call->args));
  if (!problem.training) {
    return fail(RONDO_ERROR_STATE, "the plan is for inference, expected one made with mode RONDO_TRAINING");
  }
  const rondo_backward_args_t &a = call->args;
  RONDO_TRY(make_batch(problem, a.batch, &call->batch));
  RONDO_TRY(check_sequence_data(spec, call->batch, "x", a.x, true));
  RONDO_TRY(check_data("h0", a.h0, spec.storage()));
  RONDO_TRY(check_cell_state(spec, "c0", a.c0));
  RONDO_TRY(check_param_pointers(spec, "params", "param_count", a.params, a.param_count, false, spec.storage()));
  RONDO_TRY(check_sequence_data(spec, call->batch, "y", a.y, spec.single_cell == 0));
  RONDO_TRY(check_data("dy", a.dy, spec.storage()));
  RONDO_TRY(check_data("dhn", a.dhn, spec.storage()));
  RONDO_TRY(check_cell_state(spec, "dcn", a.dcn));
  RONDO_TRY(check_data("dx", a.dx, spec.storage()));
  RONDO_TRY(check_data("dh0", a.dh0, spec.storage()));
  RONDO_TRY(check_cell_state(spec, "dc0", a.dc0));
  if (a.dparams != nullptr) {
    RONDO_TRY(
        check_param_pointers(spec, "dparams", "param_count", a.dparams, a.param_count, true, spec.param_grad_dtype()));
  }
  if (a.accumulate != 0 && a.accumulate != 1) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "accumulate is %" PRId32 ", expected 0 or 1", a.accumulate);
  }
  if (a.reserved != 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "reserved is %" PRId32 ", expected 0", a.reserved);
  }
  RONDO_TRY(check_block("workspace", a.workspace, a.workspace_size, needs.workspace));
  RONDO_TRY(check_block("reserve", a.reserve, a.reserve_size, needs.reserve));
  return check_stream(device, a.stream);
}

}  // namespace rondo
