// The one place where a back end's refusal is no failure: asked before a case runs, and counted apart from the passed.
// Only cudnn may refuse 16-bit storage with f32 cell states or f32 parameter gradients, and only persistent kernels of
// the fused back end f64, and a projection of f32.
#pragma once

#include "catch.h"
#include "environment.h"
#include "library_plan.h"
#include "tally.h"

namespace rondo::test {

inline bool may_be_refused(const Problem &problem, const RunOptions &options) {
  if (persistent_tests()) return options.dtype == Dtype::f64 || (problem.P > 0 && options.dtype == Dtype::f32);
  return backend_under_test() == RONDO_BACKEND_CUDNN && is_16_bit(options.dtype) &&
         ((options.cell_state_f32 && problem.is_lstm()) || (options.param_grad_f32 && problem.training));
}

// The reason, empty where the plan can be made.
inline std::string reason_of_refusal(const Problem &problem, const RunOptions &options) {
  if (!may_be_refused(problem, options)) return "";
  try {
    plan_of(problem, options);
    return "";
  } catch (const RondoError &error) {
    const std::string reason = error.what();
    const bool documented = reason.find("cell_state_type") != std::string::npos ||
                            reason.find("param_grad_type") != std::string::npos ||
                            (persistent_tests() && reason.find("is not served") != std::string::npos);
    if (error.status() != RONDO_ERROR_UNSUPPORTED || !documented) throw;
    return reason;
  }
}

// Of a type whose persistent kernels another run tests.
inline bool is_left_out(Dtype dtype) {
  return persistent_tests() && dtype != Dtype::f64 && is_16_bit(dtype) == persistent_f32_tests();
}
// By tf32, values lie on another side of relu's kink than the oracle's too often; its kernels have tests of their own,
// and a run of 16 bits an oracle that rounds alike.
inline bool is_left_out(const Problem &problem, const RunOptions &options) {
  return is_left_out(options.dtype) || (tf32_tests() && problem.cell == Cell::rnn_relu);
}

// A refusal that is not allowed is left to the case itself, which fails with its text. What is left out is not counted.
inline bool refused(const Problem &problem, const RunOptions &options) {
  if (is_left_out(problem, options)) return true;
  const std::string reason = reason_of_refusal(problem, options);
  Tally::instance().asked(Catch::getResultCapture().getCurrentTestName(), reason);
  return !reason.empty();
}

}  // namespace rondo::test
