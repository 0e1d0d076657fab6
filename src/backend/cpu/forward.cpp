// Forward: per layer and direction the input products of a chunk of steps, then the steps. Members meet where one reads
// what another wrote, and nowhere else.
#include "backend/cpu/forward.h"

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
  C *y = history_of(dims_.L - 1);
  const bool stores_y = call_.args.y != nullptr && y != call_.args.y;
  for (int64_t layer = 0; layer < dims_.L; ++layer) {
    run_layer(member, layer, layer == 0 ? first_source(member) : next_source(member, layer), packed);
    if (layer < dims_.L - 1 || stores_y) {
      member.sync();
    }
  }
  if (stores_y) {
    if (member.index == 0) {
      std::fill_n(space_.padding_row, dims_.output, static_cast<C>(facts_.spec.padding_value));
    }
    member.sync();
    Rows<C>(facts_, space_.map, member).store(y, dims_.output, dims_.output, space_.padding_row, call_.args.y);
  }
}

template <class C>
void ForwardRun<C>::run_layer(const Member &member, int64_t layer, const Source &source, Arena &packed) const {
  const bool by_direction = split_ == Split::directions && member.count > 1;
  const bool shared_source = layer > 0 || source.rows == space_.input;
  if (by_direction && shared_source) {
    member.sync();
  }
  for (int64_t direction = 0; direction < dims_.D; ++direction) {
    const PassSpace<C> &space = space_.pass[direction];
    Arena own(space.weights);
    const ForwardWeights<C> weights(packed_ != nullptr ? packed : own, dims_, dims_.input(layer));
    if (by_direction && member.index != direction) {
      continue;
    }
    const Member here = by_direction ? Member{0, 1, nullptr, member.scratch} : member;
    if (packed_ == nullptr) {
      weights.pack(here, facts_.spec, dims_, call_.args.params, layer, direction);
    }
    run_pass(here, {layer, direction, source, history_of(layer), weights, packed_ == nullptr || shared_source,
                    split_ == Split::directions ? Split::alone : split_, panels_per_tile(here),
                    panels_are_far<C>(dims_.gate_panels.count() / here.count, dims_.gate_panels, dims_.O), space});
    if (!by_direction && direction < dims_.D - 1) {
      member.sync();
    }
  }
}

// Past the last step, in processing order, of the chunk that begins after `done` steps.
template <class C>
int64_t ForwardRun<C>::chunk_end(int64_t done) const {
  // Both directions cut alike by step count: a chunk has room for the batch at its widest.
  const int64_t steps = std::max<int64_t>(1, facts_.chunk_rows(space_.map.N()) / std::max<int64_t>(1, space_.map.N()));
  return std::min(space_.map.T(), done + steps);
}

// What the first step reads. Where the caller's h0 lies as a step needs it and all rows begin there, it is read in
// place; else it is copied to both states, where rows that join later find it.
template <class C>
auto ForwardRun<C>::load_states(const Member &member, const Pass &pass, const Share &share) const -> State {
  const SequenceMap &map = space_.map;
  const Rows<C> rows(facts_, map, member);
  const int64_t index = pass.layer * dims_.D + pass.direction;
  if (facts_.cell().has_cell_state) {
    rows.load_state(call_.args.c0, facts_.spec.cell_state_dtype(), index, dims_.H, pass.space.c, dims_.padded_H,
                    {share.first_row, share.row_step, share.first_unit, share.last_unit});
  }
  if (call_.args.h0 != nullptr && facts_.storage_is_compute() && map.plain() && dims_.O == dims_.padded_O) {
    return {static_cast<const C *>(call_.args.h0) + index * map.N() * dims_.O, dims_.O};
  }
  const auto part = pass.split == Split::rows ? typename Rows<C>::StatePart{share.first_row, share.row_step, 0, dims_.O}
                                              : rows.whole_rows(dims_.O);
  rows.load_state(call_.args.h0, facts_.spec.storage(), index, dims_.O, pass.space.state[0], dims_.padded_O, part);
  rows.load_state(call_.args.h0, facts_.spec.storage(), index, dims_.O, pass.space.state[1], dims_.padded_O, part);
  return {pass.space.state[0], dims_.padded_O};
}

// W_ih x for packed rows [first, last).
template <class C>
RowsProduct<C> ForwardRun<C>::input_product(const Pass &pass, int64_t first, int64_t last) const {
  return {pass.source.rows + first * pass.source.row,
          pass.source.row,
          last - first,
          dims_.input(pass.layer),
          pass.weights.ih,
          dims_.gate_panels,
          pass.space.pre,
          dims_.gates,
          false,
          space_.map.S()};
}

