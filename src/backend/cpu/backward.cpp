// Backward through the steps of every layer and direction, from the last layer down; parameter gradients are in
// gradients.cpp.
#include "backend/cpu/backward.h"

#include "backend/cpu/others.h"
#include "backend/cpu/products.h"

namespace rondo::cpu {

template <class C>
void BackwardRun<C>::load_source(const Member &member, int64_t layer, const C **source, int64_t *row) const {
  const Rows<C> rows(facts_, space_.map, member);
  *source = space_.input;
  *row = dims_.input(layer);
  if (layer == 0) {
    if (facts_.storage_is_compute() && space_.map.direct()) {
      *source = static_cast<const C *>(call_.args.x);
    } else {
      rows.load(call_.args.x, dims_.I, space_.input, dims_.I);
    }
    return;
  }
  const LayerDropout dropout = layer_dropout(facts_, reserve_.header->seed, reserve_.header->offset, layer - 1);
  if (dropout.active) {
    rows.apply_dropout(dropout, true, member.part(space_.map.S()), reserve_.history(layer - 1), dims_.output,
                       dims_.output, space_.input, dims_.output);
  } else {
    *source = reserve_.history(layer - 1);
  }
}

template <class C>
void BackwardRun<C>::operator()(const Member &member) const {
  const Rows<C> rows(facts_, space_.map, member);
  // The caller's tensors are used as they lie where they can be; products write whole vectors.
  const bool direct = facts_.storage_is_compute() && space_.map.direct();
  const bool dx_direct = direct && dims_.I % dims_.lanes == 0;
  const C *dy = space_.gradient[0];
  int64_t dy_row = gradient_row_;
  if (direct && call_.args.dy != nullptr) {
    dy = static_cast<const C *>(call_.args.dy);
    dy_row = dims_.output;
  } else {
    rows.load(call_.args.dy, dims_.output, space_.gradient[0], gradient_row_);
  }
  for (int64_t layer = dims_.L - 1; layer >= 0; --layer) {
    const C *source = nullptr;
    int64_t source_row = 0;
    load_source(member, layer, &source, &source_row);
    const bool with_dx = layer > 0 || call_.args.dx != nullptr;
    const bool to_caller = layer == 0 && dx_direct;
    C *dx = to_caller ? static_cast<C *>(call_.args.dx) : space_.gradient[(dims_.L - layer) % 2];
    const int64_t dx_row = to_caller ? dims_.I : gradient_row_;
    for (int64_t direction = 0; direction < dims_.D; ++direction) {
      Arena own(space_.weights);
      const BackwardWeights<C> weights(own, dims_, dims_.input(layer));
      const Roles roles(member, split_);
      weights.pack(member,
                   {with_dx && !packs_panels(dims_.input(layer)) ? roles.products() : nullptr,
                    packs_panels(dims_.O) ? nullptr : roles.steps()},
                   facts_.spec, dims_, call_.args.params, layer, direction);
      C *dx_gates = facts_.spec.consume_reserve != 0 ? reserve_.gates(layer, direction) : space_.dx_gates;
      run_pass(member,
               {layer, direction, source, source_row, dy, dy_row, with_dx ? dx : nullptr, dx_row, dx_gates, weights});
      member.sync();
    }
    if (layer > 0) {
      const LayerDropout dropout = layer_dropout(facts_, reserve_.header->seed, reserve_.header->offset, layer - 1);
      if (dropout.active) {
        rows.apply_dropout(dropout, false, member.part(space_.map.S()), dx, gradient_row_, dims_.output, dx,
                           gradient_row_);
        member.sync();
      }
    }
    dy = dx;
    dy_row = dx_row;
  }
  if (call_.args.dx != nullptr && !dx_direct) {
    // Zeros for what lies beyond a row's length; d_weight is free by now and has room for a row.
    if (member.index == 0) {
      std::fill_n(space_.d_weight, dims_.I, C{0});
    }
    member.sync();
    rows.store(dy, dy_row, dims_.I, space_.d_weight, call_.args.dx);
  }
}

template <class C>
const C *BackwardRun<C>::weight(const Pass &pass, ParamKind kind) const {
  return static_cast<const C *>(call_.args.params[param_index(facts_.spec, pass.layer, pass.direction, kind)]);
}

template <class C>
void BackwardRun<C>::load_states(const Member &member, const Pass &pass, const Share &share) const {
  const Rows<C> rows(facts_, space_.map, member);
  const int64_t index = pass.layer * dims_.D + pass.direction;
  const typename Rows<C>::StatePart own{share.first_row, share.last_row, share.row_step, share.first_unit,
                                        share.last_unit};
  const auto part = dims_.P > 0 ? rows.whole_rows(dims_.O) : own;
  rows.load_state(call_.args.dhn, facts_.spec.storage(), index, dims_.O, space_.dh, dims_.padded_O, part);
  rows.load_state(call_.args.h0, facts_.spec.storage(), index, dims_.O, space_.h0, dims_.padded_O, part);
  if (facts_.cell().has_cell_state) {
    rows.load_state(call_.args.dcn, facts_.spec.cell_state_dtype(), index, dims_.H, space_.dc, dims_.padded_H, own);
    rows.load_state(call_.args.c0, facts_.spec.cell_state_dtype(), index, dims_.H, space_.c0, dims_.padded_H, own);
  }
}

template <class C>
void BackwardRun<C>::store_states(const Member &member, const Pass &pass, const Share &share) const {
  const Rows<C> rows(facts_, space_.map, member);
  const int64_t index = pass.layer * dims_.D + pass.direction;
  const typename Rows<C>::StatePart own{share.first_row, share.last_row, share.row_step, share.first_unit,
                                        share.last_unit};
  rows.store_state([&](int64_t r) -> const C * { return space_.dh + r * dims_.padded_O; }, facts_.spec.storage(), index,
                   dims_.O, call_.args.dh0, dims_.P > 0 ? rows.whole_rows(dims_.O) : own);
  rows.store_state([&](int64_t r) -> const C * { return space_.dc + r * dims_.padded_H; },
                   facts_.spec.cell_state_dtype(), index, dims_.H, call_.args.dc0, own);
}

template <class C>
void BackwardRun<C>::run_steps(const Member &member, const Pass &pass, const Share &share,
                               const Range &positions) const {
  for (int64_t position = positions.last - 1; position >= positions.first; --position) {
    step(member, pass, share, pass.direction == 0 ? position : space_.map.T() - 1 - position, position % 2 == 1);
  }
}

// One member's steps beside the others' dx of the piece before.
template <class C>
void BackwardRun<C>::run_beside(const Member &member, const Roles &roles, const Pass &pass, const Share &share) const {
  const Pieces pieces{space_.map.T(), piece_steps_};
  for (int64_t piece = pieces.count() - 1; piece >= 0; --piece) {
    if (roles.steps() != nullptr) {
      run_steps(*roles.steps(), pass, share, pieces.range(piece));
    } else if (piece + 1 < pieces.count()) {
      input_gradient(*roles.products(), pass, pieces.range(piece + 1));
    }
    member.sync();
  }
}

template <class C>
void BackwardRun<C>::input_gradient(const Member &member, const Pass &pass, const Range &positions) const {
  if (pass.dx == nullptr) {
    return;
  }
  const SequenceMap &map = space_.map;
  const int64_t first = pass.direction == 0 ? positions.first : map.T() - positions.last;
  const int64_t begin = map.offset(first);
  const int64_t rows = map.offset(first + positions.last - positions.first) - begin;
  const Panels panels = dims_.plain_panels(dims_.input(pass.layer));
  const RowsProduct<C> product{pass.dx_gates + begin * dims_.gates,
                               dims_.gates,
                               rows,
                               dims_.gates,
                               pass.weights.ih,
                               panels,
                               pass.dx + begin * pass.dx_row,
                               pass.dx_row,
                               pass.direction == 1,
                               map.S()};
  if (packs_panels(dims_.input(pass.layer))) {
    product.run_packing(facts_.kernel, member, pass.weights.ih, [&](int64_t panel, C *to) {
      pack_rows_panel(dims_, weight(pass, ParamKind::weight_ih), panels, panel, to);
    });
  } else if (split_ == Split::beside) {
    product.run_panels(facts_.kernel, member);
  } else {
    product.run(facts_.kernel, member);
  }
}

template <class C>
void BackwardRun<C>::run_pass(const Member &member, const Pass &pass) const {
  const SequenceMap &map = space_.map;
  const Share share = share_of(split_, member, dims_, true, map.N(), map.rows_alike());
  load_states(member, pass, share);
  member.sync();
  const Roles roles(member, split_);
  if (roles.apart()) {
    run_beside(member, roles, pass, share);
  } else {
    run_steps(member, pass, share, {0, map.T()});
  }
  store_states(member, pass, share);
  if (split_ == Split::rows) {
    member.sync();  // the large products read all rows
  }
  // Beside the steps it was made but for the last piece's.
  input_gradient(member, pass, {0, roles.apart() ? Pieces{map.T(), piece_steps_}.end(0) : map.T()});
  if (call_.args.dparams != nullptr) {
    parameter_gradients(member, pass);
  }
}

// With a projection: the whole gradient of h, rounded as an operand, then of what was projected.
template <class C>
void BackwardRun<C>::output_gradient(const Member &member, const Pass &pass, int64_t t) const {
  const int64_t active = space_.map.active(t);
  C *d_output = space_.d_output + space_.map.offset(t) * dims_.padded_O;
  for (int64_t r = member.first(active); r < member.last(active); ++r) {
    const C *dy = pass.dy + (space_.map.offset(t) + r) * pass.dy_row + pass.direction * dims_.O;
    const C *dh = space_.dh + r * dims_.padded_O;
    C *to = d_output + r * dims_.padded_O;
    for (int64_t k = 0; k < dims_.O; ++k) {
      to[k] = dh[k] + dy[k];
    }
    std::fill(to + dims_.O, to + dims_.padded_O, C{0});
    facts_.kernel.round[facts_.storage()](to, dims_.O);
  }
  member.sync();
  RowsProduct<C>{d_output,           dims_.padded_O, active, dims_.P, pass.weights.hr, dims_.plain_panels(dims_.H),
                 space_.d_projected, dims_.padded_H, false,  active}
      .run(facts_.kernel, member);
  member.sync();
}

// Without a projection a member's cells need only what its own product left, so members meet once: when all gate
// gradients of the step are there.
template <class C>
void BackwardRun<C>::step(const Member &member, const Pass &pass, const Share &share, int64_t t, bool backwards) const {
  const int64_t active = space_.map.active(t);
  if (dims_.P > 0) {
    output_gradient(member, pass, t);
  }
  const int64_t from_steps = rows_with_previous(pass, t);
  for (int64_t panel = share.first_panel; panel < share.last_panel; ++panel) {
    cell_rows(pass, share, t, panel, 0, from_steps);
    cell_rows(pass, share, t, panel, from_steps, active);
  }
  if (dims_.P == 0) {
    if (split_ == Split::columns) {
      member.sync();
      const Panels &panels = dims_.gate_panels;
      ask_for_others(dh_gates(pass) + space_.map.offset(t) * dims_.gates, dims_.gates, active,
                     panels.column(share.first_panel), panels.column(share.last_panel), dims_.gates);
    }
    hidden_product(pass, share, t, backwards);
    return;
  }
  member.sync();
  RowsProduct<C>{dh_gates(pass) + space_.map.offset(t) * dims_.gates,
                 dims_.gates,
                 active,
                 dims_.gates,
                 pass.weights.hh,
                 dims_.hidden_panels,
                 space_.dh,
                 dims_.padded_O,
                 false,
                 active}
      .run(facts_.kernel, member);
  member.sync();
}

// dh += dG W_hh of this member's rows and units, onto the direct part that the cell left in dh.
template <class C>
void BackwardRun<C>::hidden_product(const Pass &pass, const Share &share, int64_t t, bool backwards) const {
  const Panels &panels = dims_.hidden_panels;
  const auto &[first, last] = share.hidden;
  const int64_t active = space_.map.active(t);
  const int64_t rows = share.rows_of(active);
  const C *gates = dh_gates(pass) + (space_.map.offset(t) + share.first_row) * dims_.gates;
  C *dh = space_.dh + share.first_row * dims_.padded_O;
  const int64_t dh_row = dims_.padded_O * share.row_step;
  if (rows == 0) {
    return;
  }
  if (!packs_panels(dims_.O)) {
    StepProduct<C>{gates,
                   dims_.gates * share.row_step,
                   rows,
                   dims_.gates,
                   pass.weights.hh,
                   panels,
                   first,
                   last,
                   backwards,
                   dh + panels.column(first),
                   dh_row,
                   true,
                   active,
                   pass.weights.hh + panels.offset(backwards ? first : last - 1, dims_.gates)}
        .run(facts_.kernel, panels_are_far<C>(last - first, panels, dims_.gates));
    return;
  }
  C *place = pass.weights.hh + panels.offset(first, dims_.gates);
  for (int64_t panel = first; panel < last; ++panel) {
    pack_rows_panel(dims_, weight(pass, ParamKind::weight_hh), panels, panel, place);
    facts_.kernel.product({gates, dims_.gates * share.row_step, 1, place, rows, dims_.gates, panels.vectors_at(panel),
                           dh + panels.column(panel), dh_row, true, active, nullptr});
  }
}

// This member's rows among [first, last) of one gate panel; [first, last) all have a previous step or all began with
// h0.
template <class C>
void BackwardRun<C>::cell_rows(const Pass &pass, const Share &share, int64_t t, int64_t panel, int64_t range_first,
                               int64_t last) const {
  // The first of this member's rows that is not before the range.
  const int64_t first = share.first_row + share.rows_of(range_first) * share.row_step;
  const int64_t rows = share.rows_of(last) - share.rows_of(range_first);
  if (rows == 0) {
    return;
  }
  const SequenceMap &map = space_.map;
  const bool from_steps = first < rows_with_previous(pass, t);
  const int64_t p = map.offset(t) + first;
  const int64_t before = from_steps ? map.offset(previous(pass, t)) + first : 0;
  const int64_t column = dims_.gate_panels.column(panel);
  const int64_t unit = dims_.first_unit(panel);
  const bool has_cell_state = facts_.cell().has_cell_state;
  const bool projects = dims_.P > 0;
  const C *extra = reserve_.extra(pass.layer, pass.direction);
  const C *c_prev = !has_cell_state ? nullptr
                    : from_steps    ? extra + before * dims_.padded_H + unit
                                    : space_.c0 + first * dims_.padded_H + unit;
  const C *h_prev = projects ? nullptr
                    : from_steps
                        ? reserve_.history(pass.layer) + before * dims_.output + pass.direction * dims_.O + unit
                        : space_.h0 + first * dims_.padded_O + unit;
  C *dh = projects ? space_.d_projected + first * dims_.padded_H : space_.dh + first * dims_.padded_O;
  const kernels::BackwardTile<C> work = {
      .rows = rows,
      .units = std::min(dims_.first_unit(panel + 1), dims_.H) - unit,
      .stash = reserve_.gates(pass.layer, pass.direction) + p * dims_.gates + column,
      .stash_row = dims_.gates * share.row_step,
      .extra = extra + p * dims_.padded_H + unit,
      .extra_row = dims_.padded_H * share.row_step,
      .c_prev = c_prev,
      .c_prev_row = dims_.padded_H * share.row_step,
      .h_prev = h_prev,
      .h_prev_row = (from_steps ? dims_.output : dims_.padded_O) * share.row_step,
      .dy = projects ? nullptr : pass.dy + p * pass.dy_row + pass.direction * dims_.O + unit,
      .dy_row = pass.dy_row * share.row_step,
      .dh = dh + unit,
      .dh_row = (projects ? dims_.padded_H : dims_.padded_O) * share.row_step,
      .dc = has_cell_state ? space_.dc + first * dims_.padded_H + unit : nullptr,
      .dc_row = dims_.padded_H * share.row_step,
      .dx = pass.dx_gates + p * dims_.gates + column,
      .dx_row = dims_.gates * share.row_step,
      .dh_gate = dh_gates(pass) + p * dims_.gates + column,
      .dh_gate_row = dims_.gates * share.row_step};
  facts_.kernel.backward[facts_.spec.cell][facts_.storage()](work);
}

template class BackwardRun<float>;
template class BackwardRun<double>;

}  // namespace rondo::cpu
