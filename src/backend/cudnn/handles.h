// Handles: cuDNN's library handles of one context, one per device. Whoever enqueues holds the handle's mutex, because a
// handle has one stream at a time.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "backend/cuda/device.h"
#include "backend/cudnn/descriptors.h"

namespace rondo::cudnn {

struct Handle {
  Library library;
  std::mutex mutex;
};

class Handles final : public BackendResources {
 public:
  void set_threads(int /*threads*/) override {}
  // Of the current device, made at its first plan.
  Status find(const cuda::Device &device, std::shared_ptr<Handle> *handle);

 private:
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Handle>> handles_;
};

}  // namespace rondo::cudnn
