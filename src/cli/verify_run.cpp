// Draws a case's inputs, runs both paths, compares tensor by tensor.
// Positions of x and dy beyond a row's length hold NaN: a back end that reads them shows it.
#include "cli/verify_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cli/execution.h"
#include "cli/random.h"
#include "cli/verify_bounds.h"

namespace rondo::cli {
namespace {

ExecutionOptions execution_options(const VerifyCase &one) {
  ExecutionOptions options;
  options.states = one.states;
  options.packed_params = !one.problem.is_training();
  options.spare = one.spare ? 3 : 0;
  options.dropout_seed = 0x0123456789abcdefU;
  options.dropout_offset = 0xfedcba9876543210U;
  return options;
}

void fill_normal(Tensor &tensor, Random &random) {
  if (!tensor.is_absent()) {
    tensor.set(random.normals(tensor.count()));
  }
}

// values: [T,N,features] or [N,T,features].
void poison_padding(Tensor &tensor, const Problem &p) {
  if (tensor.is_absent() || p.sequence != RONDO_SEQUENCE_LENGTHS || tensor.count() == 0) {
    return;
  }
  std::vector<double> values = tensor.values();
  const int64_t features = tensor.count() / (p.T * p.N);
  for (int64_t n = 0; n < p.N; ++n) {
    for (int64_t t = p.lengths[static_cast<size_t>(n)]; t < p.T; ++t) {
      const int64_t row = p.layout == RONDO_TIME_MAJOR ? t * p.N + n : n * p.T + t;
      for (int64_t k = 0; k < features; ++k) {
        values[static_cast<size_t>(row * features + k)] = std::numeric_limits<double>::quiet_NaN();
      }
    }
  }
  tensor.set(values);
}

void draw_inputs(Execution &execution, Random random) {
  for (Tensor *tensor : {&execution.x, &execution.h0, &execution.c0, &execution.dy, &execution.dhn, &execution.dcn}) {
    fill_normal(*tensor, random);
  }
  poison_padding(execution.x, execution.problem());
  poison_padding(execution.dy, execution.problem());
  const double bound = 1.0 / std::sqrt(static_cast<double>(execution.problem().H));
  for (Tensor &param : execution.params) {
    param.set(random.uniforms(param.count(), bound));
  }
}

void copy(const Tensor &from, Tensor &to) {
  if (!from.is_absent()) {
    to.set(from.values());
  }
}

void copy_inputs(const Execution &from, Execution &to) {
  copy(from.x, to.x);
  copy(from.h0, to.h0);
  copy(from.c0, to.c0);
  copy(from.dy, to.dy);
  copy(from.dhn, to.dhn);
  copy(from.dcn, to.dcn);
  for (size_t i = 0; i < from.params.size(); ++i) {
    copy(from.params[i], to.params[i]);
  }
}

void execute(Execution &execution, const VerifyCase &one) {
  if (!one.problem.is_training()) {
    execution.pack_params();
  }
  execution.forward();
  if (one.problem.is_training()) {
    execution.backward(false);
    if (one.accumulate) {
      execution.backward(true);
    }
  }
}

Figure compare(const Tensor &actual_tensor, const Tensor &expected_tensor) {
  const std::vector<double> actual = actual_tensor.values();
  const std::vector<double> expected = expected_tensor.values();
  double largest = 1;
  double difference = 0;
  size_t worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double a = actual[i];
    const double b = expected[i];
    double apart = std::fabs(a - b);
    if (!std::isfinite(a) || !std::isfinite(b)) {
      const bool same = (std::isnan(a) && std::isnan(b)) || a == b;
      apart = same ? 0 : std::numeric_limits<double>::infinity();
    } else {
      largest = std::max(largest, std::fabs(b));
    }
    if (apart > difference) {
      difference = apart;
      worst = i;
    }
  }
  Figure figure;
  figure.tensor = expected_tensor.name();
  figure.error = difference / largest;
  figure.element = expected_tensor.element_name(static_cast<int64_t>(worst));
  if (!expected.empty()) {
    figure.actual = actual[worst];
    figure.expected = expected[worst];
  }
  return figure;
}

std::string mismatch_text(const Figure &figure) {
  char text[256];
  std::snprintf(text, sizeof text, "%.60s is %.17g, expected %.17g: error %.3g, bound %.3g", figure.element.c_str(),
                figure.actual, figure.expected, figure.error, figure.bound);
  return text;
}

// The first few tensors that are off name the fault; the rest follow from it.
void judge(CaseResult &result) {
  constexpr int64_t told_apart = 3;
  int64_t off = 0;
  for (const Figure &figure : result.figures) {
    if (!figure.is_within() && ++off <= told_apart) {
      result.message += (result.message.empty() ? "" : "; ") + mismatch_text(figure);
    }
  }
  if (off > told_apart) {
    result.message += "; and " + std::to_string(off - told_apart) + " more tensors";
  }
  result.verdict = off > 0 ? Verdict::failed : Verdict::passed;
}

// Both paths and the comparison. Throws what the library refuses.
void run_both(CaseResult &result, const VerifyCase &one, const VerifyOptions &options, const Context &tested,
              const Context &reference, const Random &inputs) {
  Problem problem = one.problem;
  problem.backend = options.backend;
  Execution under_test(tested.get(), problem, execution_options(one));
  result.backend = under_test.backend_name();
  problem.backend = RONDO_BACKEND_CPU;
  problem.dtype = RONDO_F64;
  Execution in_double(reference.get(), problem, execution_options(one));
  under_test.allocate();
  in_double.allocate();
  draw_inputs(under_test, inputs);
  copy_inputs(under_test, in_double);
  execute(under_test, one);
  execute(in_double, one);

  const Bounds bounds = bounds_for(one.problem);
  const std::vector<const Tensor *> actual = under_test.outputs();
  const std::vector<const Tensor *> expected = in_double.outputs();
  for (size_t i = 0; i < expected.size(); ++i) {
    Figure figure = compare(*actual[i], *expected[i]);
    figure.is_gradient = figure.tensor[0] == 'd';
    figure.bound = (figure.is_gradient ? bounds.gradient : bounds.forward) * options.bound_scale;
    result.figures.push_back(std::move(figure));
  }
  judge(result);
}

// relu's slope jumps at 0. A pre-activation within a rounding of it may fall on either side in the two paths, and then
// their gradients differ by more than any count of roundings. Such a case is drawn anew: a fault misses every time.
bool may_be_a_kink(const VerifyCase &one, const CaseResult &result) {
  return one.problem.cell == RONDO_CELL_RNN_RELU && result.verdict == Verdict::failed &&
         std::all_of(result.figures.begin(), result.figures.end(),
                     [](const Figure &figure) { return figure.is_gradient || figure.is_within(); });
}

}  // namespace

CaseResult run_case(const VerifyCase &one, const VerifyOptions &options, const Context &tested,
                    const Context &reference) {
  CaseResult result;
  result.name = one.name;
  result.dtype = one.problem.dtype;
  const auto start = std::chrono::steady_clock::now();
  try {
    // With up to half of the draws meeting a kink, eight draws miss by chance once in 256 times such a case.
    constexpr int64_t most_draws = 8;
    do {
      const std::string stream = one.name + (result.draws > 0 ? "#" + std::to_string(result.draws) : "");
      result.message.clear();
      result.figures.clear();
      run_both(result, one, options, tested, reference, Random(options.seed, stream));
      ++result.draws;
    } while (may_be_a_kink(one, result) && result.draws < most_draws);
  } catch (const LibraryError &error) {
    result.verdict = error.status() == RONDO_ERROR_UNSUPPORTED ? Verdict::skipped : Verdict::failed;
    result.message = error.what();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace rondo::cli
