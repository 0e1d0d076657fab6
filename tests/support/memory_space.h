// Where a plan's arrays lie: in host memory, or in device memory beside a stream.
// All device spaces of a process share one stream, which orders their writes, fills and calls: only reads wait.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rondo/rondo.h"

namespace rondo::test {

class DeviceArena;

class MemorySpace {
 public:
  MemorySpace() = default;  // the host
  explicit MemorySpace(rondo_device_t device);

  bool is_device() const { return arena_ != nullptr; }
  // For the calls' args; NULL on the host.
  void *stream() const;
  void synchronize() const;

  // Memory at 64 bytes, for release() of an equal space.
  void *allocate(std::size_t bytes) const;
  void release(void *memory) const;
  // Enqueued. from: host memory, which may go when the call returns.
  void write(void *to, const void *from, std::size_t bytes) const;
  // Enqueued; both sides are of the space.
  void copy(void *to, const void *from, std::size_t bytes) const;
  void fill(void *to, std::uint8_t value, std::size_t bytes) const;
  // Done when it returns, as is all that was enqueued before. to: host memory.
  void read(void *to, const void *from, std::size_t bytes) const;

 private:
  DeviceArena *arena_ = nullptr;
};

}  // namespace rondo::test
