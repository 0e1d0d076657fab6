// From variants to choices. The cache forgets what was measured with kernels of other sources, or compiled for another
// architecture.
#include "backend/fused/autotune.h"

namespace rondo::fused {

Status autotune(const cuda::Workplace &place, const std::shared_ptr<Handle> &handle, Variants *variants) {
  std::vector<cuda::Choice> choices;
  for (const kernels::cuda::TierRow *tier : variants->choices()) {
    choices.push_back({Variants::name_of(tier), [&, tier](std::unique_ptr<Executor> *executor) {
                         Variants one = *variants;
                         one.take(tier);
                         return FusedExecutor::create(handle, place.spec, place.problem, place.device, one, executor);
                       }});
  }
  cuda::Tuned tuned;
  RONDO_TRY(cuda::tune(
      place,
      "fused " + cuda::kernel_hash() + " for sm_" + std::to_string(place.device.code) + ", cublas " + cublas_version(),
      choices, &tuned));
  return variants->take_fastest(std::move(tuned));
}

}  // namespace rondo::fused
