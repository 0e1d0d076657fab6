// The forward kernel over a whole sequence: product, cells, exchange, and while that is under way the stores and the
// next position's loads. c stays in f32 in registers; h, as it is stored, in shared memory.
#pragma once

#include "kernels/cuda/cells.h"
#include "kernels/cuda/persistent_exchange.h"
#include "kernels/cuda/persistent_launch.h"
#include "kernels/cuda/persistent_load.h"
#include "kernels/cuda/persistent_rows.h"

namespace rondo::kernels::cuda {

// The biases of a thread's units. A cell that sees only x + h gets both with h.
template <class Cell, class Mine>
struct Biases {
  static constexpr uint32_t kGates = Cell::kGates;
  float of_x[Mine::kHalves][kGates], of_h[Mine::kHalves][kGates];

  template <class S>
  RONDO_DEVICE void read(const Numbers<Mine> &numbers, const void *x, const void *h) {
    RONDO_UNROLL
    for (uint32_t half = 0; half < Mine::kHalves; ++half) {
      const uint32_t unit = numbers.first_unit + half * 8;
      RONDO_UNROLL
      for (uint32_t g = 0; g < kGates; ++g) {
        const int64_t k = int64_t{g} * numbers.H + unit;
        of_x[half][g] = x != nullptr && unit < numbers.H ? widen<float>(load_whole(at<S>(x, k))) : 0.0f;
        of_h[half][g] = h != nullptr && unit < numbers.H ? widen<float>(load_whole(at<S>(h, k))) : 0.0f;
        if constexpr (!Cell::kSplitsGradient) {
          of_h[half][g] += of_x[half][g];
          of_x[half][g] = 0.0f;
        }
      }
    }
  }
};

// A position's rows and W_ih x, read while the position before it is under way.
template <class Cell, class Mine>
struct ForwardInput {
  StepRows rows;
  StepMask mask;
  float pre[Cell::kGates][Mine::kOwn];

  // of_call: where the call's first row would be.
  RONDO_DEVICE void read(const SliceRows &slice, int64_t position, const Numbers<Mine> &numbers, const float *of_call) {
    mask = numbers.mask(slice, rows, position);
    const uint32_t width = Cell::kGates * numbers.H;
    const float *from = of_call + numbers.first_element(rows.offset, width);
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      RONDO_UNROLL
      for (uint32_t g = 0; g < Cell::kGates; ++g) {
        pre[g][e] = mask.runs(e) ? load_whole(&from[numbers.element_step(e, width) + g * numbers.H]) : 0.0f;
      }
    }
  }
};

// A thread's cells at one position: sums become gates, c and extra change where the row runs, and h goes from the
// place in the operand's copy `now` to the same in `next`.
template <class Cell, class S, class Mine>
RONDO_DEVICE void run_cells(const Numbers<Mine> &numbers, const ForwardInput<Cell, Mine> &input,
                            const Biases<Cell, Mine> &biases, const SharedSpan<S> &operand, uint32_t row, uint32_t now,
                            uint32_t next, float (&sums)[Cell::kGates][Mine::kOwn], float (&c)[Mine::kOwn],
                            float (&extra)[Mine::kOwn]) {
  constexpr int G = Cell::kGates;
  const uint32_t first = numbers.first_row * row + numbers.first_unit;
  RONDO_UNROLL
  for (int e = 0; e < Mine::kOwn; ++e) {
    float x[G];
    float h[G];
    RONDO_UNROLL
    for (int g = 0; g < G; ++g) {
      x[g] = input.pre[g][e] + (Cell::kSplitsGradient ? biases.of_x[Mine::half(e)][g] : 0.0f);
      h[g] = sums[g][e] + biases.of_h[Mine::half(e)][g];
    }
    const uint32_t place = first + numbers.element_step(e, row);
    const S held = numbers.has_unit(e) ? operand.get(now + place) : S{0};
    const CellForward<float, G> out = Cell::forward(x, h, widen<float>(held), c[e]);
    RONDO_UNROLL
    for (int g = 0; g < G; ++g) {
      sums[g][e] = out.gate[g];
    }
    extra[e] = out.extra;
    if constexpr (Cell::kHasCellState) {
      c[e] = input.mask.runs(e) ? out.extra : c[e];
    }
    S to;
    narrow(out.h, &to);
    if (numbers.has_unit(e)) {
      operand.set(next + place, input.mask.runs(e) ? to : held);
    }
  }
}

