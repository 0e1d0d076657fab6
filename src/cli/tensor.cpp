// Memory and element access of tensors.
// A size that cannot be allocated throws std::bad_alloc or the library's own failure; main() reports either.
#include "cli/tensor.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "cli/element.h"

namespace rondo::cli {

AlignedBuffer::AlignedBuffer(const MemorySpace &space, int64_t bytes)
    : space_(space), size_(bytes), memory_(static_cast<unsigned char *>(space.allocate(bytes)), Deleter{space}) {
  space_.fill(memory_.get(), 0xFF, bytes);
}

void AlignedBuffer::write(const void *from, int64_t offset, int64_t bytes) {
  space_.write(memory_.get() + offset, from, bytes);
}

void AlignedBuffer::read(void *to, int64_t offset, int64_t bytes) const {
  space_.read(to, memory_.get() + offset, bytes);
}

Tensor::Tensor(const MemorySpace &space, std::string name, rondo_dtype_t dtype, std::vector<int64_t> shape)
    : name_(std::move(name)), dtype_(dtype), shape_(std::move(shape)), count_(1) {
  for (const int64_t extent : shape_) {
    count_ *= extent;
  }
  buffer_ = AlignedBuffer(space, bytes());
}

int64_t Tensor::bytes() const { return count_ * static_cast<int64_t>(size_of(dtype_)); }

void Tensor::set(const std::vector<double> &values) {
  if (values.size() != static_cast<size_t>(count_)) {
    throw std::logic_error(name_ + " was given " + std::to_string(values.size()) + " values");
  }
  std::vector<unsigned char> encoded(static_cast<size_t>(bytes()));
  encode(dtype_, values.data(), values.size(), encoded.data());
  buffer_.write(encoded.data(), 0, bytes());
}

std::vector<double> Tensor::values(int64_t first) const {
  const auto count = static_cast<size_t>(first);
  std::vector<unsigned char> encoded(count * size_of(dtype_));
  buffer_.read(encoded.data(), 0, static_cast<int64_t>(encoded.size()));
  std::vector<double> values(count);
  decode(dtype_, encoded.data(), count, values.data());
  return values;
}

void Tensor::set_repeated(const std::vector<unsigned char> &elements) {
  const auto block = static_cast<int64_t>(elements.size());
  for (int64_t done = 0; done < bytes(); done += block) {
    buffer_.write(elements.data(), done, std::min(block, bytes() - done));
  }
}

std::string Tensor::element_name(int64_t index) const {
  std::string indices;
  for (size_t axis = shape_.size(); axis-- > 0;) {
    const int64_t extent = shape_[axis] > 0 ? shape_[axis] : 1;
    indices.insert(0, (axis > 0 ? "," : "") + std::to_string(index % extent));
    index /= extent;
  }
  return name_ + "[" + indices + "]";
}

}  // namespace rondo::cli
