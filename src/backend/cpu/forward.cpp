// Forward: per layer and direction the input products of a chunk of steps, then the steps. Members meet where one reads
// what another wrote, and nowhere else.
#include "backend/cpu/forward.h"

#include <type_traits>
#include <utility>

#include "backend/cpu/others.h"
#include "kernels/cpu/ask.h"

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
  const Rows<C> rows(facts_, space_.map, member);
  if (dims_.dot != nullptr) {
    const auto *x = static_cast<const kernels::Bf16 *>(call_.args.x);
    if (space_.map.direct() && dims_.I % 2 == 0) {
      return {nullptr, 0, x, dims_.I, false};
    }
    const int64_t row = kernels::bf16_even(input_row(0));
    rows.each([&](int64_t p, int64_t t, int64_t r) {
      kernels::Bf16 *to = space_.pairs + p * row;
      std::copy_n(x + space_.map.position(t, r) * dims_.I, dims_.I, to);
      std::fill(to + dims_.I, to + kernels::bf16_even(dims_.I), kernels::Bf16{});
    });
    return {nullptr, 0, space_.pairs, row, true};
  }
  if (facts_.storage_is_compute() && space_.map.direct()) {
    return {static_cast<const C *>(call_.args.x), dims_.I, nullptr, 0, false};
  }
  rows.load(call_.args.x, dims_.I, space_.input, input_row(0));
  return {space_.input, input_row(0), nullptr, 0, true};
}

// Of a layer's input that is made for it. Two layers at a time share its place row by row: the upper one's comes where
// the lower one's has been read.
template <class C>
int64_t ForwardRun<C>::input_row(int64_t layer) const {
  return split_ == Split::layers ? dims_.widest_input : dims_.input(layer);
}

// Rows of C that hold bf16 values, as the bf16 dot product reads them.
template <class C>
auto ForwardRun<C>::as_pairs(const Range &of, const C *rows, int64_t row, int64_t pairs_row) const -> Source {
  if constexpr (std::is_same_v<C, float>) {
    const int64_t width = dims_.output;
    for (int64_t p = of.first; p < of.last; ++p) {
      kernels::Bf16 *to = space_.pairs + p * pairs_row;
      dims_.dot->store(rows + p * row, to, width);
      std::fill(to + width, to + kernels::bf16_even(width), kernels::Bf16{});
    }
    return {nullptr, 0, space_.pairs, pairs_row, true};
  }
  return {};
}

// What the layer before wrote, for this one; `of` are the packed rows that this member makes of it.
template <class C>
auto ForwardRun<C>::next_source(const Member &member, int64_t layer, const Range &of) const -> Source {
  const LayerDropout dropout = layer_dropout(facts_, seed_, offset_, layer - 1);
  const C *rows = history_of(layer - 1);
  int64_t row = dims_.output;
  if (dropout.active) {
    Rows<C>(facts_, space_.map, member)
        .apply_dropout(dropout, true, of, rows, row, row, space_.input, input_row(layer));
    rows = space_.input;
    row = input_row(layer);
  }
  return dims_.dot != nullptr ? as_pairs(of, rows, row, kernels::bf16_even(input_row(layer)))
                              : Source{rows, row, nullptr, 0, true};
}

