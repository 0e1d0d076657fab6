// The backward kernel over a whole sequence: cells, exchange of the gates' gradients, and the product with W_hh^T that
// takes them to the step before. dh and dc stay in f32 in registers. A row's first step had the initial state before
// it.
#pragma once

#include "kernels/cuda/cells.h"
#include "kernels/cuda/persistent_exchange.h"
#include "kernels/cuda/persistent_launch.h"
#include "kernels/cuda/persistent_load.h"
#include "kernels/cuda/persistent_rows.h"

namespace rondo::kernels::cuda {

// What a position's cells read, loaded while the position after it is under way. The extra value of a cell with a cell
// state is c, which the position after it has already read as its previous one. kProjects: dy comes by way of W_hr.
template <class Cell, class S, class Mine, bool kProjects = false>
struct BackwardInput {
  static constexpr uint32_t kGates = Cell::kGates;
  StepRows rows;
  StepMask mask;
  float gate[kGates][Mine::kOwn], extra[Mine::kOwn], c_before[Mine::kOwn], h_before[Mine::kOwn], dy[Mine::kOwn];

  // before: the rows of the position before this one.
  RONDO_DEVICE void read(const SliceRows &slice, int64_t position, const StepRows &before, const Numbers<Mine> &numbers,
                         const BackwardSequenceDirection &d, bool is_last) {
    mask = numbers.mask(slice, rows, position);
    const uint32_t H = numbers.H;
    const float *gates = at<float>(d.gates, numbers.first_element(rows.offset, kGates * H));
    const float *of_y = at<float>(d.dy, numbers.first_element(rows.offset, d.dy_row));
    const float *of_step = at<float>(d.extra, numbers.first_element(rows.offset, H));
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      const bool runs = mask.runs(e);
      RONDO_UNROLL
      for (uint32_t g = 0; g < kGates; ++g) {
        gate[g][e] = runs ? load_whole(&gates[numbers.element_step(e, kGates * H) + g * H]) : 0.0f;
      }
      if constexpr (!kProjects) {
        dy[e] = runs ? load_whole(&of_y[Mine::row_step(e) * d.dy_row + Mine::unit_step(e)]) : 0.0f;
      }
      if constexpr (Cell::kHasCellState) {
        extra[e] = c_before[e];
        if (is_last) {
          extra[e] = runs ? load_whole(of_step + numbers.element_step(e, H)) : 0.0f;
        }
      } else if constexpr (Cell::kHasExtra) {
        extra[e] = runs ? load_whole(of_step + numbers.element_step(e, H)) : 0.0f;
      }
    }
    read_before(slice, position, before, numbers, d);
  }

 private:
  // Also for rows that only begin to run, going down: what is before their last step is not asked for again.
  RONDO_DEVICE void read_before(const SliceRows &slice, int64_t position, const StepRows &before,
                                const Numbers<Mine> &numbers, const BackwardSequenceDirection &d) {
    const StepMask ran = numbers.mask(slice, before, position - 1);
    const uint32_t H = numbers.H;
    if constexpr (Cell::kHasCellState) {
      const float *of_step = at<float>(d.extra, numbers.first_element(before.offset, H));
      const float *initial = at<float>(d.c_initial, numbers.first_element(slice.first_row, H));
      RONDO_UNROLL
      for (int e = 0; e < Mine::kOwn; ++e) {
        const float *from = ran.runs(e) ? of_step : initial;
        c_before[e] = ran.runs(e) || mask.runs(e) ? load_whole(from + numbers.element_step(e, H)) : 0.0f;
      }
    }
    if constexpr (Cell::kUsesPreviousHidden) {
      const S *of_step = at<S>(d.history, numbers.first_element(before.offset, d.history_row));
      const S *initial = at<S>(d.h_initial, numbers.first_element(slice.first_row, H));
      RONDO_UNROLL
      for (int e = 0; e < Mine::kOwn; ++e) {
        const int64_t there = Mine::row_step(e) * d.history_row + Mine::unit_step(e);
        const S *from = ran.runs(e) ? of_step + there : initial + numbers.element_step(e, H);
        h_before[e] = mask.runs(e) ? widen<float>(load_whole(from)) : 0.0f;
      }
    }
  }
};

