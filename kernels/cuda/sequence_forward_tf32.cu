// The forward sequence kernels of all cells with f32 storage and products of tf32; a file of its own only so
// that it compiles beside the others.
#include "kernels/cuda/persistent_forward.h"

namespace rondo::kernels::cuda {

template cudaError_t launch_forward_sequence_of<Tf32>(const Target &target, const SequenceLayout &layout,
                                                      const ForwardSequence &sequence);
template cudaError_t forward_blocks_at_once<Tf32>(const SequenceLayout &layout, const SequenceProblem &problem,
                                                  int *blocks);

}  // namespace rondo::kernels::cuda