template <class C>
void ForwardRun<C>::operator()(const Member &member) const {
  Arena packed(packed_);
  C *y = history_of(dims_.L - 1);
  const bool stores_y = call_.args.y != nullptr && y != call_.args.y;
  const int64_t together = split_ == Split::layers && member.count == 2 ? 2 : 1;
  for (int64_t layer = 0; layer < dims_.L; layer += together) {
    const Source source = layer == 0 ? first_source(member) : next_source(member, layer, member.part(space_.map.S()));
    if (together == 2 && layer + 1 < dims_.L) {
      run_two_layers(member, layer, source, packed);
    } else {
      run_layer(member, layer, source, packed);
    }
    if (layer + together < dims_.L || stores_y) {
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
  // One member has all of it: each direction another, or the only one the first.
  const bool alone = layer_split_ == Split::alone && member.count > 1;
  if (alone && source.shared) {
    member.sync();
  }
  for (int64_t direction = 0; direction < dims_.D; ++direction) {
    const PassSpace<C> &space = space_.pass[direction];
    Arena own(space.weights);
    const ForwardWeights<C> weights(packed_ != nullptr ? packed : own, dims_, dims_.input(layer));
    if (alone && member.index != direction) {
      continue;
    }
    const Member here = alone ? member.by_itself() : member;
    const Roles roles(here, layer_split_);
    if (packed_ == nullptr) {
      weights.pack(here, packs_panels() ? Packers{nullptr, nullptr} : Packers{roles.products(), roles.steps()},
                   facts_.spec, dims_, call_.args.params, layer, direction);
    }
    const int64_t sharers = roles.apart() ? 1 : here.count;
    const bool far = panels_are_far<C>(dims_.gate_panels.count() / sharers, dims_.gate_panels, dims_.O);
    run_pass(here, {layer, direction, source, history_of(layer), weights, packed_ == nullptr || source.shared,
                    layer_split_, panels_per_tile(here, far), packs_panels(), far, space});
    if (!alone && direction < dims_.D - 1) {
      member.sync();
    }
  }
}

// A layer to a member, piece by piece, the upper one a piece behind; each makes its input products itself.
template <class C>
void ForwardRun<C>::run_two_layers(const Member &member, int64_t lower, const Source &source, Arena &packed) const {
  Arena own[] = {Arena(space_.pass[0].weights), Arena(space_.pass[1].weights)};
  const ForwardWeights<C> weights[] = {
      ForwardWeights<C>(packed_ != nullptr ? packed : own[0], dims_, dims_.input(lower)),
      ForwardWeights<C>(packed_ != nullptr ? packed : own[1], dims_, dims_.input(lower + 1))};
  const int64_t layer = lower + member.index;
  const bool upper = member.index == 1;
  const Member here = member.by_itself();
  const PassSpace<C> &space = space_.pass[member.index];
  if (packed_ == nullptr) {
    weights[member.index].pack(here, {&here, &here}, facts_.spec, dims_, call_.args.params, layer, 0);
  }
  const bool far = panels_are_far<C>(dims_.gate_panels.count(), dims_.gate_panels, dims_.O);
  Pass pass{
      layer, 0,   source, history_of(layer), weights[member.index], false, Split::alone, panels_per_tile(here, far),
      false, far, space};
  const Share share = share_of(pass.split, here, dims_, false, space_.map.N(), space_.map.rows_alike());
  State state = load_states(here, pass, share);
  if (source.shared) {
    member.sync();
  }
  const Pieces pieces{space_.map.T(), piece_steps_};
  for (int64_t round = 0; round <= pieces.count(); ++round) {
    const int64_t piece = round - member.index;
    if (piece >= 0 && piece < pieces.count()) {
      const Range steps = pieces.range(piece);
      if (upper) {
        const Range rows = packed_rows(pass, steps);
        kernels::ask_for(history_of(lower) + rows.first * dims_.output, (rows.last - rows.first) * dims_.output);
        pass.source = next_source(here, layer, rows);
      }
      input_products_of_piece(here, pass, steps, space.pre);
      state = run_steps(here, pass, share, steps, space.pre, state);
    }
    if (round < pieces.count()) {
      member.sync();
    }
  }
  store_states(here, pass, share);
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
                    {share.first_row, share.last_row, share.row_step, share.first_unit, share.last_unit});
  }
  if (call_.args.h0 != nullptr && facts_.storage_is_compute() && map.plain() && dims_.O == dims_.padded_O) {
    return {static_cast<const C *>(call_.args.h0) + index * map.N() * dims_.O, dims_.O, nullptr};
  }
  const auto part = pass.split == Split::rows
                        ? typename Rows<C>::StatePart{share.first_row, share.last_row, share.row_step, 0, dims_.O}
                        : rows.whole_rows(dims_.O);
  rows.load_state(call_.args.h0, facts_.spec.storage(), index, dims_.O, pass.space.state[0], dims_.padded_O, part);
  rows.load_state(call_.args.h0, facts_.spec.storage(), index, dims_.O, pass.space.state[1], dims_.padded_O, part);
  if constexpr (std::is_same_v<C, float>) {
    for (int64_t r = dims_.dot == nullptr ? part.last_row : part.first_row; r < part.last_row; r += part.row_step) {
      for (kernels::Bf16 *pairs : pass.space.state_pairs) {
        dims_.dot->store(pass.space.state[0] + r * dims_.padded_O, pairs + r * dims_.padded_O, dims_.padded_O);
      }
    }
  }
  return {pass.space.state[0], dims_.padded_O, pass.space.state_pairs[0]};
}

// A sequence of one step reads each panel for one tile of rows: it need not be packed beforehand.
template <class C>
bool ForwardRun<C>::packs_panels() const {
  return packed_ == nullptr && dims_.dot == nullptr && space_.map.T() == 1 && layer_split_ != Split::rows &&
         space_.map.N() <= rows_per_tile;
}

// Of steps in processing order.
template <class C>
Range ForwardRun<C>::packed_rows(const Pass &pass, const Range &steps) const {
  const int64_t one = step_at(pass, steps.first);
  const int64_t other = step_at(pass, steps.last - 1);
  return {space_.map.offset(std::min(one, other)), space_.map.offset(std::max(one, other) + 1)};
}

