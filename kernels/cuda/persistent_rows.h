// Rows and positions of the sequence kernels: which step a position is, where its rows lie and which of them run.
// Rows are those of the slice; RowMap's offsets are read two positions ahead, so that no other read waits for them.
#pragma once

#include "kernels/cuda/persistent_engine.h"
#include "kernels/cuda/row_map.h"

namespace rondo::kernels::cuda {

// A position's rows, of the slice: those below `places` have a place, at offset + row.
struct StepRows {
  int64_t offset;
  uint32_t places;
};

// A direction's rows in one slice of the batch.
struct SliceRows {
  const RowMap &map;
  bool reverse;
  uint32_t first_row;
  uint32_t rows;  // that exist

  RONDO_DEVICE int64_t step_at(int64_t position) const { return reverse ? map.T - 1 - position : position; }

  // Of a position that the sequence does not have: no rows.
  RONDO_DEVICE StepRows at_position(int64_t position) const {
    if (position < 0 || position >= map.T) {
      return {0, 0};
    }
    const int64_t t = step_at(position);
    if (map.offsets == nullptr) {
      return {t * map.N + first_row, rows};
    }
    const int64_t offset = load_whole(&map.offsets[t]);
    const int64_t places = load_whole(&map.offsets[t + 1]) - offset - first_row;
    return {offset + first_row, places <= 0 ? 0 : places < rows ? static_cast<uint32_t>(places) : rows};
  }

  RONDO_DEVICE bool runs(const StepRows &step, int64_t position, uint32_t row) const {
    return row < step.places &&
           (map.lengths == nullptr || step_at(position) < load_whole(&map.lengths[int64_t{first_row} + row]));
  }
};

// The block's slice.
RONDO_DEVICE SliceRows slice_of(const RowMap &map, const SequencePlace &place, bool reverse) {
  const uint32_t first_row = block_x() / place.blocks * place.rows;
  const int64_t left = map.N - first_row;
  return {map, reverse, first_row, left < place.rows ? static_cast<uint32_t>(left) : place.rows};
}

// Which of a thread's numbers are real at a position, a bit each: their row has a place, and their row runs. Units
// beyond H have neither.
struct StepMask {
  uint32_t placed, running;

  RONDO_DEVICE bool is_placed(int e) const { return (placed >> e & 1u) != 0; }
  RONDO_DEVICE bool runs(int e) const { return (running >> e & 1u) != 0; }
};

// Where a thread's numbers are: rows of the slice, units of all.
template <class Mine>
struct Numbers {
  uint32_t first_unit, first_row;
  uint32_t H, rows;

  RONDO_DEVICE uint32_t row(int e) const { return first_row + Mine::row_step(e); }
  RONDO_DEVICE bool has_unit(int e) const { return first_unit + Mine::unit_step(e) < H; }
  RONDO_DEVICE bool exists(int e) const { return has_unit(e) && row(e) < rows; }

  // The first number's element in rows of `width` elements, of which the slice's begin at `begin`, and the steps from
  // it to the others'.
  RONDO_DEVICE int64_t first_element(int64_t begin, int64_t width) const {
    return (begin + first_row) * width + first_unit;
  }
  RONDO_DEVICE uint32_t element_step(int e, uint32_t width) const {
    return Mine::row_step(e) * width + Mine::unit_step(e);
  }

  RONDO_DEVICE StepMask mask(const SliceRows &slice, const StepRows &step, int64_t position) const {
    StepMask mask{0, 0};
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      if (has_unit(e) && row(e) < step.places) {
        mask.placed |= 1u << e;
        mask.running |= (slice.runs(step, position, row(e)) ? 1u : 0u) << e;
      }
    }
    return mask;
  }
};

// A chunk of a row to global memory, of which `units` more exist; where wide, at once.
template <class S>
RONDO_DEVICE void store_chunk(S *to, bool wide, uint32_t units, const Wide<S, kChunk<S>> &chunk) {
  if (wide) {
    store_whole(chunk, reinterpret_cast<Wide<S, kChunk<S>> *>(to));
    return;
  }
  RONDO_UNROLL
  for (uint32_t i = 0; i < kChunk<S>; ++i) {
    if (i < units) {
      store_whole(chunk.item[i], to + i);
    }
  }
}

}  // namespace rondo::kernels::cuda
