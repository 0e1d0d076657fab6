// Where a plan's arrays lie: in host memory, or in device memory beside a stream of its own.
// Calls run on that stream; writes and reads are in its order and done when they return.
#pragma once

#include <cstdint>
#include <memory>

#include "rondo/rondo.h"

namespace rondo::cli {

class MemorySpace {
 public:
  MemorySpace() = default;  // the host
  explicit MemorySpace(rondo_device_t device);

  bool is_device() const { return stream_ != nullptr; }
  void *stream() const { return stream_.get(); }  // NULL on the host
  void synchronize() const;
  // Bytes that can be had; on the host without swapping, infinite where the system does not tell.
  double available() const;

  // Memory at 64 bytes, for release() of a copy of this space.
  void *allocate(int64_t bytes) const;
  void release(void *memory) const;
  // The other side is host memory.
  void write(void *to, const void *from, int64_t bytes) const;
  void read(void *to, const void *from, int64_t bytes) const { write(to, from, bytes); }
  void fill(void *to, unsigned char value, int64_t bytes) const;

 private:
  std::shared_ptr<void> stream_;
};

}  // namespace rondo::cli
