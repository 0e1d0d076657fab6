// One step of a layer and direction: products with W_hh and cells, panel by panel, then the projection where there is
// one. What a member writes here, another reads after their next meeting.
#include <tuple>
#include <type_traits>

#include "backend/cpu/forward.h"

namespace rondo::cpu {

// Panels are taken in turn upwards and downwards, so that a step begins with what the last one left in the caches; a
// few at a time, so that the cells of one overlap with those of the next.
template <class C>
void ForwardRun<C>::step(const Member &member, const Pass &pass, const Share &share, int64_t t, const C *pre,
                         const State &state, int next, bool backwards) const {
  const int64_t count = share.last_panel - share.first_panel;
  for (int64_t done = 0; done < count; done += pass.group) {
    const int64_t here = std::min(pass.group, count - done);
    const int64_t first = backwards ? share.last_panel - done - here : share.first_panel + done;
    panels_step(member, pass, share, t, {first, first + here}, backwards, pre, state, next);
  }
}

template <class C>
int64_t ForwardRun<C>::panels_per_tile(const Member &member, bool far) const {
  const int64_t rows = layer_split_ == Split::rows ? divide_up(space_.map.N(), member.count) : space_.map.N();
  const int64_t of_tile = divide_up(rows, std::max<int64_t>(divide_up(rows, rows_per_tile), 1));
  if (takes_blocks_of_k(far, of_tile, dims_.O) && dims_.dot == nullptr && !inputs_with_steps() && !packs_panels()) {
    return static_cast<int64_t>(member_scratch_bytes / sizeof(C)) / (rows_per_tile * dims_.gate_panels.width());
  }
  const int64_t one = std::clamp<int64_t>(rows, 1, rows_per_tile) * dims_.gate_panels.width();
  return std::clamp<int64_t>(tile_elements / one, 1, most_panels_per_tile);
}

// A tile's products with W_hh; without `pre` those of its inputs too, beside the others: they never leave the caches.
template <class C>
void ForwardRun<C>::tile_products(const Pass &pass, const Share &share, const TileRows &rows, const Range &group,
                                  bool backwards, const State &state, C *tile, C *inputs) const {
  const Panels &panels = dims_.gate_panels;
  const auto &[ih, hh] = std::tie(pass.weights.ih, pass.weights.hh);
  const int64_t column = panels.column(group.first);
  const int64_t width = panels.column(group.last) - column;
  const auto after = [&](int64_t panel) { return std::clamp(panel, share.first_panel, share.last_panel - 1); };
  const Operand h = state_rows(state, rows.first, share.row_step);
  const bool with_inputs = rows.pre == nullptr;
  if (!with_inputs && !pass.packs && dims_.dot == nullptr) {
    const int64_t next = after(backwards ? group.first - 1 : group.last);
    StepProduct<C>{
        h.rows,     h.row,       rows.count, hh.K,  hh.full, panels,      group.first,
        group.last, backwards,   tile,       width, false,   rows.active, hh.full + panels.offset(next, hh.K),
        rows.pre,   rows.pre_row}
        .run(facts_.kernel, pass.far);
    return;
  }
  const Operand x = with_inputs ? input_rows(pass, rows.position, share.row_step) : Operand{};
  for (int64_t k = group.first; k < group.last; ++k) {
    const int64_t panel = backwards ? group.last - 1 - (k - group.first) : k;
    const int64_t next = after(backwards ? panel - 1 : panel + 1);
    const int64_t place = panels.column(panel) - column;
    const int64_t stored = pass.packs ? share.first_panel : panel;
    if (with_inputs) {
      pack_panel(pass, ParamKind::weight_ih, ih, panel, stored);
      gate_product(x, ih, panel, stored, rows.count, space_.map.S(), inputs + place, width,
                   pass.far && !pass.packs ? hh.full + panels.offset(panel, hh.K) : nullptr);
    }
    pack_panel(pass, ParamKind::weight_hh, hh, panel, stored);
    const GateMatrix<C> &following = with_inputs ? ih : hh;
    gate_product(h, hh, panel, stored, rows.count, rows.active, tile + place, width,
                 pass.far && !pass.packs ? following.full + panels.offset(next, following.K) : nullptr);
  }
}

template <class C>
void ForwardRun<C>::panels_step(const Member &member, const Pass &pass, const Share &share, int64_t t,
                                const Range &group, bool backwards, const C *pre, const State &state, int next) const {
  const Panels &panels = dims_.gate_panels;
  auto *tile = static_cast<C *>(member.scratch);
  C *inputs = tile + most_tile_elements;
  const int64_t active = space_.map.active(t);
  const int64_t mine = share.rows_of(active);
  const int64_t p0 = space_.map.offset(t);
  const int64_t column = panels.column(group.first);
  const int64_t unit = dims_.first_unit(group.first);
  const int64_t width = panels.column(group.last) - column;
  const int64_t units = std::min(dims_.first_unit(group.last), dims_.H) - unit;
  const int64_t tiles = divide_up(mine, rows_per_tile);
  for (int64_t number = 0, done = 0, end = 0; number < tiles; ++number, done = end) {
    end = number + 1 == tiles ? mine : mine * (number + 1) / tiles;
    const int64_t rows = end - done;
    const int64_t r = share.first_row + done * share.row_step;
    const C *const tile_pre = pre == nullptr ? nullptr : pre + r * dims_.gates + column;
    const int64_t pre_row = dims_.gates * share.row_step;
    tile_products(pass, share, {r, rows, p0 + r, active, tile_pre, pre_row}, group, backwards, state, tile, inputs);
    const bool projects = dims_.P > 0;
    const bool trains = reserve_ != nullptr;
    // Every field is named: one left out has the rest filled with zeros first, which a small step feels.
    const kernels::ForwardTile<C> work = {
        .rows = rows,
        .units = units,
        .pre = tile_pre == nullptr ? inputs : tile_pre,
        .pre_row = tile_pre == nullptr ? width : pre_row,
        .recurrent = tile,
        .recurrent_row = width,
        .bias_x = pass.weights.bias_x + column,
        .bias_h = pass.weights.bias_h + column,
        .h_prev = state.rows + r * state.row + unit,
        .h_prev_row = state.row * share.row_step,
        .c = facts_.cell().has_cell_state ? pass.space.c + r * dims_.padded_H + unit : nullptr,
        .c_row = dims_.padded_H * share.row_step,
        .h = projects ? projected_row(pass, p0 + r, r) + unit : pass.space.state[next] + r * dims_.padded_O + unit,
        .h_row = (projects ? dims_.padded_H : dims_.padded_O) * share.row_step,
        .history = projects ? nullptr : pass.history + (p0 + r) * dims_.output + pass.direction * dims_.O + unit,
        .history_row = projects ? 0 : dims_.output * share.row_step,
        .stash = trains ? reserve_->gates(pass.layer, pass.direction) + (p0 + r) * dims_.gates + column : nullptr,
        .stash_row = dims_.gates * share.row_step,
        .extra = trains ? reserve_->extra(pass.layer, pass.direction) + (p0 + r) * dims_.padded_H + unit : nullptr,
        .extra_row = dims_.padded_H * share.row_step};
    facts_.kernel.forward[facts_.spec.cell][facts_.storage()](work);
    if constexpr (std::is_same_v<C, float>) {
      for (int64_t row = dims_.dot == nullptr ? rows : 0; row < rows; ++row) {
        dims_.dot->store(work.h + row * work.h_row,
                         pass.space.state_pairs[next] + (r + row * share.row_step) * dims_.padded_O + unit, work.units);
      }
    }
  }
}

template <class C>
void ForwardRun<C>::pack_panel(const Pass &pass, ParamKind kind, const GateMatrix<C> &matrix, int64_t panel,
                               int64_t place) const {
  if (pass.packs) {
    pack_gate_panel(facts_.spec, dims_, call_.args.params[param_index(facts_.spec, pass.layer, pass.direction, kind)],
                    matrix.K, panel, matrix.full + dims_.gate_panels.offset(place, matrix.K));
  }
}

template <class C>
auto ForwardRun<C>::state_rows(const State &state, int64_t r, int64_t row_step) const -> Operand {
  if (dims_.dot != nullptr) {
    return {nullptr, state.pairs + r * dims_.padded_O, dims_.padded_O * row_step};
  }
  return {state.rows + r * state.row, nullptr, state.row * row_step};
}

template <class C>
auto ForwardRun<C>::input_rows(const Pass &pass, int64_t p, int64_t row_step) const -> Operand {
  const Source &source = pass.source;
  if (dims_.dot != nullptr) {
    return {nullptr, source.pairs + p * source.pairs_row, source.pairs_row * row_step};
  }
  return {source.rows + p * source.row, nullptr, source.row * row_step};
}

// to[rows, one panel] = a * matrix. `ahead` is read next; NULL where the weights are near.
template <class C>
void ForwardRun<C>::gate_product(const Operand &a, const GateMatrix<C> &matrix, int64_t panel, int64_t place,
                                 int64_t rows, int64_t of_rows, C *to, int64_t to_row, const C *ahead) const {
  const Panels &panels = dims_.gate_panels;
  if constexpr (std::is_same_v<C, float>) {
    if (dims_.dot != nullptr) {
      const int64_t K = kernels::bf16_even(matrix.K);
      const int vectors = panels.vectors_at(panel);
      dims_.dot->product({a.pairs, a.row, matrix.pairs + panels.offset(place, K), bf16_layout(*dims_.dot, K, vectors),
                          rows, K, vectors, to, to_row, false, bf16_order(*dims_.dot, panels, K, of_rows)});
      return;
    }
  }
  facts_.kernel.product({a.rows, a.row, 1, matrix.full + panels.offset(place, matrix.K), rows, matrix.K,
                         panels.vectors_at(panel), to, to_row, false, of_rows, ahead});
}

template <class C>
void ForwardRun<C>::project(const Member &member, const Pass &pass, int64_t t, C *next) const {
  const Panels panels = dims_.plain_panels(dims_.O);
  auto *tile = static_cast<C *>(member.scratch);
  const int64_t active = space_.map.active(t);
  const int64_t p0 = space_.map.offset(t);
  for (int64_t panel = member.first(panels.count()); panel < member.last(panels.count()); ++panel) {
    const int64_t column = panels.column(panel);
    const int64_t width = panels.width_at(panel);
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

template class ForwardRun<float>;
template class ForwardRun<double>;

}  // namespace rondo::cpu
