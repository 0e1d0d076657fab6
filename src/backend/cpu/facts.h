// Facts: what forward and backward need to know of their plan, and the layouts of its memory: workspace, reserve,
// packed parameters.
#pragma once

#include "backend/cpu/products.h"
#include "backend/cpu/split.h"
#include "backend/cpu/weights.h"
#include "core/arena.h"
#include "core/call.h"
#include "core/sequence_map.h"
#include "core/tags.h"
#include "kernels/cell/dropout.h"

namespace rondo::cpu {

// Rows of a step that its products and cells take at a time.
inline constexpr int64_t rows_per_tile = 64;
// Rows of a step that read the weights often enough by themselves.
inline constexpr int64_t many_rows = 48;

template <class C>
struct Facts {
  Spec spec;
  Problem problem;
  Dimensions dims;
  const kernels::Kernels<C> &kernel;
  uint64_t plan_id;        // unique in the process; a reserve carries it
  uint64_t packed_format;  // of spec and instruction set

  const kernels::CellFacts &cell() const { return kernel.cells[spec.cell]; }
  int storage() const { return static_cast<int>(spec.dtype); }
  // Whether the caller's data can be computed on as it lies.
  bool storage_is_compute() const { return dtype_size(spec.storage()) == static_cast<int64_t>(sizeof(C)); }
  int64_t element_bytes() const { return dtype_size(spec.storage()); }
  // Whether a tile of rows of both operands of a step, with a panel of the weights of either, stays in the second cache
  // level: then the input products of `many_rows` rows are made with the steps.
  bool inputs_fit_steps() const {
    const int64_t elements = (rows_per_tile + dims.gate_panels.width()) * (dims.widest_input + dims.O);
    return elements <= (1 << 20) / static_cast<int64_t>(sizeof(C));
  }
  // Rows of input products made at a time: about half a MiB, so that the steps find them in cache, or as many as make
  // up for the way of the weights through it. From the spec alone, not the threads.
  int64_t chunk_rows(int64_t N) const {
    const bool far = panels_are_farthest<C>(dims.gates, dims.widest_input) || (N >= many_rows && !inputs_fit_steps());
    const int64_t least = far ? rows_of_chunk : rows_per_tile;
    return std::max(N, std::clamp<int64_t>((512 << 10) / static_cast<int64_t>(sizeof(C)) / dims.gates, least, 1024));
  }
  // How many steps at most one member may make while others make the next input products, or another layer's steps, 0
  // for none: there is room for those of all or of two pieces; with a projection all make every step.
  int64_t most_steps_beside(int64_t T, int64_t N, int64_t S) const {
    const int64_t room = chunk_rows(N);
    const int64_t most = S <= room ? most_piece_steps : std::min(most_piece_steps, room / (2 * N));
    return dims.P > 0 || T <= most_piece_steps ? 0 : most;
  }
};

// The dropout of one layer's output, in a call with one seed and offset.
struct LayerDropout {
  uint64_t key;
  uint64_t threshold;
  double p;
  bool active;
};

template <class C>
LayerDropout layer_dropout(const Facts<C> &facts, uint64_t seed, uint64_t offset, int64_t layer) {
  const double p = facts.spec.dropout;
  return {kernels::dropout_key(seed, offset, static_cast<uint32_t>(layer)), kernels::dropout_threshold(p), p,
          facts.problem.training && p > 0};
}

// What forward leaves for backward. Per layer the output history [S, D*O]; per layer and direction the gates [S,
// gates], the cell's extra value [S, padded H] and, with a projection, what was projected [S, padded H].
struct ReserveHeader {
  uint64_t magic;
  ReserveTag tag;
  uint64_t seed, offset;
};
inline constexpr uint64_t reserve_magic = 0x72646F6E2D727631u;
inline constexpr uint64_t packed_magic = 0x72646F6E2D706B31u;

struct PackedHeader {
  uint64_t magic, format;
};

template <class C>
struct Reserve {
  ReserveHeader *header;
  C *history_, *gates_, *extra_, *projected_;
  int64_t S;
  const Dimensions &dims;

  Reserve(Arena &arena, const Facts<C> &facts, Checked rows)
      : header(arena.take<ReserveHeader>(1)),
        history_(arena.take<C>(rows * facts.dims.L * facts.dims.output)),
        gates_(arena.take<C>(rows * facts.dims.L * facts.dims.D * facts.dims.gates)),
        extra_(arena.take<C>(facts.cell().has_extra ? rows * facts.dims.L * facts.dims.D * facts.dims.padded_H
                                                    : Checked(0))),
        projected_(
            arena.take<C>(facts.dims.P > 0 ? rows * facts.dims.L * facts.dims.D * facts.dims.padded_H : Checked(0))),
        S(rows.value()),
        dims(facts.dims) {}

  C *history(int64_t layer) const { return history_ + layer * S * dims.output; }
  C *gates(int64_t layer, int64_t direction) const { return gates_ + (layer * dims.D + direction) * S * dims.gates; }
  C *extra(int64_t layer, int64_t direction) const { return extra_ + (layer * dims.D + direction) * S * dims.padded_H; }
  C *projected(int64_t layer, int64_t direction) const {
    return projected_ + (layer * dims.D + direction) * S * dims.padded_H;
  }
};

// What the steps of one layer and direction work in.
template <class C>
struct PassSpace {
  C *pre;                         // [chunk rows, gates]
  C *state[2];                    // [N, padded O] each: steps take turns
  C *c;                           // [N, padded H]
  C *projected;                   // [N, padded H]; inference with projection
  kernels::Bf16 *state_pairs[2];  // [N, padded O]: the states as operands of the bf16 dot product
  char *weights;                  // one layer and direction's, where the parameters are not packed

