// Random inputs (zeros would be faster than life), a warm-up call, rounds, and a look at the results.
// A shape that this machine's memory cannot hold is skipped before it is allocated.
#include "cli/bench_measure.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
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
  const size_t element = size_of(tensor.dtype());
  const auto total = static_cast<size_t>(tensor.count());
  const size_t drawn = std::min(pool.size(), total);
  auto *data = static_cast<unsigned char *>(tensor.data());
  encode(tensor.dtype(), pool.data(), drawn, data);
  for (size_t done = drawn; done < total;) {
    const size_t next = std::min(drawn, total - done);
    std::memcpy(data + done * element, data, next * element);
    done += next;
  }
}

void fill_inputs(Execution &execution) {
  fill_normal(execution.x);
  fill_normal(execution.dy);
  std::vector<void *> params;
  for (const Tensor &param : execution.params) {
    params.push_back(param.data());
  }
  check(rondo_rnn_init_params(execution.rnn(), 1, params.data(), static_cast<int64_t>(params.size())));
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

// Seconds a call.
double time_calls(Execution &execution, int64_t calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) {
    call(execution);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(calls);
}

// Speed of wrong results is worth nothing. Values are `rondo verify`'s subject; here they must be there and finite.
void check_results(const Execution &execution) {
  constexpr int64_t looked_at = 1 << 20;
  for (const Tensor *tensor : execution.outputs()) {
    std::vector<double> values(static_cast<size_t>(std::min(tensor->count(), looked_at)));
    decode(tensor->dtype(), tensor->data(), values.size(), values.data());
    const bool finite = std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
    const bool moved = std::any_of(values.begin(), values.end(), [](double value) { return value != 0; });
    // One step from an absent h0 has a recurrent gradient of exactly zero.
    const bool may_rest = execution.problem().T == 1 && tensor->name().find("weight_hh") != std::string::npos;
    if (!finite || (!moved && !may_rest)) {
      throw std::runtime_error(tensor->name() + (finite ? " is all zeros" : " is not finite") + " after the run");
    }
  }
}

// Bytes that can be had without swapping; infinite where the system does not tell.
double available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  double kib = 0;
  std::string unit;
  while (file >> key >> kib) {
    std::getline(file, unit);
    if (key == "MemAvailable:") {
      return kib * 1024;
    }
  }
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page_size > 0 ? static_cast<double>(pages) * static_cast<double>(page_size)
                                    : std::numeric_limits<double>::infinity();
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
  const double needed = execution.bytes_needed();
  const double available = available_memory();
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