// Whether each member made just the columns that it will read.
template <class C>
bool ForwardRun<C>::input_products(const Member &member, const Pass &pass, int64_t first, int64_t last) const {
  const RowsProduct<C> product = input_product(pass, first, last);
  const int64_t panels = dims_.gate_panels.count();
  const bool even = panels % member.count == 0 || panels >= int64_t{8} * member.count;
  if (pass.split != Split::rows && (even || last - first <= rows_per_piece)) {
    product.run_panels(facts_.kernel, member);
    return true;
  }
  product.run(facts_.kernel, member);
  return member.count == 1;
}

// A sequence of one step, as in streaming: both products panel by panel. Calls take the panels upwards and downwards in
// turn, so that one finds in the caches what the last left there.
template <class C>
int64_t ForwardRun<C>::lone_step(const Member &member, const Pass &pass, const Share &share, State state) const {
  const int64_t count = share.last_panel - share.first_panel;
  const RowsProduct<C> inputs = input_product(pass, 0, space_.map.S());
  for (int64_t done = 0; done < count; done += pass.group) {
    const int64_t here = std::min(pass.group, count - done);
    const int64_t first = backwards_ ? share.last_panel - done - here : share.first_panel + done;
    for (int64_t panel = first; panel < first + here; ++panel) {
      inputs.run_panel(facts_.kernel, panel, panel);
    }
    panels_step(member, pass, share, 0, {first, first + here}, backwards_, pass.space.pre, state, pass.space.state[1]);
  }
  if (dims_.P > 0) {
    member.sync();
    project(member, pass, 0, pass.space.state[1]);
    member.sync();
  }
  return 1;
}

template <class C>
void ForwardRun<C>::run_pass(const Member &member, const Pass &pass) const {
  const SequenceMap &map = space_.map;
  const Share share = share_of(pass.split, member, dims_);
  State state = load_states(member, pass, share);
  if (pass.shares_inputs || (state.rows == pass.space.state[0] && pass.split != Split::rows)) {
    member.sync();
  }
  for (int64_t done = map.T() == 1 && pass.split != Split::rows ? lone_step(member, pass, share, state) : 0;
       done < map.T();) {
    const int64_t end = chunk_end(done);
    const int64_t first = map.offset(std::min(step_at(pass, done), step_at(pass, end - 1)));
    const int64_t last = map.offset(std::max(step_at(pass, done), step_at(pass, end - 1)) + 1);
    const bool own = input_products(member, pass, first, last);
    if (!own) {
      member.sync();
    }
    for (; done < end; ++done) {
      const int64_t t = step_at(pass, done);
      C *next = pass.space.state[(done + 1) % 2];
      step(member, pass, share, t, pass.space.pre + (map.offset(t) - first) * dims_.gates, state, next, done % 2 == 1);
      state = {next, dims_.padded_O};
      if (dims_.P > 0) {
        member.sync();
        project(member, pass, t, next);
        member.sync();
      } else if (pass.split == Split::columns && done + 1 < map.T()) {
        member.sync();
      }
    }
    if (!own && pass.split == Split::rows && done < map.T()) {
      member.sync();  // the next chunk's products go where this one's were read
    }
  }
  store_states(member, pass, share);
}

template <class C>
C *ForwardRun<C>::projected_row(const Pass &pass, int64_t p, int64_t r) const {
  return reserve_ != nullptr ? reserve_->projected(pass.layer, pass.direction) + p * dims_.padded_H
                             : pass.space.projected + r * dims_.padded_H;
}

// Panels are taken in turn upwards and downwards, so that a step begins with what the last one left in the caches; a
// few at a time, so that the cells of one overlap with those of the next.
template <class C>
void ForwardRun<C>::step(const Member &member, const Pass &pass, const Share &share, int64_t t, const C *pre,
                         State state, C *next, bool backwards) const {
  const int64_t count = share.last_panel - share.first_panel;
  for (int64_t done = 0; done < count; done += pass.group) {
    const int64_t here = std::min(pass.group, count - done);
    const int64_t first = backwards ? share.last_panel - done - here : share.first_panel + done;
    panels_step(member, pass, share, t, {first, first + here}, backwards, pre, state, next);
  }
}

template <class C>
int64_t ForwardRun<C>::panels_per_tile(const Member &member) const {
  const int64_t rows = split_ == Split::rows ? divide_up(space_.map.N(), member.count) : space_.map.N();
  const int64_t one = std::clamp<int64_t>(rows, 1, rows_per_tile) * dims_.gate_panels.width();
  return std::clamp<int64_t>(tile_elements / one, 1, most_panels_per_tile);
}

