// An array as the library sees it: a name, an element type, a shape, and memory of the plan's space.
// A default-constructed tensor is absent: its pointer is NULL, as the library's optional arguments want it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/memory_space.h"
#include "rondo/rondo.h"

namespace rondo::cli {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // Filled with 0xFF bytes, which read as NaN in every type: what was never written is seen.
  AlignedBuffer(const MemorySpace &space, int64_t bytes);

  void *data() const { return memory_.get(); }  // in the space; NULL only when default-constructed
  int64_t size() const { return size_; }
  // bytes at an offset, from and to host memory.
  void write(const void *from, int64_t offset, int64_t bytes);
  void read(void *to, int64_t offset, int64_t bytes) const;

 private:
  struct Deleter {
    MemorySpace space;
    void operator()(unsigned char *memory) const { space.release(memory); }
  };
  MemorySpace space_;
  int64_t size_ = 0;
  std::unique_ptr<unsigned char, Deleter> memory_;
};

class Tensor {
 public:
  Tensor() = default;
  Tensor(const MemorySpace &space, std::string name, rondo_dtype_t dtype, std::vector<int64_t> shape);

  bool is_absent() const { return buffer_.data() == nullptr; }
  const std::string &name() const { return name_; }
  rondo_dtype_t dtype() const { return dtype_; }
  int64_t count() const { return count_; }
  int64_t bytes() const;                         // of its elements
  void *data() const { return buffer_.data(); }  // as the library wants it, so perhaps in device memory

  void set(const std::vector<double> &values);
  std::vector<double> values() const { return values(count_); }
  std::vector<double> values(int64_t first) const;  // that many from the start
  // Over and over until the tensor is full. elements: encoded, in host memory.
  void set_repeated(const std::vector<unsigned char> &elements);
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
