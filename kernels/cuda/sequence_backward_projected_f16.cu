// The backward sequence kernels of an LSTM with a projection and f16 storage; a file of its own only so that it
// compiles beside the others.
#include "kernels/cuda/persistent_backward_projected.h"

namespace rondo::kernels::cuda {

template cudaError_t launch_projected_backward_of<F16>(const Target &target, const SequenceLayout &layout,
                                                       const BackwardSequence &sequence);
template cudaError_t projected_backward_blocks<F16>(const SequenceLayout &layout, const SequenceProblem &problem,
                                                    int *blocks);

}  // namespace rondo::kernels::cuda