// A thread's cells at one position: gates become dx, dh what reaches the previous h beside the product, and the
// gradients that the product takes go to `next`, the place of the operand's copy. Where a row does not run, dh and dc
// stay.
template <class Cell, class S, class Mine, bool kProjects>
RONDO_DEVICE void run_cells_back(const Numbers<Mine> &numbers, BackwardInput<Cell, S, Mine, kProjects> &input,
                                 const SharedSpan<S> &operand, uint32_t row, uint32_t next, float (&dh)[Mine::kOwn],
                                 float (&dc)[Mine::kOwn], float (&dh_gates)[Cell::kGates][Mine::kOwn]) {
  constexpr uint32_t G = Cell::kGates;
  RONDO_UNROLL
  for (int e = 0; e < Mine::kOwn; ++e) {
    float gate[G];
    RONDO_UNROLL
    for (uint32_t g = 0; g < G; ++g) {
      gate[g] = input.gate[g][e];
    }
    const bool runs = input.mask.runs(e);
    float dc_e = dc[e];
    const CellBackward<float, G> out =
        Cell::backward(gate, input.extra[e], input.c_before[e], input.h_before[e], dh[e] + input.dy[e], dc_e);
    if constexpr (Cell::kHasCellState) {
      dc[e] = runs ? dc_e : dc[e];
    }
    dh[e] = runs ? out.direct : dh[e];
    const uint32_t place = next + numbers.row(e) * row + (numbers.first_unit + Mine::unit_step(e)) * G;
    RONDO_UNROLL
    for (uint32_t g = 0; g < G; ++g) {
      input.gate[g][e] = runs ? out.dx[g] : 0.0f;
      dh_gates[g][e] = !Cell::kSplitsGradient ? input.gate[g][e] : runs ? out.dh_gate[g] : 0.0f;
      S to;
      narrow(dh_gates[g][e], &to);
      if (numbers.has_unit(e)) {
        operand.set(place + g, to);
      }
    }
  }
}

// [S, G*H] storage.
template <class S, class Mine, int kGates>
RONDO_DEVICE void store_gradients(const Numbers<Mine> &numbers, const StepRows &rows, const StepMask &mask, void *array,
                                  const float (&values)[kGates][Mine::kOwn]) {
  const uint32_t width = kGates * numbers.H;
  S *to = at<S>(array, numbers.first_element(rows.offset, width));
  RONDO_UNROLL
  for (int e = 0; e < Mine::kOwn; ++e) {
    RONDO_UNROLL
    for (uint32_t g = 0; g < kGates; ++g) {
      if (mask.is_placed(e)) {
        store_narrow(values[g][e], to + numbers.element_step(e, width) + g * numbers.H);
      }
    }
  }
}

