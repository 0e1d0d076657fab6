// Whether a call's arrays are memory of the plan's device, as far as the runtime can tell: a host pointer would be
// read by a kernel, long after the call, as a fault of the whole process.
#pragma once

#include "backend/cuda/device.h"

namespace rondo::cuda {

// What a call has no elements of is not looked at.
Status check_device_pointers(const Device &device, const Spec &spec, const MemoryNeeds &needs, const ForwardCall &call);
Status check_device_pointers(const Device &device, const Spec &spec, const MemoryNeeds &needs,
                             const BackwardCall &call);
// rondo_plan_pack_params.
Status check_device_pointers(const Device &device, const Spec &spec, const MemoryNeeds &needs,
                             const void *const *params, const void *packed);

}  // namespace rondo::cuda
