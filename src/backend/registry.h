// The back ends this version knows.
#pragma once

#include <span>

#include "backend/backend.h"

namespace rondo {

// Most preferred first.
std::span<const Backend *const> backends();

// Device memory and streams, from the first back end that has a device; refused with every reason where none has.
Status find_device_calls(const DeviceCalls **calls);

}  // namespace rondo