// What backward needs of a position.
template <class Cell, class Mine>
RONDO_DEVICE void store_gates(const Numbers<Mine> &numbers, const ForwardInput<Cell, Mine> &input, void *d_gates,
                              void *d_extra, const float (&gates)[Cell::kGates][Mine::kOwn],
                              const float (&c)[Mine::kOwn], const float (&extra)[Mine::kOwn]) {
  if (d_gates != nullptr) {
    const uint32_t width = Cell::kGates * numbers.H;
    float *to = at<float>(d_gates, numbers.first_element(input.rows.offset, width));
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      RONDO_UNROLL
      for (uint32_t g = 0; g < Cell::kGates; ++g) {
        if (input.mask.is_placed(e)) {
          store_whole(input.mask.runs(e) ? gates[g][e] : 0.0f, &to[numbers.element_step(e, width) + g * numbers.H]);
        }
      }
    }
  }
  if (Cell::kHasExtra && d_extra != nullptr) {
    float *to = at<float>(d_extra, numbers.first_element(input.rows.offset, numbers.H));
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      if (input.mask.is_placed(e)) {
        // c is what it was where the row does not run.
        const float ran = input.mask.runs(e) ? extra[e] : 0.0f;
        store_whole(Cell::kHasCellState ? c[e] : ran, to + numbers.element_step(e, numbers.H));
      }
    }
  }
}

// A chunk of h to its place in history, zeros where the row does not run.
template <class S>
RONDO_DEVICE void store_history(S *to, bool wide, bool runs, uint32_t units, Wide<S, kChunk<S>> chunk) {
  if (!runs) {
    chunk = Wide<S, kChunk<S>>{};
  }
  store_chunk(to, wide, units, chunk);
}

template <class Cell, class S, int kTiles, int kParts, int kHeld>
RONDO_KERNEL void RONDO_MOST_THREADS(sequence_threads(kProductKind<S>, Cell::kGates, false, kTiles, kParts, kHeld))
    forward_sequence_kernel(const ForwardSequence sequence, const SequencePlace place) {
  constexpr int G = Cell::kGates;
  using Mine = Fragment<kTiles, kParts>;
  RONDO_DYNAMIC_SHARED(shared);
  const ForwardSequenceDirection &d = sequence.direction[block_z()];
  const auto H = static_cast<uint32_t>(sequence.H);
  const SliceRows slice = slice_of(sequence.rows, place, block_z() != 0);
  const Exchange<S, 1> exchange(shared, place, sequence.memory, H, slice);
  const SharedSpan<S> weight = shared.array<S>(place.shared.weight, G * place.units * place.shared.weight_row);
  const SharedSpan<float> partial =
      shared.array<float>(place.shared.partial, (kParts - 1) * (place.units / kTileUnits) * 32 * G * kTiles * 4);
  const Mine my(place.units);
  const uint32_t block_unit = exchange.rank() * place.units;
  const Numbers<Mine> numbers{block_unit + my.first_unit(), my.first_row(), H, slice.rows};
  const bool has_units = block_unit + my.warp_unit() < H;
  const bool finishes = has_units && my.finishes();
  const SharedSpan<S> &operand = exchange.operand();
  const uint32_t row = exchange.row();

  const ProductPlace product = product_place<S, G, kHeld>(my, place.shared.weight_row, row, exchange.depth());
  Held<G, kHeld> held;
  exchange.init();
  wait_for_previous();
  ForwardInput<Cell, Mine> input{};
  Biases<Cell, Mine> biases{};
  float c[Mine::kOwn] = {};
  const int64_t begin = slice.at_position(slice.reverse ? sequence.last - 1 : sequence.first).offset - slice.first_row;
  const float *pre = at<float>(d.pre, -begin * G * H);
  StepRows ahead{};
  if (exchange.takes_part()) {
    const Matrix<S> of_weight{at<S>(d.weight_hh, 0), H, H};
    load_held<S, false>(
        shared, product.first * kTileDepth<S>,
        [&](const SharedSpan<S> &to, uint32_t element, uint32_t r, uint32_t k) {
          copy_chunk(to, element, weight_row<S, G>(of_weight, r, block_unit + my.warp_unit()), k, H, place.wide);
        },
        held);
    load_weight<S, G, kParts, kHeld>(weight, {block_unit, place.units, place.shared.weight_row}, of_weight, place.wide);
    const Columns whole{0, row, 0};
    load_rows(operand, exchange.buffer(1), place.rows, row, whole, H, place.wide, [&](uint32_t r) -> const S * {
      return r < slice.rows ? at<S>(static_cast<const void *>(d.state), (int64_t{slice.first_row} + r) * H) : nullptr;
    });
    if (!exchange.in_place()) {
      load_rows(operand, exchange.buffer(0), place.rows, row, whole, H, false,
                [](uint32_t) -> const S * { return nullptr; });
    }
    biases.template read<S>(numbers, d.bias_ih, d.bias_hh);
    if constexpr (Cell::kHasCellState) {
      const float *from = at<float>(static_cast<const void *>(d.c), numbers.first_element(slice.first_row, H));
      RONDO_UNROLL
      for (int e = 0; e < Mine::kOwn; ++e) {
        c[e] = numbers.exists(e) ? load_whole(from + numbers.element_step(e, H)) : 0.0f;
      }
    }
    input.rows = slice.at_position(sequence.first);
    input.read(slice, sequence.first, numbers, pre);
    ahead = slice.at_position(sequence.first + 1);
    wait_copies<0>();
  }
  exchange.meet_all();

  const auto steps = static_cast<uint32_t>(exchange.takes_part() ? sequence.last - sequence.first : 0);
  // Step s multiplies what step s - 1 has put into the copy of s - 1, and step 0 what the other copy held at first.
  for (uint32_t step = 0; step < steps; ++step) {
    const int64_t position = sequence.first + step;
    const bool sends = step + 1 < steps;
    float own[G][Mine::kOwn] = {};
    float extra[Mine::kOwn];
    {
      float sums[G][kTiles][4] = {};
      if (has_units) {
        multiply(my, product, held, weight, operand, exchange.buffer(step + 1), sums);
      }
      meet(my, partial, has_units, sums, own);
      exchange.template end_product<kParts>();
    }
    if (finishes) {
      run_cells<Cell, S>(numbers, input, biases, operand, row, exchange.buffer(step + 1), exchange.buffer(step), own, c,
                         extra);
      warp_barrier();
      exchange.send_own(my, place.units, step, sends, [&](uint32_t r, uint32_t unit, const Wide<S, kChunk<S>> &chunk) {
        if (r < input.rows.places) {
          store_history(at<S>(d.history, (input.rows.offset + r) * d.history_row + unit), place.wide_history,
                        slice.runs(input.rows, position, r), H - unit, chunk);
        }
      });
    }
    if (sends) {
      exchange.arrive(step);
    } else {
      let_next_start();
    }
    if (finishes) {
      store_gates<Cell>(numbers, input, d.gates, d.extra, own, c, extra);
    }
    if (sends) {
      input.rows = ahead;
      ahead = slice.at_position(position + 2);
      input.read(slice, position + 1, numbers, pre);
      exchange.wait(step);
    }
  }

  // What is overwritten here, other blocks read at first; a cluster met then, and in a grid each exchange is a meeting.
  if (steps == 1) {
    exchange.meet_readers();
  }
  if (steps != 0) {
    const int64_t first = numbers.first_element(slice.first_row, H);
    const uint32_t newest = exchange.buffer(steps + 1) + numbers.first_row * row + numbers.first_unit;
    RONDO_UNROLL
    for (int e = 0; e < Mine::kOwn; ++e) {
      if (numbers.exists(e)) {
        store_whole(operand.get(newest + numbers.element_step(e, row)),
                    at<S>(d.state, first + numbers.element_step(e, H)));
        if constexpr (Cell::kHasCellState) {
          store_whole(c[e], at<float>(d.c, first + numbers.element_step(e, H)));
        }
      }
    }
  }
  exchange.meet_all();
}

