// From a layout to a launch: what the kernels are compiled for is chosen here, and a layout that none of them serves is
// cudaErrorInvalidValue. Nothing is assumed of alignment: kernels hear what may be read and written by chunks.
#pragma once

#include "kernels/cuda/persistent_engine.h"
#include "kernels/cuda/persistent_limits.h"
#include "kernels/cuda/sequence.h"
#include "kernels/cuda/steps.h"

namespace rondo::kernels::cuda {

// S is the storage type that the sequence names.
template <class S>
cudaError_t launch_forward_sequence_of(const Target &target, const SequenceLayout &layout,
                                       const ForwardSequence &sequence);
template <class S>
cudaError_t launch_backward_sequence_of(const Target &target, const SequenceLayout &layout,
                                        const BackwardSequence &sequence);
// The same of an LSTM with a projection, of the 16-bit types.
template <class S>
cudaError_t launch_projected_forward_of(const Target &target, const SequenceLayout &layout,
                                        const ForwardSequence &sequence);
template <class S>
cudaError_t launch_projected_backward_of(const Target &target, const SequenceLayout &layout,
                                         const BackwardSequence &sequence);
template <class S>
cudaError_t projected_forward_blocks(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks);
template <class S>
cudaError_t projected_backward_blocks(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks);
template <class S>
cudaError_t forward_blocks_at_once(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks);
template <class S>
cudaError_t backward_blocks_at_once(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks);

// A kernel's compile-time numbers.
template <int kRowTiles, int kPartsOfK, int kHeldSteps = 0>
struct Tiles {
  static constexpr int kTiles = kRowTiles;
  static constexpr int kParts = kPartsOfK;
  static constexpr int kHeld = kHeldSteps;
};

template <int kRowTiles, class What>
cudaError_t with_parts(uint32_t k_parts, What &&what) {
  switch (k_parts) {
    case 1:
      return what(Tiles<kRowTiles, 1>{});
    case 2:
      return what(Tiles<kRowTiles, 2>{});
    case 4:
      return what(Tiles<kRowTiles, 4>{});
    case 8:
      return what(Tiles<kRowTiles, 8>{});
    default:
      return cudaErrorInvalidValue;
  }
}

// With as many steps of K in registers as the layout says.
template <class S, bool kBackward, int kGates, int kTiles, int kParts, class What>
cudaError_t with_held(const SequenceLayout &layout, Tiles<kTiles, kParts> /*tiles*/, What &&what) {
  constexpr uint32_t kHeld = sequence_held(kProductKind<S>, kGates, kBackward, kTiles, kParts);
  if constexpr (kHeld != 0) {
    if (layout.held == kHeld) {
      return what(Tiles<kTiles, kParts, kHeld>{});
    }
  }
  return layout.held == 0 ? what(Tiles<kTiles, kParts>{}) : cudaErrorInvalidValue;
}

template <class What>
cudaError_t with_tiles(const SequenceLayout &layout, What &&what) {
  switch (layout.rows) {
    case 8:
      return with_parts<1>(layout.k_parts, what);
    case 16:
      return with_parts<2>(layout.k_parts, what);
    case 24:
      return with_parts<3>(layout.k_parts, what);
    case 32:
      return with_parts<4>(layout.k_parts, what);
    default:
      return cudaErrorInvalidValue;
  }
}

// So that a row's number takes 32 bits, and all of a slice's do.
inline constexpr int64_t kMostRows = (int64_t{1} << 31) - 64;

// Whether the layout holds the whole problem as the kernels take it.
inline bool holds(const SequenceLayout &layout, int64_t H, int64_t N) {
  return layout.blocks >= 1 && (layout.blocks == 1) == (layout.tier == Tier::single) && layout.units >= kTileUnits &&
         layout.units % kTileUnits == 0 && int64_t{layout.blocks} * layout.units >= H && N <= kMostRows &&
         int64_t{layout.groups} * layout.rows >= N && int64_t{layout.groups - 1} * layout.rows < N &&
         layout.threads == layout.units / kTileUnits * layout.k_parts * 32;
}

inline SequencePlace place_of(const SequenceLayout &layout, const SequenceProblem &problem) {
  SequencePlace place{};
  place.shared = sequence_shared(problem, layout.tier, layout.units, layout.rows, layout.k_parts, layout.held);
  place.blocks = layout.blocks;
  place.units = layout.units;
  place.rows = layout.rows;
  place.tier = layout.tier;
  place.outputs = sequence_outputs(problem, layout.units);
  return place;
}

inline Shape shape_of(const SequenceLayout &layout, const SequencePlace &place, int directions) {
  return {{layout.blocks * layout.groups, 1, static_cast<uint32_t>(directions)},
          layout.threads,
          layout.tier == Tier::cluster ? layout.blocks : 1,
          place.shared.bytes,
          layout.tier == Tier::grid};
}

template <class Sequence>
cudaError_t launch_sequence(const Target &target, const SequenceLayout &layout, const Sequence &sequence,
                            const SequencePlace &place, void (*kernel)(Sequence, SequencePlace)) {
  const Shape shape = shape_of(layout, place, sequence.directions);
  cudaError_t error = allow_shared(shape, kernel);
  if (error == cudaSuccess && layout.tier == Tier::grid) {
    error = sequence.memory.numbers == nullptr || sequence.memory.flags == nullptr
                ? cudaErrorInvalidValue
                : clear(target, sequence.memory.flags, int64_t{layout.groups} * sequence.directions * kFlagBytes);
  }
  return error != cudaSuccess ? error : launch(target, true, shape, kernel, sequence, place);
}

// what(kernel), the one that a layout is launched with. kernel_of(cell, tiles) is that of a Type of cell and of Tiles;
// it is asked only for what there is.
template <class S, bool kBackward, class KernelOf, class What>
cudaError_t with_compiled(int64_t cell_row, const SequenceLayout &layout, const KernelOf &kernel_of, const What &what) {
  return with_cell(cell_row, [&](auto cell) {
    using Cell = typename decltype(cell)::type;
    return with_tiles(layout, [&](auto unheld) {
      return with_held<S, kBackward, Cell::kGates>(layout, unheld, [&](auto tiles) {
        using T = decltype(tiles);
        constexpr uint32_t kMost =
            sequence_threads(kProductKind<S>, Cell::kGates, kBackward, T::kTiles, T::kParts, T::kHeld);
        if constexpr (kMost != 0) {
          if (layout.threads <= kMost) {
            return what(kernel_of(cell, tiles));
          }
        }
        return cudaErrorInvalidValue;
      });
    });
  });
}

}  // namespace rondo::kernels::cuda