// In processing order; pre: their input products, in the order of the packed rows, or NULL where the steps make them.
template <class C>
auto ForwardRun<C>::run_steps(const Member &member, const Pass &pass, const Share &share, const Range &steps,
                              const C *pre, const State &from) const -> State {
  const SequenceMap &map = space_.map;
  const int64_t begin = packed_rows(pass, steps).first;
  State state = from;
  for (int64_t done = steps.first; done < steps.last; ++done) {
    const int64_t t = step_at(pass, done);
    const int next = static_cast<int>((done + 1) % 2);
    const C *const of_step = pre == nullptr ? nullptr : pre + (map.offset(t) - begin) * dims_.gates;
    if (pass.split == Split::beside && pre != nullptr) {
      ask_for_products(pass, {done == steps.first ? done : done + 1, std::min(done + 2, steps.last)}, pre, begin);
    }
    step(member, pass, share, t, of_step, state, next, (done % 2 == 1) != backwards_);
    state = {pass.space.state[next], dims_.padded_O, pass.space.state_pairs[next]};
    if (dims_.P > 0) {
      member.sync();
      project(member, pass, t, pass.space.state[next]);
      member.sync();
    } else if (pass.split == Split::columns && done + 1 < map.T()) {
      member.sync();
      ask_for_states(share, map.active(step_at(pass, done + 1)), state);
    }
  }
  return state;
}

// One member's steps beside the others' input products of the next piece; all make those of the first. Those of all
// pieces stay where they are if there is room for them; else two places take turns.
template <class C>
void ForwardRun<C>::run_beside(const Member &member, const Roles &roles, const Pass &pass, const Share &share,
                               const State &from) const {
  const SequenceMap &map = space_.map;
  const Pieces pieces{map.T(), piece_steps_};
  const bool room_for_all = map.S() <= facts_.chunk_rows(map.N());
  const auto place_of = [&](int64_t piece) {
    const int64_t row =
        room_for_all ? packed_rows(pass, pieces.range(piece)).first : piece % 2 * piece_steps_ * map.N();
    return pass.space.pre + row * dims_.gates;
  };
  State state = from;
  for (int64_t piece = 0; piece <= pieces.count(); ++piece) {
    if (piece > 0 && roles.steps() != nullptr) {
      state = run_steps(*roles.steps(), pass, share, pieces.range(piece - 1), place_of(piece - 1), state);
    }
    if (piece < pieces.count()) {
      const Member *const maker = piece == 0 ? &member : roles.products();
      if (maker != nullptr) {
        input_products_of_piece(*maker, pass, pieces.range(piece), place_of(piece));
      }
      member.sync();
    }
  }
}

template <class C>
void ForwardRun<C>::run_pass(const Member &member, const Pass &pass) const {
  const SequenceMap &map = space_.map;
  const Share share = share_of(pass.split, member, dims_, false, map.N(), map.rows_alike());
  State state = load_states(member, pass, share);
  if (pass.shares_inputs || (state.rows == pass.space.state[0] && pass.split != Split::rows)) {
    member.sync();
  }
  if (const Roles roles(member, pass.split); roles.apart()) {
    run_beside(member, roles, pass, share, state);
    store_states(member, pass, share);
    return;
  }
  const bool with_steps = inputs_with_steps();
  bool by_rows = true;
  for (int64_t done = 0; done < map.T();) {
    const int64_t end = with_steps ? map.T() : chunk_end(done);
    const int64_t first = std::min(step_at(pass, done), step_at(pass, end - 1));
    const int64_t last = std::max(step_at(pass, done), step_at(pass, end - 1)) + 1;
    const bool by_rows_before = std::exchange(by_rows, inputs_by_rows(member, pass, share, first, last));
    if (pass.split == Split::rows && done > 0 && !(by_rows && by_rows_before)) {
      member.sync();  // these products go where the last chunk's were read
    }
    if (by_rows) {
      input_products_of_rows(pass, share, first, last);
    } else if (!with_steps && !input_products(member, pass, first, last)) {
      member.sync();
    }
    state = run_steps(member, pass, share, {done, end}, with_steps ? nullptr : pass.space.pre, state);
    done = end;
  }
  store_states(member, pass, share);
}

// Of the rows that the next step goes on with.
template <class C>
void ForwardRun<C>::ask_for_states(const Share &share, int64_t active, const State &state) const {
  if (dims_.dot == nullptr) {
    ask_for_others(state.rows, state.row, active, share.first_unit, share.last_unit, dims_.O);
  } else {
    ask_for_others(state.pairs, dims_.padded_O, active, share.first_unit, share.last_unit, dims_.O);
  }
}

template <class C>
C *ForwardRun<C>::projected_row(const Pass &pass, int64_t p, int64_t r) const {
  return reserve_ != nullptr ? reserve_->projected(pass.layer, pass.direction) + p * dims_.padded_H
                             : pass.space.projected + r * dims_.padded_H;
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
  const typename Rows<C>::StatePart own{share.first_row, share.last_row, share.row_step, share.first_unit,
                                        share.last_unit};
  rows.store_state(last_h, facts_.spec.storage(), index, dims_.O, call_.args.hn,
                   dims_.P > 0 ? rows.whole_rows(dims_.O) : own);
  rows.store_state([&](int64_t r) -> const C * { return pass.space.c + r * dims_.padded_H; },
                   facts_.spec.cell_state_dtype(), index, dims_.H, call_.args.cn, own);
}

template class ForwardRun<float>;
template class ForwardRun<double>;

}  // namespace rondo::cpu
