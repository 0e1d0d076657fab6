// C ABI: device memory and streams.
#include "plan/device.h"
#include "api/guard.h"

using rondo::check_bytes;
using rondo::check_present;
using rondo::guarded;
using rondo::Status;

namespace {

// Checks first, then the call on whichever back end has a device.
template <class Check, class Call>
rondo_status_t on_device(const char *function, Check &&check, Call &&call) {
  return guarded(function, [&]() -> Status {
    RONDO_TRY(check());
    const rondo::DeviceCalls *calls = nullptr;
    RONDO_TRY(rondo::device_calls(&calls));
    return call(*calls);
  });
}

Status nothing_to_check() { return {}; }

}  // namespace

rondo_status_t rondo_device_alloc(int64_t bytes, void **memory) {
  return on_device(
      __func__,
      [&]() -> Status {
        RONDO_TRY(check_present("memory", memory));
        return check_bytes(bytes);
      },
      [&](const rondo::DeviceCalls &device) { return device.alloc(bytes, memory); });
}

rondo_status_t rondo_device_free(void *memory) {
  return memory == nullptr ? RONDO_OK : on_device(__func__, nothing_to_check, [&](const rondo::DeviceCalls &device) {
    return device.free(memory);
  });
}

rondo_status_t rondo_device_memory(int64_t *free_bytes, int64_t *total_bytes) {
  return on_device(
      __func__,
      [&]() -> Status {
        RONDO_TRY(check_present("free_bytes", free_bytes));
        return check_present("total_bytes", total_bytes);
      },
      [&](const rondo::DeviceCalls &device) { return device.memory(free_bytes, total_bytes); });
}

rondo_status_t rondo_copy(void *to, const void *from, int64_t bytes, void *stream) {
  return on_device(
      __func__,
      [&]() -> Status {
        RONDO_TRY(check_bytes(bytes));
        if (bytes > 0) {
          RONDO_TRY(check_present("to", to));
          RONDO_TRY(check_present("from", from));
        }
        return {};
      },
      [&](const rondo::DeviceCalls &device) { return device.copy(to, from, bytes, stream); });
}

rondo_status_t rondo_stream_create(void **stream) {
  return on_device(
      __func__, [&] { return check_present("stream", stream); },
      [&](const rondo::DeviceCalls &device) { return device.stream_create(stream); });
}

rondo_status_t rondo_stream_synchronize(void *stream) {
  return on_device(__func__, nothing_to_check,
                   [&](const rondo::DeviceCalls &device) { return device.stream_synchronize(stream); });
}

rondo_status_t rondo_stream_destroy(void *stream) {
  return stream == nullptr ? RONDO_OK : on_device(__func__, nothing_to_check, [&](const rondo::DeviceCalls &device) {
    return device.stream_destroy(stream);
  });
}
