// Runs the oracle with its rounding hook set, then rounds what it returns once.
// For f64 and f32 it is the plain oracle: their bounds do not count single roundings.
#include "rounded_oracle.h"

#include "random_values.h"

namespace rondo::test {

Results run_rounded_oracle(const Problem &problem, const Values &values, const OutputTypes &types) {
  if (!is_16_bit(types.dtype)) return run_oracle(problem, values);
  Problem rounding = problem;
  rounding.storage_rounding = types.dtype == Dtype::f16 ? +[](double value) { return round_to(Dtype::f16, value); }
                                                        : +[](double value) { return round_to(Dtype::bf16, value); };
  Results results = run_oracle(rounding, values);
  const Dtype cell_state = state_dtype(types.dtype, types.cell_state_f32);
  const Dtype param_grad = state_dtype(types.dtype, types.param_grad_f32);
  results.cn = round_to(cell_state, results.cn);
  results.dx = round_to(types.dtype, results.dx);
  results.dh0 = round_to(types.dtype, results.dh0);
  results.dc0 = round_to(cell_state, results.dc0);
  for (std::vector<double> &dparam : results.dparams) dparam = round_to(param_grad, dparam);
  return results;
}

}  // namespace rondo::test
