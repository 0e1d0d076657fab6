// What hardware has proven: rows made from the result files of tests/gpu_results, each a variant, a compute capability
// and a hash of the sources it was proven with.
#pragma once

#include <string>

namespace rondo::cuda {

// Why the variant ("fused stepwise", "cudnn") counts as not proven on a capability (as 90), empty where it is proven.
std::string unproven_variant(const char *variant, int capability);
// Of the sources that this is built from; "" where the build has not hashed them.
std::string kernel_hash();

}  // namespace rondo::cuda
