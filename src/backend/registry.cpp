// The list of back ends, most preferred first: the only file that names concrete ones.
// The GPU back ends are named, so that asking for one is answered with why it is missing.
#include "backend/registry.h"

#include "backend/cpu/cpu_backend.h"

namespace rondo {
namespace {

class MissingBackend final : public Backend {
 public:
  MissingBackend(rondo_backend_t id, rondo_device_t device, const char *name, const char *why)
      : id_(id), device_(device), name_(name), why_(why) {}
  rondo_backend_t id() const override { return id_; }
  rondo_device_t device() const override { return device_; }
  const char *name() const override { return name_; }
  bool available() const override { return false; }
  const char *detail() const override { return why_; }
  std::string refusal(const Spec & /*spec*/, const Problem & /*problem*/) const override { return why_; }
  Status create(Context & /*context*/, const Spec & /*spec*/, const Problem & /*problem*/,
                std::unique_ptr<Executor> * /*executor*/) const override {
    return fail(RONDO_ERROR_UNSUPPORTED, "%s: %s", name_, why_);
  }

 private:
  rondo_backend_t id_;
  rondo_device_t device_;
  const char *name_;
  const char *why_;
};

}  // namespace

std::span<const Backend *const> backends() {
  static const MissingBackend cudnn(RONDO_BACKEND_CUDNN, RONDO_DEVICE_CUDA, "cudnn",
                                    "this version of rondo has no cuDNN back end");
  static const MissingBackend fused(RONDO_BACKEND_FUSED, RONDO_DEVICE_CUDA, "fused",
                                    "this version of rondo has no CUDA kernels of its own");
  static const Backend *const list[] = {&cudnn, &fused, &cpu_backend()};
  return list;
}

}  // namespace rondo
