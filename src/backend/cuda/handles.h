// Handles: a library's handles that the plans of one context share, one per device.
// Whoever enqueues locks the handle, because it has one stream at a time.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "backend/cuda/device.h"

namespace rondo::cuda {

// Handle::create(device, &handle) makes one on the current device, whose index is given.
template <class Handle>
class Handles final : public BackendResources {
 public:
  void set_threads(int /*threads*/) override {}
  // The current device's, made at its first plan.
  Status find(const Device &device, std::shared_ptr<Handle> *handle) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<Handle> &here = of_device_[device.index];
    if (here == nullptr) {
      RONDO_TRY(refuse_capture("a stream is being captured, expected the first plan on a device before a capture"));
      RONDO_TRY(Handle::create(device.index, &here));
    }
    *handle = here;
    return {};
  }

 private:
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Handle>> of_device_;
};

}  // namespace rondo::cuda
