// The product of the sequence kernels: W_hh, which stays in shared memory, times the operand of a step, and how the
// threads own what comes of it. All threads of a warp go through it together.
#pragma once

#include "kernels/cuda/primitives.h"
#include "kernels/cuda/storage.h"
#include "kernels/cuda/tiers.h"

namespace rondo::kernels::cuda {

inline constexpr uint32_t kTileUnits = 16;
inline constexpr uint32_t kTileRows = 8;
inline constexpr uint32_t kTileDepth = 16;
// Elements of storage that move at once: 16 bytes.
inline constexpr uint32_t kChunk = 8;

RONDO_DEVICE uint32_t chunks_of(uint32_t elements) { return (elements + kChunk - 1) / kChunk; }

// How the blocks of a launch lie: what of a SequenceLayout the kernels read.
struct SequencePlace {
  SequenceShared shared;
  uint32_t blocks, units, rows;
  bool in_cluster;
  bool wide;  // rows of W_hh and of the initial state may be read by chunks
  bool wide_history;
};

// A warp multiplies 16 units of its block, in one of kParts parts of K, with kTiles * 8 rows. Sum j of a thread, of
// four for each tile, is that of
//   unit lane / 4 of the 16, and 8 more where j / 2 is odd,   row 2 * (lane % 4) + j % 2 of the tile.
// All parts have all sums; each finishes kPer of every tile's four: their cells and states lie in its registers.
template <int kRowTiles, int kPartsOfK>
class Fragment {
 public:
  static constexpr int kTiles = kRowTiles;
  static constexpr int kParts = kPartsOfK;
  static constexpr int kPer = 4 / kParts;
  static constexpr int kOwn = kTiles * kPer;
  static constexpr int kHalves = kParts == 1 ? 2 : 1;  // units of a thread

  RONDO_DEVICE explicit Fragment(uint32_t units) : warps_(units / kTileUnits) {
    part_ = kParts == 1 ? 0 : warp() / warps_;
    warp_ = warp() - part_ * warps_;
  }
  RONDO_DEVICE uint32_t warps() const { return warps_; }  // of a part
  RONDO_DEVICE uint32_t warp_of_part() const { return warp_; }
  RONDO_DEVICE uint32_t part() const { return part_; }
  RONDO_DEVICE uint32_t warp_unit() const { return warp_ * kTileUnits; }

  // Number e of the thread's own: from the first one's unit and row, steps that the compiler knows.
  RONDO_DEVICE uint32_t first_unit() const { return warp_unit() + sum_of(part_, 0) / 2 * 8 + lane() / 4; }
  RONDO_DEVICE uint32_t first_row() const { return lane() % 4 * 2 + sum_of(part_, 0) % 2; }
  static RONDO_DEVICE constexpr uint32_t half(int e) { return kHalves == 1 ? 0 : static_cast<uint32_t>(e) / 2 % 2; }
  static RONDO_DEVICE constexpr uint32_t unit_step(int e) { return half(e) * 8; }
  static RONDO_DEVICE constexpr uint32_t row_step(int e) {
    return static_cast<uint32_t>(e) / kPer * kTileRows + (kPer == 1 ? 0 : static_cast<uint32_t>(e) % 2);
  }
  // Which of a tile's four it is.
  static RONDO_DEVICE uint32_t sum_of(uint32_t part, uint32_t e) { return part * kPer + e % kPer; }

