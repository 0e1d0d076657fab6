// The CPU back end's answers: it serves every valid problem on every machine.
// RONDO_MAX_ISA keeps it from instruction sets above the named one, to reproduce another machine's numbers or faults.
#include "backend/cpu/cpu_backend.h"

#include "backend/cpu/executor.h"
#include "core/environment.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/kernels.h"

namespace rondo {
namespace {

class CpuBackend final : public Backend {
 public:
  CpuBackend() {
    const char *best = environment("RONDO_MAX_ISA");
    limit_is_known_ = best == nullptr || kernels::limit_instruction_set(best);
  }

  rondo_backend_t id() const override { return RONDO_BACKEND_CPU; }
  rondo_device_t device() const override { return RONDO_DEVICE_CPU; }
  const char *name() const override { return "cpu"; }
  bool available() const override { return limit_is_known_; }
  const char *detail() const override {
    return limit_is_known_ ? kernels::kernels<float>().target
                           : "the environment's RONDO_MAX_ISA is not the name of an instruction set, such as AVX3, "
                             "AVX2, SSE4, SCALAR or NEON";
  }
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

 private:
  bool limit_is_known_;
};

}  // namespace

const Backend &cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace rondo
