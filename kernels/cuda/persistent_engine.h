// The product of the sequence kernels: W_hh, which stays in shared memory and registers, times the operand of a step,
// and how the threads own what comes of it. All threads of a warp go through it together.
#pragma once

#include <type_traits>

#include "kernels/cuda/persistent_limits.h"
#include "kernels/cuda/primitives.h"
#include "kernels/cuda/storage.h"
#include "kernels/cuda/tiers.h"

namespace rondo::kernels::cuda {

template <class S>
inline constexpr ProductKind kProductKind = std::is_same_v<S, float>  ? ProductKind::f32
                                            : std::is_same_v<S, Tf32> ? ProductKind::tf32
                                                                      : ProductKind::narrow;

inline constexpr uint32_t kTileUnits = 16;
inline constexpr uint32_t kTileRows = 8;
// Of a step along K.
template <class S>
inline constexpr uint32_t kTileDepth = std::is_same_v<S, Tf32> ? 8 : 16;
// Elements of storage that move at once: 16 bytes.
template <class S>
inline constexpr uint32_t kChunk = 16 / sizeof(S);

template <class S>
RONDO_DEVICE uint32_t chunks_of(uint32_t elements) {
  return (elements + kChunk<S> - 1) / kChunk<S>;
}

// How the blocks of a launch lie: what of a SequenceLayout the kernels read.
struct SequencePlace {
  SequenceShared shared;
  uint32_t blocks, units, rows;
  Tier tier;
  bool wide;  // rows of W_hh and of the initial state may be read by chunks
  bool wide_history;
  // With a projection.
  uint32_t outputs;     // rows of W_hr, or columns of its product, of a block: sequence_outputs
  bool wide_hr;         // rows of W_hr may be read by chunks
  bool wide_projected;  // rows of what is projected (backward: of its result's gradient) may be written so
};

// A warp multiplies 16 units of its block, in one of kParts parts of K, with kTiles * 8 rows. Sum j of a thread, of
// four for each tile, is that of
//   unit lane / 4 of the 16, and 8 more where j / 2 is odd,   row 2 * (lane % 4) + j % 2 of the tile.
// All parts have all sums; each finishes pieces of kPer sums: their cells and states lie in its registers. Up to 4
// parts have a piece of every tile, 8 parts have one of one tile, and of one tile the last four parts have none.
template <int kRowTiles, int kPartsOfK>
class Fragment {
 public:
  static constexpr int kTiles = kRowTiles;
  static constexpr int kParts = kPartsOfK;
  static constexpr int kPieces = kParts < 4 ? kParts : 4;  // of a tile
  static constexpr int kPer = 4 / kPieces;
  static constexpr int kOwn = kParts > 4 ? 1 : kTiles *kPer;
  static constexpr int kHalves = kParts == 1 ? 2 : 1;  // units of a thread
  static_assert(kParts <= 4 || kTiles * kPieces <= kParts);

  RONDO_DEVICE explicit Fragment(uint32_t units) : warps_(units / kTileUnits) {
    part_ = kParts == 1 ? 0 : warp() / warps_;
    warp_ = warp() - part_ * warps_;
  }
  RONDO_DEVICE uint32_t warps() const { return warps_; }  // of a part
  RONDO_DEVICE uint32_t warp_of_part() const { return warp_; }
  RONDO_DEVICE uint32_t part() const { return part_; }
  RONDO_DEVICE uint32_t warp_unit() const { return warp_ * kTileUnits; }
  RONDO_DEVICE bool finishes() const { return part_ < kTiles * kPieces; }

