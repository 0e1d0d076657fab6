// Device memory: heap blocks of exactly the asked size, so that asan sees whoever leaves one, full of NaN at first.
// Not locked: the runtime's lock is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace rondo_emulator {

struct Allocation {
  size_t bytes;
  int device;
};

class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  // NULL where the heap or the device has no more.
  void *take(size_t bytes, int device, size_t device_bytes);
  bool give_back(void *pointer);
  // The allocation that has the byte, NULL for host memory; *begin is where it starts.
  const Allocation *find(const void *pointer, const char **begin = nullptr) const;
  // Whether the range lies in one allocation of the device, or of any for -1.
  bool holds(const void *pointer, size_t bytes, int device) const;
  size_t used(int device) const;
  int64_t count() const { return static_cast<int64_t>(allocations_.size()); }

 private:
  std::map<const char *, Allocation> allocations_;
};

}  // namespace rondo_emulator
