// The backward kernel over a whole sequence of an LSTM with a projection: its output's gradient to all, W_hr^T times
// that, cells, the gates' gradients to all, W_hh^T times those, onto the step before. dh and dc stay in f32.
#pragma once

#include "kernels/cuda/persistent_backward.h"
#include "kernels/cuda/persistent_projected.h"

namespace rondo::kernels::cuda {

// A position's dy, of a thread's outputs, loaded while the position after it is under way.
template <class Mine>
struct OutputGradient {
  StepMask mask;
  float dy[Mine::kOwn];

  RONDO_DEVICE void read(const SliceRows &slice, const StepRows &rows, int64_t position, const Numbers<Mine> &numbers,
                         const BackwardSequenceDirection &d) {
    mask = numbers.mask(slice, rows, position);
    const float *of_y = at<float>(d.dy, numbers.first_element(rows.offset, d.dy_row));
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      dy[e] = mask.runs(e) ? load_whole(&of_y[Mine::row_step(e) * d.dy_row + Mine::unit_step(e)]) : 0.0f;
    }
  }
};

// The whole gradient of an output, as products take it, to its place in the operand: zeros where the row does not run,
// and there dh stays.
template <class S, class Mine>
RONDO_DEVICE void put_gradients(const Numbers<Mine> &numbers, const OutputGradient<Mine> &gradient,
                                const SharedSpan<S> &operand, uint32_t row, float (&dh)[Mine::kOwn]) {
  const uint32_t first = numbers.first_row * row + numbers.first_unit;
  RONDO_UNROLL
  for (int e = 0; e < Mine::kOwn; ++e) {
    const bool runs = gradient.mask.runs(e);
    S to;
    narrow(runs ? dh[e] + gradient.dy[e] : 0.0f, &to);
    if (numbers.has_unit(e)) {
      operand.set(first + numbers.element_step(e, row), to);
    }
    dh[e] = runs ? 0.0f : dh[e];
  }
}

