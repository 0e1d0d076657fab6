// What follows from a spec, a problem and a device, by formula.
#include "backend/fused/facts.h"

#include <limits>

#include "core/hash.h"

// Emulated builds have smaller ones (tests/emulator/CMakeLists.txt): small problems then have several chunks, and
// thousands of plans little memory to fill.
// Bytes of input products made at a time, all directions together: enough rows for a product at full speed, and little
// beside the reserve.
#ifndef RONDO_FUSED_CHUNK_BYTES
#define RONDO_FUSED_CHUNK_BYTES (64 << 20)
#endif
// What cuBLAS' documentation recommends, on devices of capability 9.0 and before.
#ifndef RONDO_FUSED_CUBLAS_BYTES
#define RONDO_FUSED_CUBLAS_BYTES (device.capability() >= 90 ? 32 << 20 : 4 << 20)
#endif

namespace rondo::fused {
namespace {

constexpr int64_t chunk_bytes = RONDO_FUSED_CHUNK_BYTES;
// A tier loads W_hh anew for each chunk, which takes as long as some ten steps; in so many bytes there are a hundred
// steps of the largest layers that a tier holds, and thousands of the usual ones.
constexpr int64_t sequence_chunk_bytes = 4 * chunk_bytes;

kernels::Storage number(rondo_dtype_t dtype) { return static_cast<kernels::Storage>(dtype); }

}  // namespace

Facts::Facts(const Spec &of, const Problem &asked, cuda::Device on, const kernels::cuda::TierRow *by)
    : spec(of),
      problem(asked),
      device(std::move(on)),
      tier(by),
      cell(kernels::cuda::cell_facts(of.cell)),
      storage(number(of.storage())),
      cell_state(number(of.cell_state_dtype())),
      param_grad(number(of.param_grad_dtype())),
      arithmetic(storage == kernels::Storage::f64 ? kernels::Storage::f64 : kernels::Storage::f32),
      tf32(rounds_to_tf32(of)),
      I(of.input_size),
      H(of.hidden_size),
      P(of.proj_size),
      O(of.output()),
      L(of.num_layers),
      D(of.directions()),
      gates(of.gates() * of.hidden_size),
      output(of.directions() * of.output()) {}

int64_t Facts::cublas_bytes() const { return RONDO_FUSED_CUBLAS_BYTES; }

int64_t Facts::chunk_rows(int64_t N) const {
  const int64_t bytes = tier == nullptr ? chunk_bytes : sequence_chunk_bytes;
  return std::max(N, bytes / storage_bytes(arithmetic) / D / gates);
}

uint64_t packed_format(const Spec &spec) {
  return format_hash({RONDO_BACKEND_FUSED, spec.cell, spec.input_size, spec.hidden_size, spec.proj_size,
                      spec.num_layers, spec.bidirectional, spec.bias, spec.dtype,
                      RONDO_VERSION_MAJOR * 10000 + RONDO_VERSION_MINOR * 100});
}

std::string product_refusal(const Spec &spec, const Problem &problem) {
  const struct {
    const char *name;
    int64_t value;
  } sizes[] = {{"gates*hidden_size", spec.gates() * spec.hidden_size},
               {"input_size", spec.input_size},
               {"the width of y", spec.directions() * spec.output()},
               {"max_N", problem.max_N},
               {"the sum of all steps' rows (max_S)", problem.max_S}};
  for (const auto &size : sizes) {
    if (size.value > std::numeric_limits<int>::max()) {
      return std::string(size.name) + " is " + std::to_string(size.value) + ", and cuBLAS products take at most " +
             std::to_string(std::numeric_limits<int>::max());
    }
  }
  return {};
}

}  // namespace rondo::fused
