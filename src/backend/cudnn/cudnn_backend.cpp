// The cuDNN back end's answers. What cuDNN cannot do at all is refused with its reason; what it merely refuses to be
// given (rows of length 0, long sequences, padding full of NaNs) is rearranged in run.cpp.
#include "backend/cudnn/cudnn_backend.h"

#include <limits>

#include "backend/cuda/call_rows.h"
#include "backend/cuda/proof.h"
#include "backend/cudnn/autotune.h"
#include "backend/cudnn/executor.h"

namespace rondo::cudnn {
namespace {

constexpr size_t oldest_version = 90000;
constexpr int64_t int_limit = std::numeric_limits<int32_t>::max();

// Why the library found cannot be used, empty where it can.
std::string find_fault() {
  if (!cuda::device_fault().empty()) {
    return cuda::device_fault();
  }
  return cudnnGetVersion() >= oldest_version ? std::string()
                                             : "cuDNN is " + cudnn_version_text() + ", expected 9.0 or newer";
}

std::string fixed_refusal(const Spec &spec, const Problem &problem) {
  const bool is_16_bit = dtype_size(spec.storage()) == 2;
  if (problem.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS) {
    return "cuDNN takes lengths from host memory only, and the plan's lengths are in device memory";
  }
  if (is_16_bit && spec.has_cell_state() && spec.cell_state_type == RONDO_AS_F32) {
    return "cuDNN keeps c0 and cn in the storage type, and cell_state_type asks for f32";
  }
  if (is_16_bit && problem.training && spec.param_grad_type == RONDO_AS_F32) {
    return "cuDNN gives parameter gradients in the storage type, and param_grad_type asks for f32";
  }
  return "";
}

// cuDNN counts sizes and strides of its descriptors in int.
std::string size_refusal(const Spec &spec, const Problem &problem) {
  const auto refuse = [](const char *name, Checked size) {
    return size.overflowed() || size.value() > int_limit
               ? std::string(name) + " is " + (size.overflowed() ? "beyond int64" : std::to_string(size.value())) +
                     ", and cuDNN counts to 2^31 - 1"
               : std::string();
  };
  const Checked H = spec.hidden_size;
  for (const auto &[name, size] : {std::pair<const char *, Checked>{"input_size", spec.input_size},
                                   {"the gates' width", H * spec.gates()},
                                   {"num_layers", Checked(spec.num_layers) * spec.directions()},
                                   {"the output's width", Checked(spec.output()) * spec.directions()},
                                   {"max_N * hidden_size", H * problem.max_N}}) {
    if (std::string why = refuse(name, size); !why.empty()) {
      return why;
    }
  }
  const bool reverses = division_of(spec, problem) == Division::directions && spec.bidirectional != 0;
  return reverses ? refuse("max_S of a long bidirectional problem", problem.max_S) : std::string();
}

class CudnnBackend final : public Backend {
 public:
  CudnnBackend() : fault_(find_fault()) {
    text_ = fault_.empty() ? cuda::devices_text() + ", cuDNN " + cudnn_version_text() : fault_;
  }
  rondo_backend_t id() const override { return RONDO_BACKEND_CUDNN; }
  rondo_device_t device() const override { return RONDO_DEVICE_CUDA; }
  const char *name() const override { return "cudnn"; }
  bool available() const override { return fault_.empty(); }
  const char *detail() const override { return text_.c_str(); }
  std::string refusal(const Spec &spec, const Problem &problem) const override;
  std::string unproven(const Spec &spec, const Problem &problem) const override;
  Status create(Context &context, const Spec &spec, const Problem &problem,
                std::unique_ptr<Executor> *executor) const override;

 private:
  std::string fault_, text_;
};

std::string CudnnBackend::refusal(const Spec &spec, const Problem &problem) const {
  for (const std::string &why : {cuda::unsupported_device(), fixed_refusal(spec, problem), cuda::too_large(problem),
                                 size_refusal(spec, problem)}) {
    if (!why.empty()) {
      return why;
    }
  }
  cuda::Device device{};
  if (!cuda::current_device(&device).ok()) {
    return "the current device cannot be asked";
  }
  const AlgorithmFacts facts = algorithm_facts(spec, problem, device);
  const Candidates candidates = find_candidates(facts);
  std::string reasons;
  for (const Candidate &candidate : candidates.list) {
    const std::string why =
        Network::refusal(spec, problem, candidate.algorithm, {spec.input_size, facts.layers, facts.directions});
    if (why.empty()) {
      return "";
    }
    reasons += std::string("not ") + algorithm_name(candidate.algorithm) + ": " + why + "\n";
  }
  return "no algorithm of cuDNN serves it:\n" + reasons + candidates.refusals;
}

std::string CudnnBackend::unproven(const Spec & /*spec*/, const Problem & /*problem*/) const {
  cuda::Device device{};
  if (!cuda::current_device(&device).ok()) {
    return "the current device cannot be asked";
  }
  return cuda::unproven_variant(name(), device.capability());
}

// Lines for those that may run too.
std::string passed_over(const Candidates &candidates, const Candidate &chosen) {
  std::string lines;
  for (const Candidate &candidate : candidates.list) {
    if (&candidate > &chosen) {
      lines += std::string("not ") + algorithm_name(candidate.algorithm) + ": it may run, but another is preferred\n";
    }
  }
  return lines;
}

// The first candidate that cuDNN accepts; what it refuses beforehand is told beside it.
Status CudnnBackend::create(Context &context, const Spec &spec, const Problem &problem,
                            std::unique_ptr<Executor> *executor) const {
  const cuda::BesideCapture beside;
  cuda::Device device{};
  RONDO_TRY(cuda::current_device(&device));
  const auto shared = context.resources(id(), [](int /*threads*/) { return std::make_unique<Handles>(); });
  std::shared_ptr<Handle> handle;
  RONDO_TRY(std::static_pointer_cast<Handles>(shared)->find(device, &handle));
  Candidates candidates = find_candidates(algorithm_facts(spec, problem, device));
  cuda::Tuned tuned;
  if (spec.autotune != 0) {
    RONDO_TRY(autotune({context, spec, problem, device}, handle, &candidates, &tuned));
  }
  for (const Candidate &candidate : candidates.list) {
    std::unique_ptr<CudnnExecutor> made;
    const Status status = CudnnExecutor::create(handle, spec, problem, device, candidate.algorithm, &made);
    if (status.ok()) {
      made->set_choice(std::string("cudnn: algorithm ") + algorithm_name(candidate.algorithm) + ", " + candidate.why +
                           "\n" + tuned.note + passed_over(candidates, candidate) + candidates.refusals,
                       tuned.measured());
      *executor = std::move(made);
      return {};
    }
    if (status.code() != RONDO_ERROR_UNSUPPORTED) {
      return status;
    }
    candidates.refusals += std::string("not ") + algorithm_name(candidate.algorithm) + ": " + last_error() + "\n";
  }
  return fail(RONDO_ERROR_UNSUPPORTED, "no algorithm of cuDNN serves it:\n%s", candidates.refusals.c_str());
}

}  // namespace

const Backend &cudnn_backend() {
  static const CudnnBackend backend;
  return backend;
}

}  // namespace rondo::cudnn
