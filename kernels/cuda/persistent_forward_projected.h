// The forward kernel over a whole sequence of an LSTM with a projection. A step has two products and two exchanges:
// W_hh times the state, cells, o*tanh(c) to all, W_hr times that, and the new state, as wide as the projection, to all.
#pragma once

#include "kernels/cuda/persistent_forward.h"
#include "kernels/cuda/persistent_projected.h"

namespace rondo::kernels::cuda {

// What W_hr gives becomes the state where the row runs; elsewhere the state stays.
template <class S, class Mine>
RONDO_DEVICE void put_outputs(const Numbers<Mine> &numbers, const StepMask &mask, const SharedSpan<S> &operand,
                              uint32_t row, const float (&sums)[Mine::kOwn]) {
  const uint32_t first = numbers.first_row * row + numbers.first_unit;
  RONDO_UNROLL
  for (int e = 0; e < Mine::kOwn; ++e) {
    if (mask.runs(e)) {
      S to;
      narrow(sums[e], &to);
      operand.set(first + numbers.element_step(e, row), to);
    }
  }
}

template <class S, int kTiles, int kParts>
RONDO_KERNEL void RONDO_MOST_THREADS(sequence_threads(kProductKind<S>, LstmCell::kGates, false, kTiles, kParts, 0,
                                                      true))
    projected_forward_sequence_kernel(const ForwardSequence sequence, const SequencePlace place) {
  using Cell = LstmCell;
  constexpr int G = Cell::kGates;
  using Mine = Fragment<kTiles, kParts>;
  RONDO_DYNAMIC_SHARED(shared);
  const ForwardSequenceDirection &d = sequence.direction[block_z()];
  const auto H = static_cast<uint32_t>(sequence.H);
  const auto P = static_cast<uint32_t>(sequence.P);
  const SliceRows slice = slice_of(sequence.rows, place, block_z() != 0);
  const Exchange<S, 1, true> hidden(shared, place, sequence.memory, H, slice, turn_place<S, false, true>(place, H, P));
  const Exchange<S, 1, true> states(shared, place, sequence.memory, H, slice, turn_place<S, false, false>(place, H, P));
  const SharedSpan<S> weight = shared.array<S>(place.shared.weight, G * place.units * place.shared.weight_row);
  const SharedSpan<S> projection = shared.array<S>(place.shared.projection, place.outputs * place.shared.projected_row);
  const SharedSpan<float> partial =
      shared.array<float>(place.shared.partial, (kParts - 1) * (place.units / kTileUnits) * 32 * G * kTiles * 4);
  const Mine my(place.units);
  const uint32_t block_unit = hidden.rank() * place.units;
  const Numbers<Mine> numbers{block_unit + my.first_unit(), my.first_row(), H, slice.rows};
  const bool has_units = block_unit + my.warp_unit() < H;
  const bool finishes = has_units && my.finishes();
  const Outputs<Mine> outputs = outputs_of(my, place, hidden.rank(), P, slice.rows);

  const ProductPlace of_gates = product_place<S, G, 0>(my, place.shared.weight_row, states.row(), P);
  const ProductPlace of_outputs = product_place<S, 1, 0>(my, place.shared.projected_row, hidden.row(), H);
  hidden.init();
  wait_for_previous();
  ForwardInput<Cell, Mine> input{};
  Biases<Cell, Mine> biases{};
  float c[Mine::kOwn] = {};
  const int64_t begin = slice.at_position(slice.reverse ? sequence.last - 1 : sequence.first).offset - slice.first_row;
  const float *pre = at<float>(d.pre, -begin * G * H);
  StepRows ahead{};
  if (hidden.takes_part()) {
    load_weight<S, G, kParts, 0>(weight, {block_unit, place.units, place.shared.weight_row},
                                 {at<S>(d.weight_hh, 0), H, P}, place.wide);
    load_weight<S, 1, kParts, 0>(projection, {outputs.first, place.outputs, place.shared.projected_row},
                                 {at<S>(d.weight_hr, 0), P, H}, place.wide_hr);
    load_rows(states.operand(), 0, place.rows, states.row(), {0, states.row(), 0}, P, place.wide,
              [&](uint32_t r) -> const S * {
                return r < slice.rows ? at<S>(static_cast<const void *>(d.state), (int64_t{slice.first_row} + r) * P)
                                      : nullptr;
              });
    clear_operand<S>(hidden, place.rows);
    biases.template read<S>(numbers, d.bias_ih, d.bias_hh);
    const float *from = at<float>(static_cast<const void *>(d.c), numbers.first_element(slice.first_row, H));
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      c[e] = numbers.exists(e) ? load_whole(from + numbers.element_step(e, H)) : 0.0f;
    }
    input.rows = slice.at_position(sequence.first);
    input.read(slice, sequence.first, numbers, pre);
    ahead = slice.at_position(sequence.first + 1);
    wait_copies<0>();
  }
  hidden.meet_all();