  // Number e of the thread's own: from the first one's unit and row, steps that the compiler knows.
  RONDO_DEVICE uint32_t first_unit() const { return warp_unit() + sum_of(part_, 0) / 2 * 8 + lane() / 4; }
  RONDO_DEVICE uint32_t first_row() const {
    return tile_of(part_, 0) * kTileRows + lane() % 4 * 2 + sum_of(part_, 0) % 2;
  }
  static RONDO_DEVICE constexpr uint32_t half(int e) { return kHalves == 1 ? 0 : static_cast<uint32_t>(e) / 2 % 2; }
  static RONDO_DEVICE constexpr uint32_t unit_step(int e) { return half(e) * 8; }
  static RONDO_DEVICE constexpr uint32_t row_step(int e) {
    return static_cast<uint32_t>(e) / kPer * kTileRows + (kPer == 1 ? 0 : static_cast<uint32_t>(e) % 2);
  }
  // Its tile, and which of the tile's four it is.
  static RONDO_DEVICE uint32_t tile_of(uint32_t part, uint32_t e) { return kParts > 4 ? part / 4 : e / kPer; }
  static RONDO_DEVICE uint32_t sum_of(uint32_t part, uint32_t e) { return part % kPieces * kPer + e % kPer; }
  // Who finishes a piece of a tile, and its first number there.
  static RONDO_DEVICE constexpr uint32_t owner_of(uint32_t tile, uint32_t piece) {
    return kParts > 4 ? tile * 4 + piece : piece;
  }
  static RONDO_DEVICE constexpr uint32_t own_of(uint32_t tile) { return kParts > 4 ? 0 : tile * kPer; }