template <class S, int kTiles, int kParts>
RONDO_KERNEL void RONDO_MOST_THREADS(sequence_threads(kProductKind<S>, LstmCell::kGates, true, kTiles, kParts, 0, true))
    projected_backward_sequence_kernel(const BackwardSequence sequence, const SequencePlace place) {
  using Cell = LstmCell;
  constexpr uint32_t G = Cell::kGates;
  using Mine = Fragment<kTiles, kParts>;
  RONDO_DYNAMIC_SHARED(shared);
  const BackwardSequenceDirection &d = sequence.direction[block_z()];
  const auto H = static_cast<uint32_t>(sequence.H);
  const auto P = static_cast<uint32_t>(sequence.P);
  const SliceRows slice = slice_of(sequence.rows, place, block_z() != 0);
  const Exchange<S, 1, true> results(shared, place, sequence.memory, H, slice, turn_place<S, true, true>(place, H, P));
  const Exchange<S, G, true> gates(shared, place, sequence.memory, H, slice, turn_place<S, true, false>(place, H, P));
  const SharedSpan<S> weight = shared.array<S>(place.shared.weight, place.outputs * place.shared.weight_row);
  const SharedSpan<S> projection = shared.array<S>(place.shared.projection, place.units * place.shared.projected_row);
  const SharedSpan<float> partial =
      shared.array<float>(place.shared.partial, (kParts - 1) * (place.units / kTileUnits) * 32 * kTiles * 4);
  const Mine my(place.units);
  const uint32_t block_unit = results.rank() * place.units;
  const Numbers<Mine> numbers{block_unit + my.first_unit(), my.first_row(), H, slice.rows};
  const bool has_units = block_unit + my.warp_unit() < H;
  const bool finishes = has_units && my.finishes();
  const Outputs<Mine> outputs = outputs_of(my, place, results.rank(), P, slice.rows);

  const ProductPlace of_units = product_place<S, 1, 0>(my, place.shared.projected_row, results.row(), P);
  const ProductPlace of_outputs = product_place<S, 1, 0>(my, place.shared.weight_row, gates.row(), gates.depth());
  results.init();
  wait_for_previous();
  BackwardInput<Cell, S, Mine, true> input{};
  OutputGradient<Mine> gradient{};
  float dh[Mine::kOwn] = {};
  float dc[Mine::kOwn] = {};
  const int64_t last = sequence.rows.T - 1;
  // Where the thread's numbers of dh and dc are, the first of each.
  const auto of_dh = [&] { return at<float>(d.dh, outputs.numbers.first_element(slice.first_row, P)); };
  const auto of_dc = [&] { return at<float>(d.dc, numbers.first_element(slice.first_row, H)); };
  StepRows before{};
  if (results.takes_part()) {
    load_transposed<S, G, kParts, 0>(weight, {outputs.first, place.outputs, place.shared.weight_row},
                                     {at<S>(d.weight_hh, 0), H, P});
    load_transposed<S, 1, kParts, 0>(projection, {block_unit, place.units, place.shared.projected_row},
                                     {at<S>(d.weight_hr, 0), P, H});
    clear_operand<S>(results, place.rows);
    clear_operand<S>(gates, place.rows);
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      dh[e] = outputs.numbers.exists(e) ? load_whole(of_dh() + outputs.numbers.element_step(e, P)) : 0.0f;
      dc[e] = numbers.exists(e) ? load_whole(of_dc() + numbers.element_step(e, H)) : 0.0f;
    }
    input.rows = slice.at_position(last);
    before = slice.at_position(last - 1);
    gradient.read(slice, input.rows, last, outputs.numbers, d);
    input.read(slice, last, before, numbers, d, true);
  }
  results.meet_all();

  const auto steps = static_cast<uint32_t>(results.takes_part() ? sequence.rows.T : 0);
  for (uint32_t step = 0; step < steps; ++step) {
    const int64_t position = last - step;
    const StepMask ran = gradient.mask;
    if (outputs.finishes) {
      put_gradients(outputs.numbers, gradient, results.operand(), results.row(), dh);
      warp_barrier();
      results.send_own(my, place.outputs, 2 * step, true,
                       [&](uint32_t r, uint32_t output, const Wide<S, kChunk<S>> &chunk) {
                         if (r < input.rows.places) {
                           store_chunk(at<S>(d.d_output, (input.rows.offset + r) * P + output), place.wide_projected,
                                       P - output, chunk);
                         }
                       });
    }
    results.arrive(2 * step);
    gradient.read(slice, before, position - 1, outputs.numbers, d);
    results.wait(2 * step);
    float dh_units[1][Mine::kOwn] = {};
    {
      float sums[1][kTiles][4] = {};
      if (has_units) {
        multiply(my, of_units, Held<1, 0>{}, projection, results.operand(), 0, sums);
      }
      meet(my, partial, has_units, sums, dh_units);
    }
    const StepMask mask = input.mask;
    const StepRows rows = input.rows;
    if (finishes) {
      float dh_gates[G][Mine::kOwn];
      run_cells_back<Cell, S>(numbers, input, gates.operand(), gates.row(), 0, dh_units[0], dc, dh_gates);
      warp_barrier();
      gates.send_own(my, place.units, 2 * step + 1, true, [](uint32_t, uint32_t, const Wide<S, kChunk<S>> &) {});
    }
    gates.arrive(2 * step + 1);
    if (finishes) {
      store_gradients<S, Mine>(numbers, rows, mask, d.dx, input.gate);
    }
    if (position != 0) {
      input.rows = before;
      before = slice.at_position(position - 2);
      input.read(slice, position - 1, before, numbers, d, false);
    } else {
      let_next_start();
    }
    gates.wait(2 * step + 1);
    float own[1][Mine::kOwn] = {};
    float sums[1][kTiles][4] = {};
    if (outputs.has) {
      multiply(my, of_outputs, Held<1, 0>{}, weight, gates.operand(), 0, sums);
    }
    meet(my, partial, outputs.has, sums, own);
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      dh[e] += ran.runs(e) ? own[0][e] : 0.0f;
    }
  }

  RONDO_UNROLL
  for (int e = 0; e < Mine::kOwn; ++e) {
    if (steps != 0 && outputs.numbers.exists(e)) {
      store_whole(dh[e], of_dh() + outputs.numbers.element_step(e, P));
    }
    if (steps != 0 && numbers.exists(e)) {
      store_whole(dc[e], of_dc() + numbers.element_step(e, H));
    }
  }
  results.meet_all();
}

template <class S>
auto projected_backward_kernels() {
  return [](auto tiles) {
    using T = decltype(tiles);
    return &projected_backward_sequence_kernel<S, T::kTiles, T::kParts>;
  };
}

template <class S>
cudaError_t launch_projected_backward_of(const Target &target, const SequenceLayout &layout,
                                         const BackwardSequence &sequence) {
  const SequenceProblem problem = projected_problem(sequence, true);
  return with_projected<S, true>(layout, problem, projected_backward_kernels<S>(), [&](auto kernel) {
    SequencePlace place = place_of(layout, problem);
    place.wide_projected = true;
    for (int k = 0; k < sequence.directions; ++k) {
      place.wide_projected =
          place.wide_projected && aligned(kChunk<S>, sizeof(S), {sequence.direction[k].d_output}, {sequence.P});
    }
    return launch_sequence(target, layout, sequence, place, kernel);
  });
}

template <class S>
cudaError_t projected_backward_blocks(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks) {
  return with_projected<S, true>(layout, problem, projected_backward_kernels<S>(), [&](auto kernel) {
    return blocks_at_once(shape_of(layout, place_of(layout, problem), problem.directions), kernel, blocks);
  });
}

}  // namespace rondo::kernels::cuda
