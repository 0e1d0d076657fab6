// What both sequence kernels of an LSTM with a projection share: which outputs, rows of W_hr, a block and its threads
// have beside their units, and where the operands of a step's two products lie.
#pragma once

#include "kernels/cuda/cells.h"
#include "kernels/cuda/persistent_exchange.h"
#include "kernels/cuda/persistent_launch.h"
#include "kernels/cuda/persistent_load.h"
#include "kernels/cuda/persistent_rows.h"

namespace rondo::kernels::cuda {

// A warp has the 16 outputs of its number, as it has 16 units; warps beyond the block's outputs have none.
template <class Mine>
struct Outputs {
  uint32_t first;         // of the block
  bool has;               // the warp has some
  bool finishes;          // and numbers of its own
  Numbers<Mine> numbers;  // none exists where the warp has none
};
template <class Mine>
RONDO_DEVICE Outputs<Mine> outputs_of(const Mine &my, const SequencePlace &place, uint32_t rank, uint32_t P,
                                      uint32_t rows) {
  const uint32_t first = rank * place.outputs;
  const bool has = my.warp_unit() < place.outputs && first + my.warp_unit() < P;
  return {first, has, has && my.finishes(), {has ? first + my.first_unit() : P, my.first_row(), P, rows}};
}

// The operand of the product with W_hr (kProjected) or of that with W_hh. One is of all units and goes to the blocks
// that have outputs, the other is of all outputs and goes to those that have units.
template <class S, bool kBackward, bool kProjected>
RONDO_DEVICE TurnPlace turn_place(const SequencePlace &place, uint32_t H, uint32_t P) {
  const SequenceShared &shared = place.shared;
  constexpr bool kOfUnits = kBackward != kProjected;
  const uint32_t told = shared.operand_row - kChunk<S>;
  return {kProjected ? shared.projected : shared.operand[0],
          kProjected ? shared.projected_row : shared.operand_row,
          kOfUnits ? H : P,
          kOfUnits ? place.units : place.outputs,
          kOfUnits ? (P + place.outputs - 1) / place.outputs : (H + place.units - 1) / place.units,
          told + shared.projected_row - kChunk<S>,
          kProjected ? told : 0};
}

// Zeros, that products need no bounds.
template <class S, class OfOperand>
RONDO_DEVICE void clear_operand(const OfOperand &exchange, uint32_t rows) {
  load_rows(exchange.operand(), 0, rows, exchange.row(), {0, exchange.row(), 0}, 0, false,
            [](uint32_t) -> const S * { return nullptr; });
}

template <class Sequence>
SequenceProblem projected_problem(const Sequence &sequence, bool backward) {
  return {sequence.cell,   sequence.storage,    backward, sequence.H,
          sequence.rows.N, sequence.directions, false,    sequence.P};
}

// what(kernel) as with_compiled's; kernel_of(tiles).
template <class S, bool kBackward, class KernelOf, class What>
cudaError_t with_projected(const SequenceLayout &layout, const SequenceProblem &problem, const KernelOf &kernel_of,
                           const What &what) {
  if (problem.cell != kLstm || problem.P <= 0 || problem.P >= problem.H || layout.held != 0) {
    return cudaErrorInvalidValue;
  }
  return with_tiles(layout, [&](auto tiles) {
    using T = decltype(tiles);
    constexpr uint32_t kMost =
        sequence_threads(kProductKind<S>, LstmCell::kGates, kBackward, T::kTiles, T::kParts, 0, true);
    if constexpr (kMost != 0) {
      if (layout.threads <= kMost) {
        return what(kernel_of(tiles));
      }
    }
    return cudaErrorInvalidValue;
  });
}

}  // namespace rondo::kernels::cuda
