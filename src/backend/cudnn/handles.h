// Handle: cuDNN's library handle, on the device that was current when it was made.
#pragma once

#include "backend/cuda/handles.h"
#include "backend/cudnn/descriptors.h"

namespace rondo::cudnn {

struct Handle {
  Library library;
  std::mutex mutex;

  static Status create(int /*device*/, std::shared_ptr<Handle> *handle) {
    auto made = std::make_shared<Handle>();
    RONDO_CUDNN(made->library.create());
    *handle = std::move(made);
    return {};
  }
};

using Handles = cuda::Handles<Handle>;

}  // namespace rondo::cudnn
