// The launchers of sequence.h: the choice by storage type, and what no kernel takes.
#include "kernels/cuda/persistent_launch.h"

namespace rondo::kernels::cuda {
namespace {

// S is f16 or bf16.
template <class What>
cudaError_t with_narrow_storage(Storage storage, What &&what) {
  switch (storage) {
    case Storage::f16:
      return what(Type<F16>{});
    case Storage::bf16:
      return what(Type<Bf16>{});
    default:
      return cudaErrorInvalidValue;
  }
}

// S is f32, tf32 where its products are to be, f16 or bf16.
template <class What>
cudaError_t with_served_storage(Storage storage, bool tf32, What &&what) {
  if (storage == Storage::f32) {
    return tf32 ? what(Type<Tf32>{}) : what(Type<float>{});
  }
  return with_narrow_storage(storage, what);
}

}  // namespace

cudaError_t sequence_blocks_at_once(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks) {
  if (!holds(layout, problem.H, problem.N)) {
    return cudaErrorInvalidValue;
  }
  if (problem.P != 0) {
    return with_narrow_storage(problem.storage, [&](auto storage) {
      using S = typename decltype(storage)::type;
      return problem.backward ? projected_backward_blocks<S>(layout, problem, blocks)
                              : projected_forward_blocks<S>(layout, problem, blocks);
    });
  }
  return with_served_storage(problem.storage, problem.tf32, [&](auto storage) {
    using S = typename decltype(storage)::type;
    return problem.backward ? backward_blocks_at_once<S>(layout, problem, blocks)
                            : forward_blocks_at_once<S>(layout, problem, blocks);
  });
}

cudaError_t launch_forward_sequence(const Target &target, const SequenceLayout &layout,
                                    const ForwardSequence &sequence) {
  if (!holds(layout, sequence.H, sequence.rows.N)) {
    return cudaErrorInvalidValue;
  }
  if (sequence.first >= sequence.last) {
    return cudaSuccess;
  }
  if (sequence.P != 0) {
    return with_narrow_storage(sequence.storage, [&](auto storage) {
      return launch_projected_forward_of<typename decltype(storage)::type>(target, layout, sequence);
    });
  }
  return with_served_storage(sequence.storage, sequence.tf32, [&](auto storage) {
    return launch_forward_sequence_of<typename decltype(storage)::type>(target, layout, sequence);
  });
}

cudaError_t launch_backward_sequence(const Target &target, const SequenceLayout &layout,
                                     const BackwardSequence &sequence) {
  if (!holds(layout, sequence.H, sequence.rows.N)) {
    return cudaErrorInvalidValue;
  }
  if (sequence.rows.T <= 0) {
    return cudaSuccess;
  }
  if (sequence.P != 0) {
    return with_narrow_storage(sequence.storage, [&](auto storage) {
      return launch_projected_backward_of<typename decltype(storage)::type>(target, layout, sequence);
    });
  }
  return with_served_storage(sequence.storage, sequence.tf32, [&](auto storage) {
    return launch_backward_sequence_of<typename decltype(storage)::type>(target, layout, sequence);
  });
}

}  // namespace rondo::kernels::cuda
