// A handle belongs to the device that is current when it is made.
#include "backend/cudnn/handles.h"

namespace rondo::cudnn {

Status Handles::find(const cuda::Device &device, std::shared_ptr<Handle> *handle) {
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<Handle> &slot = handles_[device.index];
  if (slot == nullptr) {
    RONDO_TRY(cuda::refuse_capture());
    auto made = std::make_shared<Handle>();
    RONDO_CUDNN(made->library.create());
    slot = std::move(made);
  }
  *handle = slot;
  return {};
}

}  // namespace rondo::cudnn
