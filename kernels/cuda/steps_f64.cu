// The step kernels of all cells with f64 storage; a file of its own only so that it compiles beside the others.
#include "kernels/cuda/backward_step.h"
#include "kernels/cuda/forward_step.h"

namespace rondo::kernels::cuda {

template cudaError_t launch_forward_step_of<double>(const Target &target, const ForwardStep &step);
template cudaError_t launch_backward_step_of<double>(const Target &target, const BackwardStep &step);

}  // namespace rondo::kernels::cuda
