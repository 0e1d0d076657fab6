// An array of one storage type as the library sees it, filled from and read back as doubles.
// A default constructed array is absent: its pointer is NULL.
#pragma once

#include <vector>

#include "aligned_buffer.h"
#include "element.h"

namespace rondo::test {

class TypedArray {
 public:
  TypedArray() = default;
  // Poisoned.
  TypedArray(const MemorySpace &space, Dtype dtype, std::size_t count)
      : dtype_(dtype), count_(count), buffer_(space, count * size_of(dtype)) {}
  TypedArray(const MemorySpace &space, Dtype dtype, const std::vector<double> &values)
      : TypedArray(space, dtype, values.size()) {
    std::vector<std::uint8_t> encoded(buffer_.size());
    encode(dtype_, values.data(), count_, encoded.data());
    buffer_.write(encoded.data());
  }

  void *data() { return buffer_.data(); }
  const void *data() const { return buffer_.data(); }
  bool is_absent() const { return buffer_.data() == nullptr; }
  const AlignedBuffer &buffer() const { return buffer_; }
  std::vector<std::uint8_t> bytes() const { return is_absent() ? std::vector<std::uint8_t>{} : buffer_.bytes(); }
  std::vector<double> values() const {
    std::vector<double> values(count_);
    decode(dtype_, bytes().data(), count_, values.data());
    return values;
  }

 private:
  Dtype dtype_ = Dtype::f64;
  std::size_t count_ = 0;
  AlignedBuffer buffer_;
};

}  // namespace rondo::test
