// An array as the library sees it: a name, an element type, a shape, and memory at a 64-byte boundary.
// A default-constructed tensor is absent: its pointer is NULL, as the library's optional arguments want it.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "rondo/rondo.h"

namespace rondo::cli {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // Filled with 0xFF bytes, which read as NaN in every type: what was never written is seen.
  explicit AlignedBuffer(int64_t bytes);

  void *data() const { return memory_.get(); }  // NULL only when default-constructed
  int64_t size() const { return size_; }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Deleter {
    void operator()(unsigned char *memory) const { ::operator delete(memory, alignment); }
  };
  int64_t size_ = 0;
  std::unique_ptr<unsigned char, Deleter> memory_;
};

class Tensor {
 public:
  Tensor() = default;
  Tensor(std::string name, rondo_dtype_t dtype, std::vector<int64_t> shape);

  bool is_absent() const { return buffer_.data() == nullptr; }
  const std::string &name() const { return name_; }
  rondo_dtype_t dtype() const { return dtype_; }
  int64_t count() const { return count_; }
  int64_t bytes() const;  // of its elements
  void *data() const { return buffer_.data(); }

  void set(const std::vector<double> &values);
  std::vector<double> values() const;
  // "name[1,0,7]" of the element at a flat index.
  std::string element_name(int64_t index) const;

 private:
  std::string name_;
  rondo_dtype_t dtype_ = RONDO_F32;
  std::vector<int64_t> shape_;
  int64_t count_ = 0;
  AlignedBuffer buffer_;
};

}  // namespace rondo::cli