template <class C>
void ForwardRun<C>::panels_step(const Member &member, const Pass &pass, const Share &share, int64_t t, Range group,
                                bool backwards, const C *pre, State state, C *next) const {
  const Panels &panels = dims_.gate_panels;
  auto *tile = static_cast<C *>(member.scratch);
  const int64_t active = space_.map.active(t);
  const int64_t mine = share.rows_of(active);
  const int64_t p0 = space_.map.offset(t);
  const int64_t column = group.first * panels.width();
  const int64_t unit = group.first * dims_.units_per_gate_panel();
  const int64_t width = std::min(group.last * panels.width(), panels.columns) - column;
  for (int64_t done = 0; done < mine; done += rows_per_tile) {
    const int64_t rows = std::min(rows_per_tile, mine - done);
    const int64_t r = share.first_row + done * share.row_step;
    for (int64_t k = group.first; k < group.last; ++k) {
      const int64_t panel = backwards ? group.last - 1 - (k - group.first) : k;
      const int64_t after = std::clamp(backwards ? panel - 1 : panel + 1, share.first_panel, share.last_panel - 1);
      facts_.kernel.product({state.rows + r * state.row, state.row * share.row_step, 1,
                             pass.weights.hh + panels.offset(panel, dims_.O), rows, dims_.O, panels.vectors_at(panel),
                             tile + panel * panels.width() - column, width, false, active,
                             pass.far ? pass.weights.hh + panels.offset(after, dims_.O) : nullptr});
    }
    kernels::ForwardTile<C> work{};
    work.rows = rows;
    work.units = std::min(group.last * dims_.units_per_gate_panel(), dims_.H) - unit;
    work.pre = pre + r * dims_.gates + column;
    work.pre_row = dims_.gates * share.row_step;
    work.recurrent = tile;
    work.recurrent_row = width;
    work.bias_x = pass.weights.bias_x + column;
    work.bias_h = pass.weights.bias_h + column;
    work.h_prev = state.rows + r * state.row + unit;
    work.h_prev_row = state.row * share.row_step;
    work.c = facts_.cell().has_cell_state ? pass.space.c + r * dims_.padded_H + unit : nullptr;
    work.c_row = dims_.padded_H * share.row_step;
    if (dims_.P > 0) {
      work.h = projected_row(pass, p0 + r, r) + unit;
      work.h_row = dims_.padded_H * share.row_step;
    } else {
      work.h = next + r * dims_.padded_O + unit;
      work.h_row = dims_.padded_O * share.row_step;
      work.history = pass.history + (p0 + r) * dims_.output + pass.direction * dims_.O + unit;
      work.history_row = dims_.output * share.row_step;
    }
    if (reserve_ != nullptr) {
      work.stash = reserve_->gates(pass.layer, pass.direction) + (p0 + r) * dims_.gates + column;
      work.stash_row = dims_.gates * share.row_step;
      work.extra = reserve_->extra(pass.layer, pass.direction) + (p0 + r) * dims_.padded_H + unit;
      work.extra_row = dims_.padded_H * share.row_step;
    }
    facts_.kernel.forward[facts_.spec.cell][facts_.storage()](work);
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
                             tile, width, false, active, nullptr});
      facts_.kernel.round[facts_.storage()](tile, rows * width);
      for (int64_t k = 0; k < rows; ++k) {
        const C *h = tile + k * width;
        std::copy_n(h, valid, next + (r + k) * dims_.padded_O + column);
        std::copy_n(h, valid, pass.history + (p0 + r + k) * dims_.output + pass.direction * dims_.O + column);
      }
    }
  }
}

// What this member computed, which it alone needs not wait for; with a projection others computed it, but all have met.
template <class C>
void ForwardRun<C>::store_states(const Member &member, const Pass &pass, const Share &share) const {
  const SequenceMap &map = space_.map;
  const Rows<C> rows(facts_, map, member);
  const int64_t index = pass.layer * dims_.D + pass.direction;
  const auto last_h = [&](int64_t r) -> const C * {
    if (map.length(r) == 0) {
      return pass.space.state[0] + r * dims_.padded_O;
    }
    const int64_t p = pass.direction == 0 ? map.offset(map.length(r) - 1) + r : r;
    return pass.history + p * dims_.output + pass.direction * dims_.O;
  };
  const typename Rows<C>::StatePart own{share.first_row, share.row_step, share.first_unit, share.last_unit};
  rows.store_state(last_h, facts_.spec.storage(), index, dims_.O, call_.args.hn,
                   dims_.P > 0 ? rows.whole_rows(dims_.O) : own);
  rows.store_state([&](int64_t r) -> const C * { return pass.space.c + r * dims_.padded_H; },
                   facts_.spec.cell_state_dtype(), index, dims_.H, call_.args.cn, own);
}

template class ForwardRun<float>;
template class ForwardRun<double>;

}  // namespace rondo::cpu
