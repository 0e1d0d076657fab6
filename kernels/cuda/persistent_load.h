// What the sequence kernels put into shared memory before the first step: the block's rows of W_hh or of W_hh^T, and
// the operands' beginning. What does not exist becomes zeros, so that products need no bounds.
#pragma once

#include "kernels/cuda/persistent_engine.h"

namespace rondo::kernels::cuda {

// Elements k to k + 7 of a shared row, from what item(k) gives. All are read before any is used.
template <class S, class Item>
RONDO_DEVICE void write_chunk(const SharedSpan<S> &to, uint32_t element, const Item &item) {
  Wide<S, kChunk> chunk;
  RONDO_UNROLL
  for (uint32_t i = 0; i < kChunk; ++i) {
    chunk.item[i] = item(i);
  }
  to.template write_wide<kChunk>(element, chunk);
}

// `rows` rows of `row` elements; source(r): the global row of H elements, or NULL for zeros. By all threads; where
// wide, wait_copies comes before the barrier.
template <class S, class Source>
RONDO_DEVICE void load_rows(const SharedSpan<S> &to, uint32_t begin, uint32_t rows, uint32_t row, uint32_t H, bool wide,
                            const Source &source) {
  const uint32_t chunks = row / kChunk;
  for (uint32_t r = warp(); r < rows; r += threads() / 32) {
    const S *from = source(r);
    for (uint32_t c = lane(); c < chunks; c += 32) {
      const uint32_t k = c * kChunk;
      if (from != nullptr && wide && k < H) {
        copy_async(from + k, to, begin + r * row + k);
      } else {
        write_chunk(to, begin + r * row + k,
                    [&](uint32_t i) { return from != nullptr && k + i < H ? from[k + i] : S{0}; });
      }
    }
  }
  commit_copies();
}

// The block's units of W_hh: for each 16 units, 16 rows of each gate.
template <class S, int kGates>
RONDO_DEVICE void load_weight(const SharedSpan<S> &to, const SequencePlace &place, uint32_t first_unit, uint32_t H,
                              const S *weight) {
  load_rows(to, 0, kGates * place.units, place.shared.weight_row, H, place.wide, [&](uint32_t r) -> const S * {
    const uint32_t tile = r / kTileUnits;
    const uint32_t unit = first_unit + tile / kGates * kTileUnits + r % kTileUnits;
    return unit < H ? weight + (int64_t{tile % kGates} * H + unit) * H : nullptr;
  });
}

// The block's rows of W_hh^T, their columns unit by unit: column j * kGates + g is gate g of unit j.
template <class S, int kGates>
RONDO_DEVICE void load_transposed(const SharedSpan<S> &to, const SequencePlace &place, uint32_t first_unit, uint32_t H,
                                  const S *weight) {
  const uint32_t row = place.shared.weight_row;
  const uint32_t items = place.units * (row / kChunk);
  for (uint32_t item = thread(); item < items; item += threads()) {
    const uint32_t unit = first_unit + item % place.units;
    const uint32_t k = item / place.units * kChunk;
    write_chunk(to, item % place.units * row + k, [&](uint32_t i) {
      const uint32_t j = (k + i) / kGates;
      const uint32_t g = (k + i) % kGates;
      return unit < H && j < H ? weight[(int64_t{g} * H + j) * H + unit] : S{0};
    });
  }
}

}  // namespace rondo::kernels::cuda