 private:
  uint32_t warps_, warp_, part_;
};

// What a warp holds of W_hh in registers: the first kHeld steps of its part, or all where the part has fewer.
template <int kGatesOfTile, int kHeldSteps>
struct Held {
  static constexpr int kGates = kGatesOfTile;
  static constexpr int kHeld = kHeldSteps;
  static constexpr uint32_t kAtOnce = held_at_once(kGates);
  static constexpr uint32_t kRow = held_row(kGates);
  uint32_t steps[kHeld == 0 ? 1 : kHeld][kGates][4];
};

// A part's steps along K. Its others, which are not held, lie in a row of the weight behind those of the parts
// before it.
struct PartOfK {
  uint32_t first, count;
  uint32_t others, place_of_others;
};
template <class S>
RONDO_DEVICE PartOfK part_of(uint32_t depth, uint32_t part, uint32_t parts, uint32_t held) {
  const uint32_t steps = (depth + kTileDepth<S> - 1) / kTileDepth<S>;
  const uint32_t first = steps * part / parts;
  const uint32_t count = steps * (part + 1) / parts - first;
  return {first, count, count > held ? count - held : 0, count > held ? first - part * held : 0};
}

// A number of steps that the compiler knows.
template <int kSteps>
using Steps = std::integral_constant<int, kSteps>;

// kSteps along K, each to the sums of the next chain. stationary(s, g, to): the fragment of a step and a gate.
// two, one: where this lane's rows of the operand begin.
template <int kSteps, class S, int kChains, int kGates, int kTiles, class Stationary>
RONDO_DEVICE void multiply_steps(const Stationary &stationary, const SharedSpan<S> &operand, uint32_t two, uint32_t one,
                                 uint32_t row, float (&sums)[kChains][kGates][kTiles][4]) {
  uint32_t b[kSteps][kTiles][2];
  RONDO_UNROLL
  for (uint32_t s = 0; s < kSteps; ++s) {
    RONDO_UNROLL
    for (uint32_t i = 0; i + 1 < kTiles; i += 2) {
      load_matrices(operand, two + i * kTileRows * row + s * kTileDepth<S>, b[s][i], b[s][i + 1]);
    }
  }
  // The last of an odd number of tiles.
  if constexpr (kTiles % 2 != 0 && kSteps % 2 == 0) {
    RONDO_UNROLL
    for (uint32_t s = 0; s < kSteps; s += 2) {
      load_matrices(operand, one + s * kTileDepth<S>, b[s][kTiles - 1], b[s + 1][kTiles - 1]);
    }
  } else if constexpr (kTiles % 2 != 0) {
    RONDO_UNROLL
    for (uint32_t s = 0; s < kSteps; ++s) {
      load_matrices(operand, one + s * kTileDepth<S>, b[s][kTiles - 1]);
    }
  }
  if constexpr (std::is_same_v<S, Tf32>) {
    RONDO_UNROLL
    for (uint32_t k = 0; k < kSteps * kTiles * 2; ++k) {
      uint32_t &number = b[k / (kTiles * 2)][k / 2 % kTiles][k % 2];
      number = to_tf32(number);
    }
  }
  RONDO_UNROLL
  for (uint32_t s = 0; s < kSteps; ++s) {
    RONDO_UNROLL
    for (uint32_t g = 0; g < kGates; ++g) {
      uint32_t a[4];
      stationary(s, g, a);
      RONDO_UNROLL
      for (uint32_t i = 0; i < kTiles; ++i) {
        multiply_add<S>(sums[s % kChains][g][i], a, b[s][i]);
      }
    }
  }
}

template <int kGates, int kTiles>
inline constexpr int kChainsOf = sequence_chains(kGates, kTiles);

// Where a lane begins to read for its warp's products, and how many steps of K are its part's; the same for all steps
// of a sequence, so that little is left to do between a barrier and the first product.
struct ProductPlace {
  uint32_t weight, two, one;  // rows of the weight, of pairs of tiles, of an odd last tile; by multiply-adds one is 0
  uint32_t weight_row, row;   // elements from one row to the next
  uint32_t first, steps, others;
};
template <class S, int kGates, int kHeld, class Mine>
RONDO_DEVICE ProductPlace product_place(const Mine &my, uint32_t weight_row, uint32_t row, uint32_t depth) {
  const PartOfK part = part_of<S>(depth, my.part(), Mine::kParts, kHeld);
  const uint32_t first = part.first * kTileDepth<S>;
  constexpr bool kAdds = kProductKind<S> == ProductKind::f32;
  return {my.warp_of_part() * kGates * kTileUnits * weight_row +
              (kAdds ? lane() / 4 * weight_row : place_16x16<S>(weight_row)) + part.place_of_others * kTileDepth<S>,
          (kAdds ? lane() % 4 * 2 * row : place_two_8x16<S>(row)) + first,
          kAdds ? 0 : (Mine::kTiles - 1) * kTileRows * row + place_8x32<S>(row) + first,
          weight_row,
          row,
          part.first,
          part.count,
          part.others};
}

// On tensor cores, from W_hh in registers first. The order of a sum does not depend on kHeld.
template <int kParts, class S, int kGates, int kHeld, int kTiles>
RONDO_DEVICE void multiply_matrices(const ProductPlace &place, const Held<kGates, kHeld> &held,
                                    const SharedSpan<S> &weight, const SharedSpan<S> &operand, uint32_t buffer,
                                    float (&sums)[kGates][kTiles][4]) {
  // More steps at once would need more registers than a thread has.
  constexpr bool kTwo = kTiles == 2 && (kParts == 1 || kGates == 1 || (kHeld != 0 && kGates < 4));
  constexpr int kSteps = kTiles == 1 ? 4 : kTwo ? 2 : 1;
  // An accumulator takes one product after the other, so few accumulators are given to several chains.
  constexpr int kChains = kChainsOf<kGates, kTiles>;
  static_assert(kHeld % kSteps == 0 && kSteps % kChains == 0);
  float chains[kChains][kGates][kTiles][4] = {};
  uint32_t two = buffer + place.two;
  uint32_t one = buffer + place.one;
  const auto advance = [&](uint32_t steps) {
    two += steps * kTileDepth<S>;
    one += steps * kTileDepth<S>;
  };
  if constexpr (kHeld != 0) {
    const auto multiply_held = [&](auto steps, uint32_t first) {
      multiply_steps<decltype(steps)::value, S>(
          [&](uint32_t s, uint32_t g, uint32_t(&a)[4]) {
            RONDO_UNROLL
            for (uint32_t k = 0; k < 4; ++k) {
              a[k] = held.steps[first + s][g][k];
            }
          },
          operand, two, one, place.row, chains);
      advance(decltype(steps)::value);
    };
    RONDO_UNROLL
    for (uint32_t first = 0; first < kHeld; first += kSteps) {
      if (place.steps >= first + kSteps) {
        multiply_held(Steps<kSteps>{}, first);
      } else if (place.steps > first) {
        RONDO_UNROLL
        for (uint32_t s = first; s + 1 < first + kSteps; ++s) {
          if (s < place.steps) {
            multiply_held(Steps<1>{}, s);
          }
        }
      }
    }
  }
  // Where nothing is held, numbers that are the same take one register.
  const uint32_t weight_row = kHeld == 0 ? place.row : place.weight_row;
  uint32_t a = place.weight;
  const auto multiply_others = [&](auto steps) {
    multiply_steps<decltype(steps)::value, S>(
        [&](uint32_t s, uint32_t g, uint32_t(&to)[4]) {
          load_matrices(weight, a + g * kTileUnits * weight_row + s * kTileDepth<S>, to);
        },
        operand, two, one, place.row, chains);
    a += decltype(steps)::value * kTileDepth<S>;
    advance(decltype(steps)::value);
  };
  uint32_t left = kHeld == 0 ? place.steps : place.others;
  for (; left >= kSteps; left -= kSteps) {
    multiply_others(Steps<kSteps>{});
  }
  if constexpr (kSteps > 1) {
    for (; left != 0; --left) {
      multiply_others(Steps<1>{});
    }
  }
  RONDO_UNROLL
  for (uint32_t g = 0; g < kGates; ++g) {
    RONDO_UNROLL
    for (uint32_t i = 0; i < kTiles; ++i) {
      RONDO_UNROLL
      for (uint32_t k = 0; k < 4; ++k) {
        sums[g][i][k] = chains[0][g][i][k];
        RONDO_UNROLL
        for (uint32_t chain = 1; chain < kChains; ++chain) {
          sums[g][i][k] += chains[chain][g][i][k];
        }
      }
    }
  }
}

// By multiply-adds: a thread reads what its own sums take, four k at a time, and adds in ascending k. No two rows that
// lanes read at once begin in the same bank, as with matrices.
template <int kGates, int kTiles>
RONDO_DEVICE void multiply_numbers(const ProductPlace &place, const SharedSpan<float> &weight,
                                   const SharedSpan<float> &operand, uint32_t buffer,
                                   float (&sums)[kGates][kTiles][4]) {
  constexpr uint32_t kFour = kChunk<float>;
  // So many fours in one iteration that reads are ahead and registers enough.
  constexpr uint32_t kFours = kGates * kTiles > 8 ? 1 : 2;
  uint32_t a = place.weight;
  uint32_t b = buffer + place.two;
  RONDO_ROLLED
  for (uint32_t left = place.steps * (kTileDepth<float> / (kFours * kFour)); left != 0; --left) {
    RONDO_UNROLL
    for (uint32_t four = 0; four < kFours; ++four) {
      Wide<float, kFour> rows[kTiles][2];
      RONDO_UNROLL
      for (uint32_t i = 0; i < kTiles; ++i) {
        RONDO_UNROLL
        for (uint32_t r = 0; r < 2; ++r) {
          rows[i][r] = operand.template read_wide<kFour>(b + (i * kTileRows + r) * place.row);
        }
      }
      RONDO_UNROLL
      for (uint32_t g = 0; g < kGates; ++g) {
        RONDO_UNROLL
        for (uint32_t half = 0; half < 2; ++half) {
          const Wide<float, kFour> unit = weight.template read_wide<kFour>(a + (g * kTileUnits + half * 8) * place.row);
          RONDO_UNROLL
          for (uint32_t k = 0; k < kFour; ++k) {
            RONDO_UNROLL
            for (uint32_t i = 0; i < kTiles; ++i) {
              RONDO_UNROLL
              for (uint32_t r = 0; r < 2; ++r) {
                sums[g][i][half * 2 + r] += unit.item[k] * rows[i][r].item[k];
              }
            }
          }
        }
      }
      a += kFour;
      b += kFour;
    }
  }
}

// The sums of this part's share of the product, which are zeros before. weight: the block's, 16 rows of each gate for
// the first 16 units, then for the next. buffer: where in `operand` its first row begins.
template <class S, int kGates, int kHeld, class Mine>
RONDO_DEVICE void multiply(const Mine & /*my*/, const ProductPlace &place, const Held<kGates, kHeld> &held,
                           const SharedSpan<S> &weight, const SharedSpan<S> &operand, uint32_t buffer,
                           float (&sums)[kGates][Mine::kTiles][4]) {
  if constexpr (kProductKind<S> == ProductKind::f32) {
    multiply_numbers(place, weight, operand, buffer, sums);
  } else {
    multiply_matrices<Mine::kParts>(place, held, weight, operand, buffer, sums);
  }
}

// The parts' sums meet in `partial`: each part gets the whole of its own. All threads of the block; has_units: whether
// the warp has sums at all. Before the next meeting all must have come through another barrier.
template <int kGates, class Mine>
RONDO_DEVICE void meet(const Mine &my, const SharedSpan<float> &partial, bool has_units,
                       const float (&sums)[kGates][Mine::kTiles][4], float (&own)[kGates][Mine::kOwn]) {
  constexpr uint32_t kParts = Mine::kParts;
  constexpr uint32_t kPer = Mine::kPer;
  // Where a part's piece of one gate and tile lies, of the slot-th other part that adds to it.
  const auto place = [&](uint32_t slot, uint32_t g, uint32_t tile, uint32_t piece) {
    const uint32_t numbers = (slot * my.warps() + my.warp_of_part()) * kGates + g;
    return ((numbers * Mine::kTiles + tile) * Mine::kPieces + piece) * (32 * kPer) + lane() * kPer;
  };
  RONDO_UNROLL
  for (uint32_t tile = 0; tile < Mine::kTiles; ++tile) {
    RONDO_UNROLL
    for (uint32_t piece = 0; piece < Mine::kPieces; ++piece) {
      const uint32_t owner = Mine::owner_of(tile, piece);
      const bool is_own = owner == my.part();
      const uint32_t slot = my.part() < owner ? my.part() : my.part() - 1;
      RONDO_UNROLL
      for (uint32_t g = 0; g < kGates; ++g) {
        Wide<float, kPer> wide;
        RONDO_UNROLL
        for (uint32_t k = 0; k < kPer; ++k) {
          wide.item[k] = sums[g][tile][piece * kPer + k];
          if (owner == 0 || is_own) {
            own[g][Mine::own_of(tile) + k] = wide.item[k];
          }
        }
        if (!is_own && has_units) {
          partial.template write_wide<kPer>(place(slot, g, tile, piece), wide);
        }
      }
    }
  }
  if constexpr (kParts > 1) {
    block_barrier();
    if (!has_units || !my.finishes()) {
      return;
    }
    RONDO_UNROLL
    for (uint32_t slot = 0; slot + 1 < kParts; ++slot) {
      RONDO_UNROLL
      for (uint32_t g = 0; g < kGates; ++g) {
        RONDO_UNROLL
        for (uint32_t e = 0; e < Mine::kOwn; e += kPer) {
          const Wide<float, kPer> wide =
              partial.template read_wide<kPer>(place(slot, g, Mine::tile_of(my.part(), e), my.part() % Mine::kPieces));
          RONDO_UNROLL
          for (uint32_t k = 0; k < kPer; ++k) {
            own[g][e + k] += wide.item[k];
          }
        }
      }
    }
  }
}

}  // namespace rondo::kernels::cuda
