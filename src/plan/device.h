// Device memory and streams for callers without a CUDA binding.
#pragma once

#include "backend/backend.h"

namespace rondo {

// Those of the first GPU back end that has a device.
Status device_calls(const DeviceCalls **calls);

}  // namespace rondo
