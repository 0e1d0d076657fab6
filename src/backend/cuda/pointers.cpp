// Asks the runtime about every pointer of a call. The price is well under a microsecond each, and no device is touched.
#include "backend/cuda/pointers.h"

#include <string>

#include "backend/cuda/error.h"
#include "core/parameters.h"

namespace rondo::cuda {
namespace {

// cudaSuccess with type Unregistered where the runtime does not know the memory.
cudaError_t ask(const void *pointer, cudaPointerAttributes *attributes) {
  *attributes = {};
  const cudaError_t error = cudaPointerGetAttributes(attributes, pointer);
  if (error == cudaErrorInvalidValue) {
    static_cast<void>(cudaGetLastError());
    *attributes = {};
    attributes->type = cudaMemoryTypeUnregistered;
    return cudaSuccess;
  }
  return error;
}

// An argument, or entry `index` of one that is an array of pointers; its text is made for failures alone.
struct Name {
  const char *argument;
  int64_t index = -1;

  std::string text() const {
    return index < 0 ? std::string(argument) : std::string(argument) + "[" + std::to_string(index) + "]";
  }
};

Status check(const Device &device, const Name &name, const void *pointer) {
  if (pointer == nullptr) {
    return {};
  }
  cudaPointerAttributes attributes;
  if (const cudaError_t error = ask(pointer, &attributes); error != cudaSuccess) {
    return cuda_failure("cudaPointerGetAttributes", error);
  }
  if (attributes.type == cudaMemoryTypeUnregistered && !device.reads_host_memory) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "%s is %p, expected device memory (cudaMalloc or rondo_device_alloc): the plan runs on cuda",
                name.text().c_str(), pointer);
  }
  if (attributes.type == cudaMemoryTypeDevice && attributes.device != device.index) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "%s is %p, memory of device %d, expected memory of device %d, on which the plan was made",
                name.text().c_str(), pointer, attributes.device, device.index);
  }
  return {};
}

Status check_all(const Device &device, const char *name, const void *const *pointers, int64_t count) {
  for (int64_t k = 0; pointers != nullptr && k < count; ++k) {
    RONDO_TRY(check(device, {name, k}, pointers[k]));
  }
  return {};
}

struct Named {
  const char *name;
  const void *pointer;
  bool has_elements;
};

template <size_t kCount>
Status check_all(const Device &device, const Named (&arrays)[kCount]) {
  for (const Named &array : arrays) {
    if (array.has_elements) {
      RONDO_TRY(check(device, {array.name}, array.pointer));
    }
  }
  return {};
}

// Of a tensor with a value per step and row.
bool has_positions(const Batch &batch) {
  return batch.sequence == RONDO_SEQUENCE_PACKED ? batch.S > 0 : batch.T > 0 && batch.N > 0;
}

}  // namespace

Status check_device_pointers(const Device &device, const Spec &spec, const MemoryNeeds &needs,
                             const ForwardCall &call) {
  const rondo_forward_args_t &a = call.args;
  const Batch &batch = call.batch;
  const bool steps = has_positions(batch);
  const bool rows = batch.N > 0;
  const Named arrays[] = {
      {"x", a.x, steps},
      {"h0", a.h0, rows},
      {"c0", a.c0, rows},
      {"packed_params", a.packed_params, needs.packed > 0},
      {"y", a.y, steps},
      {"hn", a.hn, rows},
      {"cn", a.cn, rows},
      {"seed_ptr", a.seed_ptr, true},
      {"offset_ptr", a.offset_ptr, true},
      {"device_lengths", batch.device_lengths, rows},
      {"device_lengths32", batch.device_lengths32, rows},
      {"device_faults", batch.device_faults, true},
      {"workspace", a.workspace, needs.workspace > 0},
      {"reserve", a.reserve, needs.reserve > 0},
  };
  RONDO_TRY(check_all(device, arrays));
  return check_all(device, "params", a.params, param_count(spec));
}

Status check_device_pointers(const Device &device, const Spec &spec, const MemoryNeeds &needs,
                             const BackwardCall &call) {
  const rondo_backward_args_t &a = call.args;
  const Batch &batch = call.batch;
  const bool steps = has_positions(batch);
  const bool rows = batch.N > 0;
  const Named arrays[] = {
      {"x", a.x, steps},
      {"h0", a.h0, rows},
      {"c0", a.c0, rows},
      {"y", a.y, steps},
      {"dy", a.dy, steps},
      {"dhn", a.dhn, rows},
      {"dcn", a.dcn, rows},
      {"dx", a.dx, steps},
      {"dh0", a.dh0, rows},
      {"dc0", a.dc0, rows},
      {"device_lengths", batch.device_lengths, rows},
      {"device_lengths32", batch.device_lengths32, rows},
      {"workspace", a.workspace, needs.workspace > 0},
      {"reserve", a.reserve, needs.reserve > 0},
  };
  RONDO_TRY(check_all(device, arrays));
  RONDO_TRY(check_all(device, "params", a.params, param_count(spec)));
  return check_all(device, "dparams", a.dparams, param_count(spec));
}

Status check_device_pointers(const Device &device, const Spec &spec, const MemoryNeeds &needs,
                             const void *const *params, const void *packed) {
  const Named arrays[] = {{"packed", packed, needs.packed > 0}};
  RONDO_TRY(check_all(device, arrays));
  return check_all(device, "params", params, param_count(spec));
}

}  // namespace rondo::cuda
