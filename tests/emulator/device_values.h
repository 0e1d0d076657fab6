// Values in device memory for the tests of the host layer. Reading them waits for the stream, as a user would.
#pragma once

#include <string>
#include <vector>

#include "backend/cuda/device.h"
#include "support/catch.h"

namespace rondo_test {

template <class T>
class DeviceValues {
 public:
  explicit DeviceValues(const std::vector<T> &values) : count_(values.size()) {
    void *memory = nullptr;
    REQUIRE(calls().alloc(bytes(), &memory).ok());
    memory_ = static_cast<T *>(memory);
    write(values);
  }
  ~DeviceValues() { CHECK(calls().free(memory_).ok()); }
  DeviceValues(const DeviceValues &) = delete;
  DeviceValues &operator=(const DeviceValues &) = delete;

  T *data() const { return memory_; }
  void write(const std::vector<T> &values) {
    REQUIRE(calls().copy(memory_, values.data(), bytes(), nullptr).ok());
    REQUIRE(calls().stream_synchronize(nullptr).ok());
  }
  std::vector<T> values() const { return read(memory_, count_); }

  static std::vector<T> read(const T *from, size_t count) {
    std::vector<T> to(count);
    REQUIRE(calls().copy(to.data(), from, static_cast<int64_t>(count * sizeof(T)), nullptr).ok());
    REQUIRE(calls().stream_synchronize(nullptr).ok());
    return to;
  }

 private:
  static const rondo::DeviceCalls &calls() { return rondo::cuda::device_calls(); }
  int64_t bytes() const { return static_cast<int64_t>(count_ * sizeof(T)); }

  size_t count_;
  T *memory_ = nullptr;
};

// Whether a call failed so, with the text somewhere in what it said.
inline bool failed(rondo::Status status, rondo_status_t code, const std::string &text) {
  CAPTURE(status.code(), rondo::last_error());
  CHECK(status.code() == code);
  CHECK(std::string(rondo::last_error()).find(text) != std::string::npos);
  return status.code() == code && std::string(rondo::last_error()).find(text) != std::string::npos;
}

}  // namespace rondo_test
