// Forward: per layer and direction the input products of a chunk of steps, then the steps, one barrier each (two with
// projection).
#include "backend/cpu/forward.h"

#include <cstring>

#include "backend/cpu/products.h"

namespace rondo::cpu {

template <class C>
C *ForwardRun<C>::history_of(int64_t layer) const {
  if (reserve_ != nullptr) {
    return reserve_->history(layer);
  }
  const bool last = layer == dims_.L - 1;
  if (last && call_.args.y != nullptr && facts_.storage_is_compute() && space_.map.direct()) {
    return static_cast<C *>(call_.args.y);
  }
  return space_.history[dims_.L == 1 ? 0 : layer % 2];
}

template <class C>
auto ForwardRun<C>::first_source(const Member &member) const -> Source {
  if (facts_.storage_is_compute() && space_.map.direct()) {
    return {static_cast<const C *>(call_.args.x), dims_.I};
  }
  Rows<C>(facts_, space_.map, member).load(call_.args.x, dims_.I, space_.input, dims_.I);
  return {space_.input, dims_.I};
}

template <class C>
auto ForwardRun<C>::next_source(const Member &member, int64_t layer) const -> Source {
  const LayerDropout dropout = layer_dropout(facts_, seed_, offset_, layer - 1);
  const C *below = history_of(layer - 1);
  if (!dropout.active) {
    return {below, dims_.output};
  }
  Rows<C>(facts_, space_.map, member)
      .apply_dropout(dropout, true, below, dims_.output, dims_.output, space_.input, dims_.output);
  return {space_.input, dims_.output};
}

template <class C>
void ForwardRun<C>::operator()(const Member &member) const {
  Arena packed(packed_);
  for (int64_t layer = 0; layer < dims_.L; ++layer) {
    const Source source = layer == 0 ? first_source(member) : next_source(member, layer);
    for (int64_t direction = 0; direction < dims_.D; ++direction) {
      Arena own(space_.weights);
      const ForwardWeights<C> weights(packed_ != nullptr ? packed : own, dims_, dims_.input(layer));
      if (packed_ == nullptr) {
        weights.pack(member, facts_.spec, dims_, call_.args.params, layer, direction);
      }
      run_pass(member, {layer, direction, source, history_of(layer), weights});
      member.sync();
    }
  }
  C *y = history_of(dims_.L - 1);
  if (call_.args.y != nullptr && y != call_.args.y) {
    if (member.index == 0) {
      std::fill_n(space_.padding_row, dims_.output, static_cast<C>(facts_.spec.padding_value));
    }
    member.sync();
    Rows<C>(facts_, space_.map, member).store(y, dims_.output, dims_.output, space_.padding_row, call_.args.y);
  }
}

// Past the last step, in processing order, of the chunk that begins after `done` steps.
template <class C>
int64_t ForwardRun<C>::chunk_end(int64_t done) const {
  // Both directions cut alike by step count: a chunk has room for the batch at its widest.
  const int64_t steps = std::max<int64_t>(1, facts_.chunk_rows(space_.map.N()) / std::max<int64_t>(1, space_.map.N()));
  return std::min(space_.map.T(), done + steps);
}

template <class C>
void ForwardRun<C>::run_pass(const Member &member, const Pass &pass) const {
  const SequenceMap &map = space_.map;
  const Rows<C> rows(facts_, map, member);
  const int64_t index = pass.layer * dims_.D + pass.direction;
  // Rows that join later find h0 in both states.
  rows.load_state(call_.args.h0, facts_.spec.storage(), index, dims_.O, space_.state[0], dims_.padded_O);
  rows.load_state(call_.args.h0, facts_.spec.storage(), index, dims_.O, space_.state[1], dims_.padded_O);
  if (facts_.cell().has_cell_state) {
    rows.load_state(call_.args.c0, facts_.spec.cell_state_dtype(), index, dims_.H, space_.c, dims_.padded_H);
  }
  member.sync();
  for (int64_t done = 0; done < map.T();) {
    const int64_t end = chunk_end(done);
    const int64_t first = map.offset(std::min(step_at(pass, done), step_at(pass, end - 1)));
    const int64_t last = map.offset(std::max(step_at(pass, done), step_at(pass, end - 1)) + 1);
    RowsProduct<C>{pass.source.rows + first * pass.source.row,
                   pass.source.row,
                   last - first,
                   dims_.input(pass.layer),
                   pass.weights.ih,
                   dims_.gate_panels,
                   space_.pre,
                   dims_.gates,
                   false}
        .run(facts_.kernel, member);
    member.sync();
    for (; done < end; ++done) {
      const int64_t t = step_at(pass, done);
      C *next = space_.state[(done + 1) % 2];
      step(member, pass, t, space_.pre + (map.offset(t) - first) * dims_.gates, space_.state[done % 2], next);
      member.sync();
      if (dims_.P > 0) {
        project(member, pass, t, next);
        member.sync();
      }
    }
  }
  store_states(member, pass);
}

template <class C>
C *ForwardRun<C>::projected_row(const Pass &pass, int64_t p, int64_t r) const {
  return reserve_ != nullptr ? reserve_->projected(pass.layer, pass.direction) + p * dims_.padded_H
                             : space_.projected + r * dims_.padded_H;
}

template <class C>
void ForwardRun<C>::step(const Member &member, const Pass &pass, int64_t t, const C *pre, const C *state,
                         C *next) const {
  const Panels &panels = dims_.gate_panels;
  const auto cell = facts_.kernel.forward[facts_.spec.cell][facts_.storage()];
  auto *tile = static_cast<C *>(member.scratch);
  const int64_t active = space_.map.active(t);
  const int64_t p0 = space_.map.offset(t);
  for (int64_t panel = member.first(panels.count()); panel < member.last(panels.count()); ++panel) {
    const int64_t column = panel * panels.width();
    const int64_t unit = panel * dims_.units_per_gate_panel();
    const int64_t width = int64_t{panels.vectors_at(panel)} * panels.lanes;
    for (int64_t r = 0; r < active; r += rows_per_tile) {
      const int64_t rows = std::min(rows_per_tile, active - r);
      facts_.kernel.product({state + r * dims_.padded_O, dims_.padded_O, 1,
                             pass.weights.hh + panels.offset(panel, dims_.O), rows, dims_.O, panels.vectors_at(panel),
                             tile, width, false});
      kernels::ForwardTile<C> work{};
      work.rows = rows;
      work.units = std::min(dims_.units_per_gate_panel(), dims_.H - unit);
      work.pre = pre + r * dims_.gates + column;
      work.pre_row = dims_.gates;
      work.recurrent = tile;
      work.recurrent_row = width;
      work.bias_x = pass.weights.bias_x + column;
      work.bias_h = pass.weights.bias_h + column;
      work.h_prev = state + r * dims_.padded_O + unit;
      work.h_prev_row = dims_.padded_O;
      work.c = facts_.cell().has_cell_state ? space_.c + r * dims_.padded_H + unit : nullptr;
      work.c_row = dims_.padded_H;
      if (dims_.P > 0) {
        work.h = projected_row(pass, p0 + r, r) + unit;
        work.h_row = dims_.padded_H;
      } else {
        work.h = next + r * dims_.padded_O + unit;
        work.h_row = dims_.padded_O;
        work.history = pass.history + (p0 + r) * dims_.output + pass.direction * dims_.O + unit;
        work.history_row = dims_.output;
      }
      if (reserve_ != nullptr) {
        work.stash = reserve_->gates(pass.layer, pass.direction) + (p0 + r) * dims_.gates + column;
        work.stash_row = dims_.gates;
        work.extra = reserve_->extra(pass.layer, pass.direction) + (p0 + r) * dims_.padded_H + unit;
        work.extra_row = dims_.padded_H;
      }
      cell(work);
    }
  }
}

template <class C>
void ForwardRun<C>::project(const Member &member, const Pass &pass, int64_t t, C *next) const {
  const Panels panels = dims_.plain_panels(dims_.O);
  auto *tile = static_cast<C *>(member.scratch);
  const int64_t active = space_.map.active(t);
  const int64_t p0 = space_.map.offset(t);
  for (int64_t panel = member.first(panels.count()); panel < member.last(panels.count()); ++panel) {
    const int64_t column = panel * panels.width();
    const int64_t width = int64_t{panels.vectors_at(panel)} * panels.lanes;
    const int64_t valid = std::min(width, dims_.O - column);
    for (int64_t r = 0; r < active; r += rows_per_tile) {
      const int64_t rows = std::min(rows_per_tile, active - r);
      facts_.kernel.product({projected_row(pass, p0 + r, r), dims_.padded_H, 1,
                             pass.weights.hr + panels.offset(panel, dims_.H), rows, dims_.H, panels.vectors_at(panel),
                             tile, width, false});
      facts_.kernel.round[facts_.storage()](tile, rows * width);
      for (int64_t k = 0; k < rows; ++k) {
        const C *h = tile + k * width;
        std::copy_n(h, valid, next + (r + k) * dims_.padded_O + column);
        std::copy_n(h, valid, pass.history + (p0 + r + k) * dims_.output + pass.direction * dims_.O + column);
      }
    }
  }
}

template <class C>
void ForwardRun<C>::store_states(const Member &member, const Pass &pass) const {
  const SequenceMap &map = space_.map;
  const Rows<C> rows(facts_, map, member);
  const int64_t index = pass.layer * dims_.D + pass.direction;
  const auto last_h = [&](int64_t r) -> const C * {
    if (map.length(r) == 0) {
      return space_.state[0] + r * dims_.padded_O;
    }
    const int64_t p = pass.direction == 0 ? map.offset(map.length(r) - 1) + r : r;
    return pass.history + p * dims_.output + pass.direction * dims_.O;
  };
  rows.store_state(last_h, facts_.spec.storage(), index, dims_.O, call_.args.hn);
  rows.store_state([&](int64_t r) -> const C * { return space_.c + r * dims_.padded_H; },
                   facts_.spec.cell_state_dtype(), index, dims_.H, call_.args.cn);
}

template class ForwardRun<float>;
template class ForwardRun<double>;

}  // namespace rondo::cpu