template <class S>
auto forward_kernels() {
  return [](auto cell, auto tiles) {
    using T = decltype(tiles);
    return &forward_sequence_kernel<typename decltype(cell)::type, S, T::kTiles, T::kParts, T::kHeld>;
  };
}

template <class S>
cudaError_t launch_forward_sequence_of(const Target &target, const SequenceLayout &layout,
                                       const ForwardSequence &sequence) {
  const SequenceProblem problem{sequence.cell,   sequence.storage,    false,        sequence.H,
                                sequence.rows.N, sequence.directions, sequence.tf32};
  SequencePlace place = place_of(layout, problem);
  place.wide = place.wide_history = true;
  for (int k = 0; k < sequence.directions; ++k) {
    const ForwardSequenceDirection &d = sequence.direction[k];
    place.wide = place.wide && aligned(kChunk<S>, sizeof(S), {d.weight_hh, d.state}, {sequence.H});
    place.wide_history = place.wide_history && aligned(kChunk<S>, sizeof(S), {d.history}, {d.history_row, sequence.H});
  }
  return with_compiled<S, false>(sequence.cell, layout, forward_kernels<S>(),
                                 [&](auto kernel) { return launch_sequence(target, layout, sequence, place, kernel); });
}

template <class S>
cudaError_t forward_blocks_at_once(const SequenceLayout &layout, const SequenceProblem &problem, int *blocks) {
  return with_compiled<S, false>(problem.cell, layout, forward_kernels<S>(), [&](auto kernel) {
    return blocks_at_once(shape_of(layout, place_of(layout, problem), problem.directions), kernel, blocks);
  });
}

}  // namespace rondo::kernels::cuda
