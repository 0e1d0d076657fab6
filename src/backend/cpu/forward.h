// One forward call on the CPU: every member of the team runs the same line of phases and takes its part of each.
#pragma once

#include "backend/cpu/products.h"
#include "backend/cpu/rows.h"
#include "backend/cpu/split.h"

namespace rondo::cpu {

template <class C>
class ForwardRun {
 public:
  // packed: after its header, or NULL; reserve: NULL in inference.
  ForwardRun(const Facts<C> &facts, const ForwardCall &call, const ForwardSpace<C> &space, const Reserve<C> *reserve,
             char *packed, uint64_t seed, uint64_t offset, Sharing sharing, bool backwards)
      : facts_(facts),
        dims_(facts.dims),
        call_(call),
        space_(space),
        reserve_(reserve),
        packed_(packed),
        seed_(seed),
        offset_(offset),
        split_(sharing.split),
        layer_split_(sharing.of_layer()),
        piece_steps_(sharing.piece_steps),
        backwards_(backwards) {}

  void operator()(const Member &member) const;

 private:
  // Rows as a product reads them: of C, or of bf16 where the bf16 dot product is used.
  struct Source {  // what a layer reads
    const C *rows;
    int64_t row;
    const kernels::Bf16 *pairs;
    int64_t pairs_row;
    bool shared;  // whether members wrote parts of it for each other
  };
  struct Pass {  // one layer and direction
    int64_t layer, direction;
    Source source;
    C *history;  // [S, D*O]
    ForwardWeights<C> weights;
    bool shares_inputs;  // whether members wrote parts of source and weights for each other
    Split split;
    int64_t group;  // panels whose cells run together
    bool packs;     // whether a panel is packed when its one product comes
    bool far;       // whether a member's panels of W_hh lie beyond the second cache level
    const PassSpace<C> &space;
  };
  // h before a step, [rows, O]; pairs too for the bf16 dot product, [rows, padded O]. This and Range go by reference: a
  // copy costs a small step more than its cells, since the compiler writes its members one by one and reads two at
  // once, which processors do not forward from their stores.
  struct State {
    const C *rows;
    int64_t row;
    const kernels::Bf16 *pairs;
  };

  Source first_source(const Member &member) const;
  Source next_source(const Member &member, int64_t layer, const Range &of) const;
  C *history_of(int64_t layer) const;
  Source as_pairs(const Range &of, const C *rows, int64_t row, int64_t pairs_row) const;
  int64_t input_row(int64_t layer) const;
  void run_two_layers(const Member &member, int64_t lower, const Source &source, Arena &packed) const;
  void run_layer(const Member &member, int64_t layer, const Source &source, Arena &packed) const;
  void run_pass(const Member &member, const Pass &pass) const;
  State load_states(const Member &member, const Pass &pass, const Share &share) const;
  template <class What>
  void with_input_product(const Pass &pass, int64_t first, int64_t rows, int64_t row_step, C *pre, What &&what) const;
  bool inputs_with_steps() const;
  bool inputs_by_rows(const Member &member, const Pass &pass, const Share &share, int64_t first, int64_t last) const;
  int64_t end_of_run(int64_t t, int64_t last) const;
  void input_products_of_rows(const Pass &pass, const Share &share, int64_t first, int64_t last) const;
  bool input_products(const Member &member, const Pass &pass, int64_t first, int64_t last) const;
  int64_t chunk_end(int64_t done) const;
  State run_steps(const Member &member, const Pass &pass, const Share &share, const Range &done, const C *pre,
                  const State &from) const;
  Range packed_rows(const Pass &pass, const Range &steps) const;
  void input_products_of_piece(const Member &member, const Pass &pass, const Range &steps, C *pre) const;
  void ask_for_products(const Pass &pass, const Range &steps, const C *pre, int64_t begin) const;
  void run_beside(const Member &member, const Roles &roles, const Pass &pass, const Share &share,
                  const State &from) const;
  // One step's units and rows of this member; `backwards` takes the panels in descending order.
  void step(const Member &member, const Pass &pass, const Share &share, int64_t t, const C *pre, const State &state,
            int next, bool backwards) const;
  struct TileRows {
    int64_t first, count;  // of the state
    int64_t position;      // of the first one's input
    int64_t active;        // of the whole step
    const C *pre;          // the first one's input products, of the group's columns; NULL: made here
    int64_t pre_row;
  };
  void tile_products(const Pass &pass, const Share &share, const TileRows &rows, const Range &group, bool backwards,
                     const State &state, C *tile, C *inputs) const;
  void panels_step(const Member &member, const Pass &pass, const Share &share, int64_t t, const Range &group,
                   bool backwards, const C *pre, const State &state, int next) const;
  struct Operand {  // a product's left side: of C, or of bf16 for the bf16 dot product
    const C *rows;
    const kernels::Bf16 *pairs;
    int64_t row;
  };
  Operand state_rows(const State &state, int64_t r, int64_t row_step) const;
  Operand input_rows(const Pass &pass, int64_t p, int64_t row_step) const;
  void gate_product(const Operand &a, const GateMatrix<C> &matrix, int64_t panel, int64_t place, int64_t rows,
                    int64_t of_rows, C *to, int64_t to_row, const C *ahead) const;
  bool packs_panels() const;
  void pack_panel(const Pass &pass, ParamKind kind, const GateMatrix<C> &matrix, int64_t panel, int64_t place) const;
  int64_t panels_per_tile(const Member &member, bool far) const;
  void project(const Member &member, const Pass &pass, int64_t t, C *next) const;
  void ask_for_states(const Share &share, int64_t active, const State &state) const;
  void store_states(const Member &member, const Pass &pass, const Share &share) const;
  int64_t step_at(const Pass &pass, int64_t position) const {
    return pass.direction == 0 ? position : space_.map.T() - 1 - position;
  }
  C *projected_row(const Pass &pass, int64_t p, int64_t r) const;

  const Facts<C> &facts_;
  const Dimensions &dims_;
  const ForwardCall &call_;
  const ForwardSpace<C> &space_;
  const Reserve<C> *reserve_;
  char *packed_;
  uint64_t seed_, offset_;
  Split split_, layer_split_;
  int64_t piece_steps_;
  bool backwards_;  // which way the first step takes its panels
};

// Multiply-adds from which on a product takes long beside a meeting, and what slows down a core shows.
inline constexpr int64_t large_multiply_adds = int64_t{1} << 26;

// Rows that a product of its own is worth: some register blocks.
inline constexpr int64_t least_rows_of_run = 16;

// One tile of products stays in the first cache level, or two of them close to it: many rows of one panel, or few rows
// of some. Where blocks of K pass over far panels, a tile is as large as the scratch.
inline constexpr int64_t tile_elements = 4096;
inline constexpr int64_t most_panels_per_tile = 4;
inline constexpr int64_t most_tile_elements = 8192;
static_assert(2 * most_tile_elements * sizeof(double) <= member_scratch_bytes);

}  // namespace rondo::cpu
