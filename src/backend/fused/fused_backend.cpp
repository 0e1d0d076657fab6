// The fused back end's answers: it serves every valid problem whose sizes cuBLAS can count, unless persistent kernels
// are required.
#include "backend/fused/fused_backend.h"

#include "backend/cuda/call_rows.h"
#include "backend/cuda/error.h"
#include "backend/fused/autotune.h"

namespace rondo::fused {
namespace {

// With what is known of our kernels as they are loaded on it.
Status device_and_code(cuda::Device *device) {
  const cuda::BesideCapture beside;
  RONDO_TRY(cuda::current_device(device));
  RONDO_CUDA(kernels::cuda::code_architecture(&device->code));
  device->overlaps = device->code >= kernels::cuda::kOverlappingCode;
  return {};
}

class FusedBackend final : public Backend {
 public:
  rondo_backend_t id() const override { return RONDO_BACKEND_FUSED; }
  rondo_device_t device() const override { return RONDO_DEVICE_CUDA; }
  const char *name() const override { return "fused"; }
  bool available() const override { return cuda::device_fault().empty(); }
  const char *detail() const override;
  std::string refusal(const Spec &spec, const Problem &problem) const override;
  std::string unproven(const Spec &spec, const Problem &problem) const override;
  Status create(Context &context, const Spec &spec, const Problem &problem,
                std::unique_ptr<Executor> *executor) const override;
};

const char *FusedBackend::detail() const {
  if (!available()) {
    return cuda::device_fault().c_str();
  }
  // Never destroyed, as a plan may be asked after the end of main.
  static const std::string &text = *new std::string(cuda::devices_text() + ", cuBLAS " + cublas_version());
  return text.c_str();
}

std::string FusedBackend::refusal(const Spec &spec, const Problem &problem) const {
  if (std::string why = cuda::unsupported_device(); !why.empty()) {
    return why;
  }
  cuda::Device device{};
  if (!device_and_code(&device).ok()) {
    return "the current device cannot be asked";
  }
  if (std::string why = Variants(spec, problem, device).refusal(); !why.empty()) {
    return why;
  }
  if (std::string why = cuda::too_large(problem); !why.empty()) {
    return why;
  }
  return product_refusal(spec, problem);
}

std::string FusedBackend::unproven(const Spec &spec, const Problem &problem) const {
  cuda::Device device{};
  if (!device_and_code(&device).ok()) {
    return "the current device cannot be asked";
  }
  return Variants(spec, problem, device).unproven();
}

Status FusedBackend::create(Context &context, const Spec &spec, const Problem &problem,
                            std::unique_ptr<Executor> *executor) const {
  const cuda::BesideCapture beside;
  cuda::Device device{};
  RONDO_TRY(device_and_code(&device));
  const auto shared = context.resources(id(), [](int /*threads*/) { return std::make_unique<Handles>(); });
  std::shared_ptr<Handle> handle;
  RONDO_TRY(std::static_pointer_cast<Handles>(shared)->find(device, &handle));
  Variants variants(spec, problem, device);
  if (spec.autotune != 0) {
    RONDO_TRY(autotune({context, spec, problem, device}, handle, &variants));
  }
  return FusedExecutor::create(std::move(handle), spec, problem, device, variants, executor);
}

}  // namespace

const Backend &fused_backend() {
  static const FusedBackend backend;
  return backend;
}

}  // namespace rondo::fused
