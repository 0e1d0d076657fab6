// Memory and element access of tensors.
// A size that cannot be allocated throws std::bad_alloc, which main() reports.
#include "cli/tensor.h"

#include <cstring>
#include <stdexcept>
#include <utility>

#include "cli/element.h"

namespace rondo::cli {

AlignedBuffer::AlignedBuffer(int64_t bytes)
    : size_(bytes), memory_(static_cast<unsigned char *>(::operator new(static_cast<size_t>(bytes), alignment))) {
  std::memset(memory_.get(), 0xFF, static_cast<size_t>(bytes));
}

Tensor::Tensor(std::string name, rondo_dtype_t dtype, std::vector<int64_t> shape)
    : name_(std::move(name)), dtype_(dtype), shape_(std::move(shape)), count_(1) {
  for (const int64_t extent : shape_) {
    count_ *= extent;
  }
  buffer_ = AlignedBuffer(bytes());
}

int64_t Tensor::bytes() const { return count_ * static_cast<int64_t>(size_of(dtype_)); }

void Tensor::set(const std::vector<double> &values) {
  if (values.size() != static_cast<size_t>(count_)) {
    throw std::logic_error(name_ + " was given " + std::to_string(values.size()) + " values");
  }
  encode(dtype_, values.data(), values.size(), buffer_.data());
}

std::vector<double> Tensor::values() const {
  std::vector<double> values(static_cast<size_t>(count_));
  decode(dtype_, buffer_.data(), values.size(), values.data());
  return values;
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