  const auto steps = static_cast<uint32_t>(hidden.takes_part() ? sequence.last - sequence.first : 0);
  for (uint32_t step = 0; step < steps; ++step) {
    const int64_t position = sequence.first + step;
    const bool sends = step + 1 < steps;
    float own[G][Mine::kOwn] = {};
    float extra[Mine::kOwn];
    {
      float sums[G][kTiles][4] = {};
      if (has_units) {
        multiply(my, of_gates, Held<G, 0>{}, weight, states.operand(), 0, sums);
      }
      meet(my, partial, has_units, sums, own);
    }
    if (finishes) {
      run_cells<Cell, S>(numbers, input, biases, hidden.operand(), hidden.row(), 0, 0, own, c, extra);
      warp_barrier();
      hidden.send_own(my, place.units, 2 * step, true, [&](uint32_t r, uint32_t unit, const Wide<S, kChunk<S>> &chunk) {
        if (d.projected != nullptr && r < input.rows.places) {
          store_history(at<S>(d.projected, (input.rows.offset + r) * H + unit), place.wide_projected,
                        slice.runs(input.rows, position, r), H - unit, chunk);
        }
      });
    }
    hidden.arrive(2 * step);
    if (finishes) {
      store_gates<Cell>(numbers, input, d.gates, d.extra, own, c, extra);
    }
    const StepMask mask = outputs.numbers.mask(slice, input.rows, position);
    hidden.wait(2 * step);
    float results[1][Mine::kOwn] = {};
    {
      float sums[1][kTiles][4] = {};
      if (outputs.has) {
        multiply(my, of_outputs, Held<1, 0>{}, projection, hidden.operand(), 0, sums);
      }
      meet(my, partial, outputs.has, sums, results);
    }
    if (outputs.finishes) {
      put_outputs(outputs.numbers, mask, states.operand(), states.row(), results[0]);
      warp_barrier();
      states.send_own(my, place.outputs, 2 * step + 1, sends,
                      [&](uint32_t r, uint32_t output, const Wide<S, kChunk<S>> &chunk) {
                        if (r < input.rows.places) {
                          store_history(at<S>(d.history, (input.rows.offset + r) * d.history_row + output),
                                        place.wide_history, slice.runs(input.rows, position, r), P - output, chunk);
                        }
                      });
    }
    if (sends) {
      states.arrive(2 * step + 1);
      input.rows = ahead;
      ahead = slice.at_position(position + 2);
      input.read(slice, position + 1, numbers, pre);
      states.wait(2 * step + 1);
    } else {
      let_next_start();
    }
  }

  // What is overwritten here, other blocks read before their first exchange, of which there was one at least.
  if (steps != 0) {
    const int64_t first = numbers.first_element(slice.first_row, H);
    const int64_t first_output = outputs.numbers.first_element(slice.first_row, P);
    const uint32_t newest = outputs.numbers.first_row * states.row() + outputs.numbers.first_unit;
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      if (numbers.exists(e)) {
        store_whole(c[e], at<float>(d.c, first + numbers.element_step(e, H)));
      }
      if (outputs.numbers.exists(e)) {
        store_whole(states.operand().get(newest + outputs.numbers.element_step(e, states.row())),
                    at<S>(d.state, first_output + outputs.numbers.element_step(e, P)));
      }
    }
  }
  hidden.meet_all();
}

template <class S>
auto projected_forward_kernels() {
  return [](auto tiles) {
    using T = decltype(tiles);
    return &projected_forward_sequence_kernel<S, T::kTiles, T::kParts>;
  };
}

template <class S>
cudaError_t launch_projected_forward_of(const Target &target, const SequenceLayout &layout,
                                        const ForwardSequence &sequence) {
  const SequenceProblem problem = projected_problem(sequence, false);
  return with_projected<S, false>(layout, problem, projected_forward_kernels<S>(), [&](auto kernel) {
    SequencePlace place = place_of(layout, problem);
    place.wide = place.wide_history = place.wide_hr = place.wide_projected = true;
    for (int k = 0; k < sequence.directions; ++k) {
      const ForwardSequenceDirection &d = sequence.direction[k];
      const auto wide = [](std::initializer_list<const void *> arrays, std::initializer_list<int64_t> rows) {
        return aligned(kChunk<S>, sizeof(S), arrays, rows);
      };
      place.wide = place.wide && wide({d.weight_hh, d.state}, {sequence.P});
      place.wide_history = place.wide_history && wide({d.history}, {d.history_row, sequence.P});
      place.wide_hr = place.wide_hr && wide({d.weight_hr}, {sequence.H});
      place.wide_projected = place.wide_projected && wide({d.projected}, {sequence.H});
    }
    return launch_sequence(target, layout, sequence, place, kernel);
  });
}

template <class S>
cudaError_t projected_forward_blocks(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks) {
  return with_projected<S, false>(layout, problem, projected_forward_kernels<S>(), [&](auto kernel) {
    return blocks_at_once(shape_of(layout, place_of(layout, problem), problem.directions), kernel, blocks);
  });
}

}  // namespace rondo::kernels::cuda
