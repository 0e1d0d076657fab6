// Looks a variant up among the proven. The kernels' sources are hashed by the build: a proof of other sources is none.
#include "backend/cuda/proof.h"

#include <initializer_list>
#include <string_view>

#include "backend/cuda/device.h"

#ifndef RONDO_KERNEL_HASH
#define RONDO_KERNEL_HASH ""
#endif

namespace rondo::cuda {
namespace {

struct Proof {
  std::string_view variant;
  int capability;
  std::string_view hash;
};

constexpr std::initializer_list<Proof> proofs = {
#include "backend/cuda/proof_rows.inc"
};
// Kept where no row asks for it too: the bundle reads it off the module.
[[gnu::used]] constexpr char compiled_hash_text[] = RONDO_KERNEL_HASH;
constexpr std::string_view compiled_hash = compiled_hash_text;

std::string on_capability(int capability) { return "on compute capability " + capability_text(capability); }

}  // namespace

std::string kernel_hash() { return std::string(compiled_hash); }

std::string unproven_variant(const char *variant, int capability) {
  const Proof *elsewhere = nullptr;
  const Proof *outdated = nullptr;
  for (const Proof &proof : proofs) {
    if (proof.variant != variant) {
      continue;
    }
    if (compiled_hash.empty() || proof.hash != compiled_hash) {
      outdated = &proof;
    } else if (proof.capability != capability) {
      elsewhere = &proof;
    } else {
      return "";
    }
  }
  const std::string kernels = std::string(variant) + " kernels";
  if (elsewhere != nullptr) {
    return "GPU tests prove " + kernels + " " + on_capability(elsewhere->capability) + " only, not " +
           on_capability(capability);
  }
  if (outdated != nullptr) {
    return "GPU tests proved " + kernels + " of other sources, " + on_capability(outdated->capability);
  }
  return "no result file of GPU tests proves " + kernels + " " + on_capability(capability);
}

}  // namespace rondo::cuda
