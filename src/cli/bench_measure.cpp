// Random inputs (zeros would be faster than life), a warm-up call, rounds, and a look at the results.
// A shape that this machine's memory cannot hold is skipped before it is allocated.
#include "cli/bench_measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "cli/element.h"
#include "cli/execution.h"
#include "cli/random.h"

namespace rondo::cli {
namespace {

// Drawing some hundred million normal values would take longer than the run. A prime number of them is repeated.
constexpr int64_t pool_size = 1000003;

void fill_normal(Tensor &tensor) {
  if (tensor.is_absent() || tensor.count() == 0) {
    return;
  }
  static const std::vector<double> pool = Random(1, "bench").normals(pool_size);
  const size_t drawn = std::min(pool.size(), static_cast<size_t>(tensor.count()));
  std::vector<unsigned char> encoded(drawn * size_of(tensor.dtype()));
  encode(tensor.dtype(), pool.data(), drawn, encoded.data());
  tensor.set_repeated(encoded);
}

// The library draws them in host memory.
void fill_params(Execution &execution) {
  std::vector<std::vector<unsigned char>> drawn;
  std::vector<void *> pointers;
  for (const Tensor &param : execution.params) {
    drawn.emplace_back(static_cast<size_t>(param.bytes()));
    pointers.push_back(drawn.back().data());
  }
  check(rondo_rnn_init_params(execution.rnn(), 1, pointers.data(), static_cast<int64_t>(pointers.size())));
  for (size_t i = 0; i < drawn.size(); ++i) {
    execution.params[i].set_repeated(drawn[i]);
  }
}

void fill_inputs(Execution &execution) {
  fill_normal(execution.x);
  fill_normal(execution.dy);
  fill_params(execution);
  if (!execution.problem().is_training()) {
    execution.pack_params();
  }
}

void call(Execution &execution) {
  execution.forward();
  if (execution.problem().is_training()) {
    execution.backward(false);
  }
}

// Seconds a call. On a device the calls only launch, so the clock is read with the stream empty.
double time_calls(Execution &execution, int64_t calls) {
  execution.space().synchronize();
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) {
    call(execution);
  }
  execution.space().synchronize();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(calls);
}

// Speed of wrong results is worth nothing. Values are `rondo verify`'s subject; here they must be there and finite.
void check_results(const Execution &execution) {
  constexpr int64_t looked_at = 1 << 20;
  for (const Tensor *tensor : execution.outputs()) {
    const std::vector<double> values = tensor->values(std::min(tensor->count(), looked_at));
    const bool finite = std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
    const bool moved = std::any_of(values.begin(), values.end(), [](double value) { return value != 0; });
    // One step from an absent h0 has a recurrent gradient of exactly zero.
    const bool may_rest = execution.problem().T == 1 && tensor->name().find("weight_hh") != std::string::npos;
    if (!finite || (!moved && !may_rest)) {
      throw std::runtime_error(tensor->name() + (finite ? " is all zeros" : " is not finite") + " after the run");
    }
  }
}

std::string gib_text(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", bytes / 1073741824.0);
  return text;
}

void measure_into(BenchRow &row, const BenchOptions &options, const Context &context) {
  Problem problem = row.shape.problem;
  problem.backend = options.backend;
  ExecutionOptions how;
  how.states = false;
  how.packed_params = !problem.is_training();
  Execution execution(context.get(), problem, how);
  row.backend = execution.backend_name();
  row.on_device = execution.space().is_device();
  const double needed = execution.bytes_needed();
  const double available = execution.space().available();
  if (needed > 0.9 * available) {
    row.skipped = "needs " + gib_text(needed) + " of memory, " + gib_text(available) + " available";
    return;
  }
  execution.allocate();
  fill_inputs(execution);

  time_calls(execution, 1);  // touches every page, wakes the threads
  const double estimate = time_calls(execution, 1);
  const double calls = std::ceil(options.min_time / std::max(estimate, 1e-9));
  row.calls_per_round = static_cast<int64_t>(std::clamp(calls, 1.0, 1e9));
  std::vector<double> seconds;
  for (int64_t round = 0; round < options.rounds; ++round) {
    seconds.push_back(time_calls(execution, row.calls_per_round));
  }
  check_results(execution);
  std::sort(seconds.begin(), seconds.end());
  const size_t middle = seconds.size() / 2;
  row.median = seconds.size() % 2 == 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2;
  row.fastest = seconds.front();
  row.slowest = seconds.back();
}

}  // namespace

BenchRow measure(const BenchShape &shape, const BenchOptions &options, const Context &context) {
  BenchRow row;
  row.shape = shape;
  try {
    measure_into(row, options, context);
  } catch (const LibraryError &error) {
    if (error.status() != RONDO_ERROR_UNSUPPORTED) {
      throw;
    }
    row.skipped = error.what();
  }
  return row;
}

}  // namespace rondo::cli