  PassSpace(Arena &arena, const Facts<C> &facts, Checked N, Checked S)
      : pre(arena.take<C>(Checked(std::min(S.value(), facts.chunk_rows(N.value()))) * facts.dims.gates)),
        state{arena.take<C>(N * facts.dims.padded_O), arena.take<C>(N * facts.dims.padded_O)},
        c(arena.take<C>(facts.cell().has_cell_state ? N * facts.dims.padded_H : Checked(0))),
        projected(arena.take<C>(facts.dims.P > 0 && !facts.problem.training ? N * facts.dims.padded_H : Checked(0))),
        state_pairs{arena.take<kernels::Bf16>(facts.dims.dot != nullptr ? N * facts.dims.padded_O : Checked(0)),
                    arena.take<kernels::Bf16>(facts.dims.dot != nullptr ? N * facts.dims.padded_O : Checked(0))},
        weights(arena.take<char>(0)) {
    ForwardWeights<C>(arena, facts.dims, facts.dims.widest_input);
  }
};

template <class C>
struct ForwardSpace {
  SequenceMap map;
  void *scratch;         // member 0's
  C *input;              // [S, widest input]
  kernels::Bf16 *pairs;  // [S, even widest input]: a layer\'s input as operand of the bf16 dot product
  C *history[2];         // [S, D*O] each; inference only: layers take turns
  C *padding_row;        // [D*O]
  PassSpace<C> pass[2];  // by direction, or by layer of two; one place where they only run one after the other

  ForwardSpace(Arena &arena, const Facts<C> &facts, Checked T, Checked N, Checked S)
      : map(arena, T, N),
        scratch(arena.take<char>(member_scratch_bytes)),
        input(arena.take<C>(S * facts.dims.widest_input)),
        pairs(arena.take<kernels::Bf16>(facts.dims.dot != nullptr ? S * kernels::bf16_even(facts.dims.widest_input)
                                                                  : Checked(0))),
        history{arena.take<C>(facts.problem.training ? Checked(0) : S * facts.dims.output),
                arena.take<C>(facts.problem.training || facts.dims.L == 1 ? Checked(0) : S * facts.dims.output)},
        padding_row(arena.take<C>(facts.dims.output)),
        pass{PassSpace<C>(arena, facts, N, S),
             facts.dims.directions_apart(sizeof(C)) || facts.dims.layers_apart(sizeof(C))
                 ? PassSpace<C>(arena, facts, N, S)
                 : pass[0]} {}
};

template <class C>
struct BackwardSpace {
  SequenceMap map;
  void *scratch;
  C *input;          // [S, widest input]: the layer's x after dropout
  C *gradient[2];    // [S, max(widest input, D*O)] each: dy of a layer, then its dx
  C *dx_gates;       // [S, gates]; absent where the reserve may be consumed
  C *dh_gates;       // [S, gates]; only where it differs from dx_gates
  C *dh, *dc;        // [N, padded O], [N, padded H]
  C *h0, *c0;        // [N, padded O], [N, padded H]
  C *d_output;       // [S, padded O]: gradient of h after rounding, with projection only
  C *d_projected;    // [N, padded H]: gradient of what was projected, with projection only
  const C **h_prev;  // [S]: each packed row's previous h
  C *d_weight;       // [max(gates, padded O), widest columns]
  C *d_bias;         // [gates]
  char *weights;

  static int64_t widest_columns(const Dimensions &dims) {
    return round_up(std::max({dims.widest_input, dims.O, dims.P > 0 ? dims.H : 0}), dims.lanes);
  }

  BackwardSpace(Arena &arena, const Facts<C> &facts, Checked T, Checked N, Checked S)
      : map(arena, T, N),
        scratch(arena.take<char>(member_scratch_bytes)),
        input(arena.take<C>(S * facts.dims.widest_input)),
        gradient{arena.take<C>(S * gradient_row(facts.dims)), arena.take<C>(S * gradient_row(facts.dims))},
        dx_gates(arena.take<C>(facts.spec.consume_reserve != 0 ? Checked(0) : S * facts.dims.gates)),
        dh_gates(arena.take<C>(facts.cell().splits_gradient ? S * facts.dims.gates : Checked(0))),
        dh(arena.take<C>(N * facts.dims.padded_O)),
        dc(arena.take<C>(facts.cell().has_cell_state ? N * facts.dims.padded_H : Checked(0))),
        h0(arena.take<C>(N * facts.dims.padded_O)),
        c0(arena.take<C>(facts.cell().has_cell_state ? N * facts.dims.padded_H : Checked(0))),
        d_output(arena.take<C>(facts.dims.P > 0 ? S * facts.dims.padded_O : Checked(0))),
        d_projected(arena.take<C>(facts.dims.P > 0 ? N * facts.dims.padded_H : Checked(0))),
        h_prev(arena.take<const C *>(S)),
        d_weight(arena.take<C>(Checked(std::max(facts.dims.gates, facts.dims.padded_O)) * widest_columns(facts.dims))),
        d_bias(arena.take<C>(facts.dims.gates)),
        weights(arena.take<char>(0)) {
    BackwardWeights<C>(arena, facts.dims, facts.dims.widest_input);
  }

  // Rows of gradients are padded to whole vectors: products write them.
  static int64_t gradient_row(const Dimensions &dims) {
    return round_up(std::max(dims.widest_input, dims.output), dims.lanes);
  }
};

}  // namespace rondo::cpu
