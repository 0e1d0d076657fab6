// The registry of allocations. What an allocation takes from the device is rounded to the alignment of its start.
#include "device_memory.h"

#include <cstring>
#include <iterator>
#include <new>

namespace rondo_emulator {
namespace {

constexpr size_t kAlignment = 256;

size_t taken(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

void *DeviceMemory::take(size_t bytes, int device, size_t device_bytes) {
  const size_t free = device_bytes - used(device);
  if (bytes > free || taken(bytes) > free) {
    return nullptr;
  }
  void *pointer = operator new (bytes, std::align_val_t{kAlignment}, std::nothrow);
  if (pointer != nullptr) {
    std::memset(pointer, 0xff, bytes);
    allocations_[static_cast<const char *>(pointer)] = {bytes, device};
  }
  return pointer;
}

bool DeviceMemory::give_back(void *pointer) {
  if (allocations_.erase(static_cast<const char *>(pointer)) == 0) {
    return false;
  }
  operator delete (pointer, std::align_val_t{kAlignment});
  return true;
}

const Allocation *DeviceMemory::find(const void *pointer, const char **begin) const {
  const auto *byte = static_cast<const char *>(pointer);
  const auto after = allocations_.upper_bound(byte);
  if (after == allocations_.begin()) {
    return nullptr;
  }
  const auto &[start, allocation] = *std::prev(after);
  if (byte >= start + allocation.bytes) {
    return nullptr;
  }
  if (begin != nullptr) {
    *begin = start;
  }
  return &allocation;
}

bool DeviceMemory::holds(const void *pointer, size_t bytes, int device) const {
  const char *begin = nullptr;
  const Allocation *allocation = find(pointer, &begin);
  return allocation != nullptr && (device < 0 || allocation->device == device) &&
         bytes <= allocation->bytes - static_cast<size_t>(static_cast<const char *>(pointer) - begin);
}

size_t DeviceMemory::used(int device) const {
  size_t sum = 0;
  for (const auto &[start, allocation] : allocations_) {
    sum += allocation.device == device ? taken(allocation.bytes) : 0;
  }
  return sum;
}

}  // namespace rondo_emulator
