// What is known of the processor without Highway: its name, flags and caches, the bf16 ceiling, a barrier's cost.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace rondo::bench {

nlohmann::json describe_processor();

// Of bf16 dot products on registers, in tiles where the processor has AMX and the system lends it, else vdpbf16ps; a
// multiply-add is two operations. None where the processor has no AVX512-BF16.
std::optional<double> bf16_dot_gflops(int threads, double seconds);

// Nanoseconds of a barrier between two threads that spin on each other's flag; the median of many.
double barrier_ns(double seconds);

}  // namespace rondo::bench
