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
    if (best != nullptr && !kernels::limit_instruction_set(best)) {
      fault_ = "the environment's RONDO_MAX_ISA is \"" + std::string(best).substr(0, 32) +
               "\", expected an instruction set's name: AVX3, AVX2, SSE4, SCALAR or NEON";
    }
  }

  rondo_backend_t id() const override { return RONDO_BACKEND_CPU; }
  rondo_device_t device() const override { return RONDO_DEVICE_CPU; }
  const char *name() const override { return "cpu"; }
  bool available() const override { return fault_.empty(); }
  const char *detail() const override { return fault_.empty() ? kernels::kernels<float>().target : fault_.c_str(); }
  std::string refusal(const Spec &spec, const Problem &problem) const override {
    if (problem.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS) {
      return "its lengths lie in host memory, and the plan's sequence is device lengths";
    }
    if (spec.persistent == RONDO_PERSISTENT_REQUIRE) {
      return "it has no persistent kernels, which the attribute persistent requires";
    }
    return {};
  }
  // Every test of this tree runs on a CPU.
  std::string unproven(const Spec & /*spec*/, const Problem & /*problem*/) const override { return {}; }

  Status create(Context &context, const Spec &spec, const Problem &problem,
                std::unique_ptr<Executor> *executor) const override {
    const auto shared =
        context.resources(id(), [](int threads) { return std::make_unique<cpu::CpuResources>(threads); });
    auto resources = std::static_pointer_cast<cpu::CpuResources>(shared);
    if (spec.storage() == RONDO_F64) {
      return cpu::CpuExecutor<double>::create(std::move(resources), spec, problem, executor);
    }
    return cpu::CpuExecutor<float>::create(std::move(resources), spec, problem, executor);
  }

 private:
  std::string fault_;  // why it cannot serve
};

}  // namespace

const Backend &cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace rondo