 private:
  uint32_t warps_, warp_, part_;
};

// kSteps of 16 along K. a and b: where this lane's rows begin.
template <int kSteps, class S, int kGates, int kTiles>
RONDO_DEVICE void multiply_steps(const SharedSpan<S> &weight, uint32_t a, uint32_t gate, const SharedSpan<S> &operand,
                                 uint32_t two, uint32_t one, uint32_t row, float (&sums)[kGates][kTiles][4]) {
  uint32_t b[kSteps][kTiles][2];
  RONDO_UNROLL
  for (uint32_t s = 0; s < kSteps; ++s) {
    RONDO_UNROLL
    for (uint32_t i = 0; i + 1 < kTiles; i += 2) {
      load_matrices(operand, two + i * kTileRows * row + s * kTileDepth, b[s][i], b[s][i + 1]);
    }
  }
  // The last of an odd number of tiles.
  if constexpr (kTiles % 2 != 0 && kSteps % 2 == 0) {
    RONDO_UNROLL
    for (uint32_t s = 0; s < kSteps; s += 2) {
      load_matrices(operand, one + s * kTileDepth, b[s][kTiles - 1], b[s + 1][kTiles - 1]);
    }
  } else if constexpr (kTiles % 2 != 0) {
    RONDO_UNROLL
    for (uint32_t s = 0; s < kSteps; ++s) {
      load_matrices(operand, one + s * kTileDepth, b[s][kTiles - 1]);
    }
  }
  RONDO_UNROLL
  for (uint32_t s = 0; s < kSteps; ++s) {
    RONDO_UNROLL
    for (uint32_t g = 0; g < kGates; ++g) {
      uint32_t stationary[4];
      load_matrices(weight, a + g * gate + s * kTileDepth, stationary);
      RONDO_UNROLL
      for (uint32_t i = 0; i < kTiles; ++i) {
        multiply_add<S>(sums[g][i], stationary, b[s][i]);
      }
    }
  }
}

// Where a lane begins to read for its warp's products, and how many steps of K are its part's; the same for all steps
// of a sequence, so that little is left to do between a barrier and the first product.
struct ProductPlace {
  uint32_t weight, two, one;  // rows of the weight, of pairs of tiles, of an odd last tile
  uint32_t steps;
};
template <int kGates, class Mine>
RONDO_DEVICE ProductPlace product_place(const Mine &my, uint32_t row, uint32_t depth) {
  const uint32_t steps = (depth + kTileDepth - 1) / kTileDepth;
  const uint32_t first = steps * my.part() / Mine::kParts;
  const uint32_t last = steps * (my.part() + 1) / Mine::kParts;
  return {my.warp_of_part() * kGates * kTileUnits * row + place_16x16(row) + first * kTileDepth,
          place_two_8x16(row) + first * kTileDepth,
          (Mine::kTiles - 1) * kTileRows * row + place_8x32(row) + first * kTileDepth, last - first};
}

// Adds this part's share of the product to the sums. weight: the block's, 16 rows of each gate for the first 16 units,
// then for the next. buffer: where in `operand` its first row begins.
template <class S, int kGates, class Mine>
RONDO_DEVICE void multiply(const Mine & /*my*/, const ProductPlace &place, const SharedSpan<S> &weight,
                           const SharedSpan<S> &operand, uint32_t buffer, uint32_t row,
                           float (&sums)[kGates][Mine::kTiles][4]) {
  // More steps at once would need more registers than a thread has.
  constexpr uint32_t kSteps = Mine::kTiles == 1 ? 4 : Mine::kTiles * Mine::kParts == 2 ? 2 : 1;
  const uint32_t gate = kTileUnits * row;
  uint32_t a = place.weight;
  uint32_t two = buffer + place.two;
  uint32_t one = buffer + place.one;
  uint32_t left = place.steps;
  for (; left >= kSteps; left -= kSteps) {
    multiply_steps<kSteps>(weight, a, gate, operand, two, one, row, sums);
    a += kSteps * kTileDepth;
    two += kSteps * kTileDepth;
    one += kSteps * kTileDepth;
  }
  if constexpr (kSteps > 1) {
    for (; left != 0; --left) {
      multiply_steps<1>(weight, a, gate, operand, two, one, row, sums);
      a += kTileDepth;
      two += kTileDepth;
      one += kTileDepth;
    }
  }
}

// The parts' sums meet in `partial`: each part gets the whole of its own. All threads of the block; has_units: whether
// the warp has sums at all. Before the next meeting all must have come through another barrier.
template <int kGates, class Mine>
RONDO_DEVICE void meet(const Mine &my, const SharedSpan<float> &partial, bool has_units,
                       const float (&sums)[kGates][Mine::kTiles][4], float (&own)[kGates][Mine::kOwn]) {
  constexpr uint32_t kParts = Mine::kParts;
  constexpr uint32_t kPer = Mine::kPer;
  // Where a part's sums of one gate and tile lie, of the slot-th other part that adds to them.
  const auto place = [&](uint32_t slot, uint32_t owner, uint32_t g, uint32_t tile) {
    const uint32_t numbers = (slot * my.warps() + my.warp_of_part()) * kGates + g;
    return ((numbers * Mine::kTiles + tile) * kParts + owner) * (32 * kPer) + lane() * kPer;
  };
  RONDO_UNROLL
  for (uint32_t owner = 0; owner < kParts; ++owner) {
    const bool is_own = owner == my.part();
    const uint32_t slot = my.part() < owner ? my.part() : my.part() - 1;
    RONDO_UNROLL
    for (uint32_t g = 0; g < kGates; ++g) {
      RONDO_UNROLL
      for (uint32_t tile = 0; tile < Mine::kTiles; ++tile) {
        Wide<float, kPer> wide;
        RONDO_UNROLL
        for (uint32_t k = 0; k < kPer; ++k) {
          wide.item[k] = sums[g][tile][owner * kPer + k];
          if (owner == 0 || is_own) {
            own[g][tile * kPer + k] = wide.item[k];
          }
        }
        if (!is_own && has_units) {
          partial.template write_wide<kPer>(place(slot, owner, g, tile), wide);
        }
      }
    }
  }
  if constexpr (kParts > 1) {
    block_barrier();
    if (!has_units) {
      return;
    }
    RONDO_UNROLL
    for (uint32_t slot = 0; slot + 1 < kParts; ++slot) {
      RONDO_UNROLL
      for (uint32_t g = 0; g < kGates; ++g) {
        RONDO_UNROLL
        for (uint32_t tile = 0; tile < Mine::kTiles; ++tile) {
          const Wide<float, kPer> wide = partial.template read_wide<kPer>(place(slot, my.part(), g, tile));
          RONDO_UNROLL
          for (uint32_t k = 0; k < kPer; ++k) {
            own[g][tile * kPer + k] += wide.item[k];
          }
        }
      }
    }
  }
}

}  // namespace rondo::kernels::cuda
