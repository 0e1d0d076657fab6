// The way from the C ABI to whichever back end has a device.
#include "plan/device.h"

#include "backend/registry.h"

namespace rondo {

Status device_calls(const DeviceCalls **calls) { return find_device_calls(calls); }

}  // namespace rondo
