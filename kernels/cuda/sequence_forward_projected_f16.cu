// The forward sequence kernels of an LSTM with a projection and f16 storage; a file of its own only so that it compiles
// beside the others.
#include "kernels/cuda/persistent_forward_projected.h"

namespace rondo::kernels::cuda {

template cudaError_t launch_projected_forward_of<F16>(const Target &target, const SequenceLayout &layout,
                                                      const ForwardSequence &sequence);
template cudaError_t projected_forward_blocks<F16>(const SequenceLayout &layout, const SequenceProblem &problem,
                                                   int *blocks);

}  // namespace rondo::kernels::cuda