template <class Cell, class S, int kTiles, int kParts, int kHeld>
RONDO_KERNEL void RONDO_MOST_THREADS(sequence_threads(kProductKind<S>, Cell::kGates, true, kTiles, kParts, kHeld))
    backward_sequence_kernel(const BackwardSequence sequence, const SequencePlace place) {
  constexpr uint32_t G = Cell::kGates;
  using Mine = Fragment<kTiles, kParts>;
  RONDO_DYNAMIC_SHARED(shared);
  const BackwardSequenceDirection &d = sequence.direction[block_z()];
  const auto H = static_cast<uint32_t>(sequence.H);
  const SliceRows slice = slice_of(sequence.rows, place, block_z() != 0);
  const Exchange<S, G> exchange(shared, place, sequence.memory, H, slice);
  const SharedSpan<S> weight = shared.array<S>(place.shared.weight, place.units * place.shared.weight_row);
  const SharedSpan<float> partial =
      shared.array<float>(place.shared.partial, (kParts - 1) * (place.units / kTileUnits) * 32 * kTiles * 4);
  const Mine my(place.units);
  const uint32_t block_unit = exchange.rank() * place.units;
  const Numbers<Mine> numbers{block_unit + my.first_unit(), my.first_row(), H, slice.rows};
  const bool has_units = block_unit + my.warp_unit() < H;
  const bool finishes = has_units && my.finishes();
  const SharedSpan<S> &operand = exchange.operand();
  const uint32_t row = exchange.row();

  const ProductPlace product = product_place<S, 1, kHeld>(my, place.shared.weight_row, row, exchange.depth());
  Held<1, kHeld> held;
  exchange.init();
  wait_for_previous();
  BackwardInput<Cell, S, Mine> input{};
  float dh[Mine::kOwn] = {};
  float dc[Mine::kOwn] = {};
  const int64_t last = sequence.rows.T - 1;
  const int64_t first_element = numbers.first_element(slice.first_row, H);
  StepRows before{};
  if (exchange.takes_part()) {
    const Matrix<S> of_weight{at<S>(d.weight_hh, 0), H, H};
    load_held<S, true>(
        shared, product.first * kTileDepth<S>,
        [&](const SharedSpan<S> &to, uint32_t element, uint32_t r, uint32_t k) {
          write_transposed<S, G>(to, element, of_weight, block_unit + my.warp_unit() + r, k);
        },
        held);
    load_transposed<S, G, kParts, kHeld>(weight, {block_unit, place.units, place.shared.weight_row}, of_weight);
    for (uint32_t step = 0; step < 2; ++step) {
      load_rows(operand, exchange.buffer(step), place.rows, row, {0, row, 0}, 0, false,
                [](uint32_t) -> const S * { return nullptr; });
    }
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      const int64_t element = first_element + numbers.element_step(e, H);
      dh[e] = numbers.exists(e) ? load_whole(at<float>(static_cast<const void *>(d.dh), element)) : 0.0f;
      if constexpr (Cell::kHasCellState) {
        dc[e] = numbers.exists(e) ? load_whole(at<float>(static_cast<const void *>(d.dc), element)) : 0.0f;
      }
    }
    input.rows = slice.at_position(last);
    before = slice.at_position(last - 1);
    input.read(slice, last, before, numbers, d, true);
  }
  exchange.meet_all();

  const auto steps = static_cast<uint32_t>(exchange.takes_part() ? sequence.rows.T : 0);
  for (uint32_t step = 0; step < steps; ++step) {
    const int64_t position = last - step;
    const StepMask mask = input.mask;
    const StepRows rows = input.rows;
    float dh_gates[G][Mine::kOwn];
    if (finishes) {
      run_cells_back<Cell, S>(numbers, input, operand, row, exchange.buffer(step), dh, dc, dh_gates);
      warp_barrier();
      exchange.send_own(my, place.units, step, true, [](uint32_t, uint32_t, const Wide<S, kChunk<S>> &) {});
    }
    exchange.arrive(step);
    if (finishes) {
      store_gradients<S, Mine>(numbers, rows, mask, d.dx, input.gate);
      if constexpr (Cell::kSplitsGradient) {
        store_gradients<S, Mine>(numbers, rows, mask, d.dh_gates, dh_gates);
      }
    }
    if (position != 0) {
      input.rows = before;
      before = slice.at_position(position - 2);
      input.read(slice, position - 1, before, numbers, d, false);
    } else {
      let_next_start();
    }
    exchange.wait(step);
    float own[1][Mine::kOwn] = {};
    float sums[1][kTiles][4] = {};
    if (has_units) {
      multiply(my, product, held, weight, operand, exchange.buffer(step), sums);
    }
    meet(my, partial, has_units, sums, own);
    exchange.template end_product<kParts>();
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      dh[e] += mask.runs(e) ? own[0][e] : 0.0f;
    }
  }

  RONDO_UNROLL
  for (int e = 0; e < Mine::kOwn; ++e) {
    if (steps != 0 && numbers.exists(e)) {
      const int64_t element = first_element + numbers.element_step(e, H);
      store_whole(dh[e], at<float>(d.dh, element));
      if constexpr (Cell::kHasCellState) {
        store_whole(dc[e], at<float>(d.dc, element));
      }
    }
  }
  exchange.meet_all();
}

template <class S>
auto backward_kernels() {
  return [](auto cell, auto tiles) {
    using T = decltype(tiles);
    return &backward_sequence_kernel<typename decltype(cell)::type, S, T::kTiles, T::kParts, T::kHeld>;
  };
}

template <class S>
cudaError_t launch_backward_sequence_of(const Target &target, const SequenceLayout &layout,
                                        const BackwardSequence &sequence) {
  const SequencePlace place = place_of(
      layout, {sequence.cell, sequence.storage, true, sequence.H, sequence.rows.N, sequence.directions, sequence.tf32});
  return with_compiled<S, true>(sequence.cell, layout, backward_kernels<S>(),
                                [&](auto kernel) { return launch_sequence(target, layout, sequence, place, kernel); });
}

template <class S>
cudaError_t backward_blocks_at_once(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks) {
  return with_compiled<S, true>(problem.cell, layout, backward_kernels<S>(), [&](auto kernel) {
    return blocks_at_once(shape_of(layout, place_of(layout, problem), problem.directions), kernel, blocks);
  });
}

}  // namespace rondo::kernels::cuda
