// The forward sequence kernels of an LSTM with a projection and bf16 storage; a file of its own only so that it
// compiles beside the others.
#include "kernels/cuda/persistent_forward_projected.h"

namespace rondo::kernels::cuda {

template cudaError_t launch_projected_forward_of<Bf16>(const Target &target, const SequenceLayout &layout,
                                                       const ForwardSequence &sequence);
template cudaError_t projected_forward_blocks<Bf16>(const SequenceLayout &layout, const SequenceProblem &problem,
                                                    int *blocks);

}  // namespace rondo::kernels::cuda
