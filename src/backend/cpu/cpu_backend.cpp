// The CPU back end's answers: it is always there and serves every valid problem.
#include "backend/cpu/cpu_backend.h"

#include "backend/cpu/executor.h"
#include "kernels/cpu/kernels.h"

namespace rondo {
namespace {

class CpuBackend final : public Backend {
 public:
  rondo_backend_t id() const override { return RONDO_BACKEND_CPU; }
  rondo_device_t device() const override { return RONDO_DEVICE_CPU; }
  const char *name() const override { return "cpu"; }
  bool available() const override { return true; }
  const char *detail() const override { return kernels::kernels<float>().target; }
  std::string refusal(const Spec & /*spec*/, const Problem & /*problem*/) const override { return {}; }

  std::unique_ptr<Executor> create(Context &context, const Spec &spec, const Problem &problem) const override {
    const auto shared =
        context.resources(id(), [](int threads) { return std::make_unique<cpu::CpuResources>(threads); });
    auto resources = std::static_pointer_cast<cpu::CpuResources>(shared);
    if (spec.storage() == RONDO_F64) {
      return std::make_unique<cpu::CpuExecutor<double>>(std::move(resources), spec, problem);
    }
    return std::make_unique<cpu::CpuExecutor<float>>(std::move(resources), spec, problem);
  }
};

}  // namespace

const Backend &cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace rondo
