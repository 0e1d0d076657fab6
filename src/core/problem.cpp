// The rules for a plan's maxima.
#include "core/problem.h"

#include <cinttypes>

#include "core/checked.h"

namespace rondo {

const char *sequence_name(rondo_sequence_t sequence) {
  switch (sequence) {
    case RONDO_SEQUENCE_FULL:
      return "full";
    case RONDO_SEQUENCE_LENGTHS:
      return "lengths";
    case RONDO_SEQUENCE_PACKED:
      return "packed";
    default:
      return "device lengths";
  }
}

Status make_problem(const Spec &spec, const rondo_plan_args_t &args, Problem *problem) {
  if (args.mode != RONDO_INFERENCE && args.mode != RONDO_TRAINING) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "mode is %" PRId32 ", expected RONDO_INFERENCE (0) or RONDO_TRAINING (1)",
                args.mode);
  }
  if (args.sequence < RONDO_SEQUENCE_FULL || args.sequence > RONDO_SEQUENCE_DEVICE_LENGTHS) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "sequence is %" PRId32
                ", expected RONDO_SEQUENCE_FULL (0), _LENGTHS (1), _PACKED (2) or _DEVICE_LENGTHS (3)",
                args.sequence);
  }
  if (args.max_T < 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "max_T is %" PRId64 ", expected 0 or more", args.max_T);
  }
  if (args.max_N < 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "max_N is %" PRId64 ", expected 0 or more", args.max_N);
  }
  if (args.max_S < 0) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "max_S is %" PRId64 ", expected 0 (max_T*max_N) or more", args.max_S);
  }
  if (spec.single_cell != 0 && args.max_T > 1) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "max_T is %" PRId64 ", expected at most 1 with single_cell", args.max_T);
  }
  if (spec.single_cell != 0 && args.sequence != RONDO_SEQUENCE_FULL) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "sequence is %s, expected full with single_cell",
                sequence_name(args.sequence));
  }
  const Checked TN = Checked(args.max_T) * args.max_N;
  if (TN.overflowed()) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "max_T %" PRId64 " and max_N %" PRId64 ": their product overflows int64, expected less than 2^63",
                args.max_T, args.max_N);
  }
  if (args.max_S > TN.value()) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "max_S is %" PRId64 ", expected at most max_T*max_N, which is %" PRId64,
                args.max_S, TN.value());
  }
  if (args.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS && args.max_S != 0 && args.max_S != TN.value()) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "max_S is %" PRId64 ", expected 0 with device lengths: the host does not know their sum", args.max_S);
  }
  *problem = {
      args.mode == RONDO_TRAINING, args.sequence, args.max_T, args.max_N, args.max_S == 0 ? TN.value() : args.max_S,
      spec.fixed_batch != 0,       false};
  return {};
}

}  // namespace rondo
