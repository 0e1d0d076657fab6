// One forward call on the CPU: every member of the team runs the same line of phases and takes its part of each.
#pragma once

#include "backend/cpu/rows.h"

namespace rondo::cpu {

template <class C>
class ForwardRun {
 public:
  // packed: after its header, or NULL; reserve: NULL in inference.
  ForwardRun(const Facts<C> &facts, const ForwardCall &call, const ForwardSpace<C> &space, const Reserve<C> *reserve,
             char *packed)
      : facts_(facts), dims_(facts.dims), call_(call), space_(space), reserve_(reserve), packed_(packed) {}

  void operator()(const Member &member) const;

 private:
  struct Source {  // what a layer reads
    const C *rows;
    int64_t row;
  };
  struct Pass {  // one layer and direction
    int64_t layer, direction;
    Source source;
    C *history;  // [S, D*O]
    ForwardWeights<C> weights;
  };

  Source first_source(const Member &member) const;
  Source next_source(const Member &member, int64_t layer) const;
  C *history_of(int64_t layer) const;
  void run_pass(const Member &member, const Pass &pass) const;
  int64_t chunk_end(int64_t done) const;
  void step(const Member &member, const Pass &pass, int64_t t, const C *pre, const C *state, C *next) const;
  void project(const Member &member, const Pass &pass, int64_t t, C *next) const;
  void store_states(const Member &member, const Pass &pass) const;
  int64_t step_at(const Pass &pass, int64_t position) const {
    return pass.direction == 0 ? position : space_.map.T() - 1 - position;
  }
  C *projected_row(const Pass &pass, int64_t p, int64_t r) const;
  uint64_t seed() const { return call_.args.seed_ptr != nullptr ? *call_.args.seed_ptr : call_.args.seed; }
  uint64_t offset() const { return call_.args.offset_ptr != nullptr ? *call_.args.offset_ptr : call_.args.offset; }

  const Facts<C> &facts_;
  const Dimensions &dims_;
  const ForwardCall &call_;
  const ForwardSpace<C> &space_;
  const Reserve<C> *reserve_;
  char *packed_;
};

// The dropout after a layer, of a call with this seed and offset.
template <class C>
LayerDropout layer_dropout(const Facts<C> &facts, uint64_t seed, uint64_t offset, int64_t layer) {
  const double p = facts.spec.dropout;
  return {kernels::dropout_key(seed, offset, static_cast<uint32_t>(layer)), kernels::dropout_threshold(p), p,
          facts.problem.training && p > 0};
}

// Rows of one tile of products: it stays in the first cache level with the panel's width.
inline constexpr int64_t rows_per_tile = 96;

}  // namespace rondo::cpu
