// Several streams at once on one device: plans of one context, which share its library handles.
// The soak's program runs it, because that one runs on every back end.
#pragma once

#include "device_run.h"

namespace rondo::gpu {

// How many pairs of plans gave, interleaved on two streams, the bytes that each gave alone. Throws where one did not.
int64_t check_streams(RunChoice choice);

}  // namespace rondo::gpu
