// WeightLayout: where each of PyTorch's parameters lies in cuDNN's weight spaces, gate by gate. cuDNN alone knows its
// offsets: every one comes from cudnnGetRNNWeightParams when the plan is made, none is assumed.
#pragma once

#include <vector>

#include "backend/cudnn/network.h"
#include "kernels/cuda/arrays.h"

namespace rondo::cudnn {

// Blocks given to cuDNN begin at a multiple of this wherever the caller's memory does: cuDNN does not say what it
// needs, and this is what cudaMalloc gives.
inline constexpr int64_t operand_alignment = 256;

class WeightLayout {
 public:
  explicit WeightLayout(const Spec &spec) : spec_(spec) {}

  // The weight space of a network that computes the spec's layers from first_layer on, in its directions from
  // first_direction on, is placed behind those before it; *offset is where, in bytes.
  Status add(cudnnHandle_t library, const Network &network, int64_t first_layer, int64_t first_direction,
             int64_t *offset);

  int64_t bytes() const { return bytes_; }
  // Equal where packed parameters may be shared; never 0.
  uint64_t format() const;

  Status pack(const kernels::cuda::Target &target, const void *const *params, void *space) const;
  // Gradients; NULL entries are left out.
  Status unpack(const kernels::cuda::Target &target, const void *space, void *const *params, bool accumulate) const;

 private:
  // Elements from one parameter to the space; param < 0: zeros, a bias that the spec does not have.
  struct Place {
    int64_t param, from, to, count;
  };

  Status add_tensor(const Network &network, const TensorDescriptor &descriptor, const void *address, int64_t expected,
                    int64_t param, int64_t from);
  Status add_gate(cudnnHandle_t library, const Network &network, int64_t pseudo_layer, int64_t id, int64_t layer,
                  int64_t direction);
  void merge();
  int64_t element_bytes() const { return dtype_size(spec_.storage()); }
  kernels::Storage storage() const { return static_cast<kernels::Storage>(spec_.dtype); }

  const Spec spec_;
  int64_t bytes_ = 0;
  std::vector<Place> places_;
};

}  // namespace rondo::cudnn
