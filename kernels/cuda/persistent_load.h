// What the sequence kernels put into shared memory and registers before the first step: the block's rows of W_hh or of
// W_hh^T, and the operands' beginning. What does not exist becomes zeros, so that products need no bounds.
#pragma once

#include "kernels/cuda/persistent_engine.h"

namespace rondo::kernels::cuda {

// One chunk of a shared row, from what item(k) gives. All of it is read before any is used.
template <class S, class Item>
RONDO_DEVICE void write_chunk(const SharedSpan<S> &to, uint32_t element, const Item &item) {
  Wide<S, kChunk<S>> chunk;
  RONDO_UNROLL
  for (uint32_t i = 0; i < kChunk<S>; ++i) {
    chunk.item[i] = item(i);
  }
  to.template write_wide<kChunk<S>>(element, chunk);
}

// An element of W_hh as products take it: of tf32 it is rounded here, once, and not in every step.
template <class S>
RONDO_DEVICE S stationary(S element) {
  if constexpr (std::is_same_v<S, Tf32>) {
    return to_tf32(element);
  } else {
    return element;
  }
}

// The chunk from k on of a row of H elements at `from`, global memory, or zeros where it is NULL; where wide,
// asynchronous.
template <class S>
RONDO_DEVICE void copy_chunk(const SharedSpan<S> &to, uint32_t element, const S *from, uint32_t k, uint32_t H,
                             bool wide) {
  if (from != nullptr && wide && k < H) {
    copy_async(from + k, to, element);
  } else {
    write_chunk(to, element,
                [&](uint32_t i) { return from != nullptr && k + i < H ? load_whole(&from[k + i]) : S{0}; });
  }
}

// `count` columns from `first` on go to the places from `to` on in each row.
struct Columns {
  uint32_t first, count, to;
};

// what(r) is a function of k, column k of the columns, and the element where it lies, for this thread's chunks of the
// r-th of `rows` rows of `row` elements.
template <class S, class What>
RONDO_DEVICE void for_own_chunks(uint32_t rows, uint32_t row, Columns columns, const What &what) {
  for (uint32_t r = warp(); r < rows; r += threads() / 32) {
    const auto of_row = what(r);
    for (uint32_t k = lane() * kChunk<S>; k < columns.count; k += 32 * kChunk<S>) {
      of_row(k, r * row + columns.to + k);
    }
  }
}

// `rows` rows of `row` elements; source(r): the global row of H elements, or NULL for zeros. By all threads; where
// wide, wait_copies comes before the barrier.
template <class S, class Source>
RONDO_DEVICE void load_rows(const SharedSpan<S> &to, uint32_t begin, uint32_t rows, uint32_t row, Columns columns,
                            uint32_t H, bool wide, const Source &source) {
  for_own_chunks<S>(rows, row, columns, [&](uint32_t r) {
    return [&, from = source(r)](uint32_t k, uint32_t element) {
      copy_chunk(to, begin + element, from, columns.first + k, H, wide);
    };
  });
  commit_copies();
}

// load(columns) for all columns that a block of kParts parts does not hold in registers.
template <class S, int kParts, int kHeld, class Load>
RONDO_DEVICE void for_columns(uint32_t depth, const Load &load) {
  constexpr uint32_t kRanges = kHeld == 0 ? 1 : kParts;
  for (uint32_t k = 0; k < kRanges; ++k) {
    const PartOfK part = part_of<S>(depth, k, kRanges, kHeld);
    load(Columns{(part.first + kHeld) * kTileDepth<S>, part.others * kTileDepth<S>,
                 part.place_of_others * kTileDepth<S>});
  }
}

// A weight in global memory, [gates * units, width]: W_hh [G*H, H], or of a projection W_hh [G*H, P] and W_hr [P, H].
template <class S>
struct Matrix {
  const S *data;
  uint32_t units, width;
};

// Row r of the stationary matrix of a block or of a warp that begins at a unit: 16 rows of each gate for each 16 units.
template <class S, int kGates>
RONDO_DEVICE const S *weight_row(const Matrix<S> &weight, uint32_t r, uint32_t first_unit) {
  const uint32_t tile = r / kTileUnits;
  const uint32_t unit = first_unit + tile / kGates * kTileUnits + r % kTileUnits;
  return unit < weight.units ? weight.data + (int64_t{tile % kGates} * weight.units + unit) * weight.width : nullptr;
}

// The chunk from column k on of row `unit` of the transposed weight; its columns go unit by unit: column j * kGates + g
// is gate g of unit j.
template <class S, int kGates>
RONDO_DEVICE void write_transposed(const SharedSpan<S> &to, uint32_t element, const Matrix<S> &weight, uint32_t unit,
                                   uint32_t k) {
  write_chunk(to, element, [&](uint32_t i) {
    const uint32_t j = (k + i) / kGates;
    const uint32_t g = (k + i) % kGates;
    return unit < weight.width && j < weight.units
               ? stationary(load_whole(&weight.data[(int64_t{g} * weight.units + j) * weight.width + unit]))
               : S{0};
  });
}

// A block's rows of a stationary matrix in shared memory: of so many units, `row` elements apart.
struct BlockRows {
  uint32_t first_unit, units, row;
};

// The block's units of a weight. Of tf32 a thread rounds what it has copied itself.
template <class S, int kGates, int kParts, int kHeld>
RONDO_DEVICE void load_weight(const SharedSpan<S> &to, const BlockRows &block, const Matrix<S> &weight, bool wide) {
  for_columns<S, kParts, kHeld>(weight.width, [&](Columns columns) {
    load_rows(to, 0, kGates * block.units, block.row, columns, weight.width, wide,
              [&](uint32_t r) { return weight_row<S, kGates>(weight, r, block.first_unit); });
    if constexpr (std::is_same_v<S, Tf32>) {
      wait_copies<0>();
      for_own_chunks<S>(kGates * block.units, block.row, columns, [&](uint32_t) {
        return [&](uint32_t, uint32_t element) {
          const Wide<S, kChunk<S>> chunk = to.template read_wide<kChunk<S>>(element);
          write_chunk(to, element, [&](uint32_t i) { return stationary(chunk.item[i]); });
        };
      });
    }
  });
}

// The block's rows of a transposed weight.
template <class S, int kGates, int kParts, int kHeld>
RONDO_DEVICE void load_transposed(const SharedSpan<S> &to, const BlockRows &block, const Matrix<S> &weight) {
  for_columns<S, kParts, kHeld>(kGates * weight.units, [&](Columns columns) {
    const uint32_t items = block.units * (columns.count / kChunk<S>);
    for (uint32_t item = thread(); item < items; item += threads()) {
      const uint32_t unit = item % block.units;
      const uint32_t k = item / block.units * kChunk<S>;
      write_transposed<S, kGates>(to, unit * block.row + columns.to + k, weight, block.first_unit + unit,
                                  columns.first + k);
    }
  });
}

// What a warp holds in registers, by way of shared memory that nothing else lies in yet: all threads of the block.
// first: the part's first column. write(stage, element, r, k): the chunk from column k on of the warp's row r. kDown:
// lanes beside each other write one below the other.
template <class S, bool kDown, int kGates, int kHeld, class Write>
RONDO_DEVICE void load_held(const DynamicShared &shared, uint32_t first, const Write &write,
                            Held<kGates, kHeld> &held) {
  if constexpr (kHeld != 0) {
    constexpr uint32_t kSteps = Held<kGates, kHeld>::kAtOnce;
    constexpr uint32_t kRow = Held<kGates, kHeld>::kRow;
    constexpr uint32_t kRows = kGates * kTileUnits;
    constexpr uint32_t kChunks = kSteps * kTileDepth<S> / kChunk<S>;
    static_assert(kHeld % kSteps == 0);
    const SharedSpan<S> stage = shared.array<S>(0, threads() / 32 * kRows * kRow);
    const uint32_t begin = warp() * kRows * kRow;
    RONDO_UNROLL
    for (uint32_t step = 0; step < kHeld; step += kSteps) {
      for (uint32_t item = lane(); item < kRows * kChunks; item += 32) {
        const uint32_t r = kDown ? item % kRows : item / kChunks;
        const uint32_t k = (kDown ? item / kRows : item % kChunks) * kChunk<S>;
        write(stage, begin + r * kRow + k, r, first + step * kTileDepth<S> + k);
      }
      commit_copies();
      wait_copies<0>();
      warp_barrier();
      RONDO_UNROLL
      for (uint32_t s = 0; s < kSteps; ++s) {
        RONDO_UNROLL
        for (uint32_t g = 0; g < kGates; ++g) {
          load_matrices(stage, begin + g * kTileUnits * kRow + place_16x16(kRow) + s * kTileDepth<S>,
                        held.steps[step + s][g]);
        }
      }
      warp_barrier();
    }
    block_barrier();
  }
}

}  // namespace rondo::kernels::cuda
