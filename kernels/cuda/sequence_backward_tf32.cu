// The backward sequence kernels of all cells with f32 storage and products of tf32; a file of its own only so
// that it compiles beside the others.
#include "kernels/cuda/persistent_backward.h"

namespace rondo::kernels::cuda {

template cudaError_t launch_backward_sequence_of<Tf32>(const Target &target, const SequenceLayout &layout,
                                                       const BackwardSequence &sequence);
template cudaError_t backward_blocks_at_once<Tf32>(const SequenceLayout &layout, const SequenceProblem &problem,
                                                   int *blocks);

}  // namespace rondo::kernels::cuda
