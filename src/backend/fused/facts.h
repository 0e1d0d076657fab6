// Facts: what forward and backward need to know of their plan. There are no templates over types here: every type is a
// number that travels to cuBLAS and to the launchers.
#pragma once

#include <algorithm>
#include <string>

#include "backend/cuda/device.h"
#include "core/checked.h"
#include "core/problem.h"
#include "kernels/cuda/pointwise.h"
#include "kernels/cuda/tiers.h"

namespace rondo::fused {

// Whether products may and do round their operands to tf32.
inline bool rounds_to_tf32(const Spec &spec) { return spec.storage() == RONDO_F32 && spec.allow_tf32 != 0; }

struct Facts {
  // tier: what runs a layer's steps in one launch; NULL: one kernel a step.
  Facts(const Spec &spec, const Problem &problem, cuda::Device device, const kernels::cuda::TierRow *tier);

  Spec spec;
  Problem problem;
  cuda::Device device;
  const kernels::cuda::TierRow *tier;
  kernels::CellFacts cell;
  kernels::Storage storage, cell_state, param_grad;
  kernels::Storage arithmetic;  // f64 for f64 storage, else f32
  bool tf32;                    // products of f32 round their operands to tf32
  int64_t I, H, P, O, L, D;
  int64_t gates;   // G*H
  int64_t output;  // D*O: the width of a layer's output

  bool training() const { return problem.training; }
  bool projects() const { return P > 0; }
  bool drops_out() const { return training() && spec.dropout > 0 && L > 1; }
  bool device_lengths() const { return problem.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS; }
  int64_t input(int64_t layer) const { return layer == 0 ? I : output; }
  int64_t widest_input() const { return L == 1 ? I : std::max(I, output); }
  // Every call of the plan has its rows in step order already, so that x never needs a place of its own.
  bool always_direct() const {
    return problem.sequence == RONDO_SEQUENCE_PACKED ||
           (problem.sequence == RONDO_SEQUENCE_FULL && spec.layout == RONDO_TIME_MAJOR);
  }

  // A tier's input products of all steps take the reserve's place of the gates, each of which it reads before it writes
  // it: training by a tier has no chunks.
  bool products_in_reserve() const { return tier != nullptr && training(); }
  // Rows of input products made at a time in one direction, and the steps they are: from the spec and the batch alone.
  int64_t chunk_rows(int64_t N) const;
  int64_t chunk_steps(int64_t N) const { return std::max<int64_t>(1, chunk_rows(N) / std::max<int64_t>(1, N)); }

  int64_t cublas_bytes() const;  // what cuBLAS is given of the workspace
};

inline int64_t storage_bytes(kernels::Storage storage) { return dtype_size(static_cast<rondo_dtype_t>(storage)); }

// Element k of a caller's tensor; an absent one stays NULL.
inline const void *element(const void *tensor, int64_t k, kernels::Storage storage) {
  return tensor == nullptr ? nullptr : static_cast<const char *>(tensor) + k * storage_bytes(storage);
}
inline void *element(void *tensor, int64_t k, kernels::Storage storage) {
  return tensor == nullptr ? nullptr : static_cast<char *>(tensor) + k * storage_bytes(storage);
}

// Of all that decides where packed parameters lie; never 0.
uint64_t packed_format(const Spec &spec);
// Why one of cuBLAS' int arguments could not hold a size of the plan, empty where all fit.
std::string product_refusal(const Spec &spec, const Problem &problem);

}  // namespace rondo::fused
