// The products of a layer's inputs, W_ih x, of a chunk of steps or a piece: who makes which, and where they go.
#include <type_traits>

#include "backend/cpu/forward.h"
#include "kernels/cpu/ask.h"

namespace rondo::cpu {

// what(product) with W_ih x for `rows` of every row_step-th packed row from `first` on, to `pre`.
template <class C>
template <class What>
void ForwardRun<C>::with_input_product(const Pass &pass, int64_t first, int64_t rows, int64_t row_step, C *pre,
                                       What &&what) const {
  const auto product = [&](const auto *from, int64_t row, const auto *weights, int64_t K) {
    using A = std::remove_cv_t<std::remove_pointer_t<decltype(from)>>;
    what(RowsProduct<C, A>{from + first * row, row * row_step, rows, K, weights, dims_.gate_panels, pre,
                           dims_.gates * row_step, false, space_.map.S()});
  };
  const Source &source = pass.source;
  if constexpr (std::is_same_v<C, float>) {
    if (dims_.dot != nullptr) {
      product(source.pairs, source.pairs_row, pass.weights.ih.pairs, kernels::bf16_even(dims_.input(pass.layer)));
      return;
    }
  }
  product(source.rows, source.row, pass.weights.ih.full, dims_.input(pass.layer));
}

// Whether each member makes the products of the rows of its steps: what a member writes, in any such chunk, has to be
// what it alone reads, so rows between others' are as many for each at every step; and lengths do not leave it a few at
// a time.
template <class C>
bool ForwardRun<C>::inputs_by_rows(const Member &member, const Pass &pass, const Share &share, int64_t first,
                                   int64_t last) const {
  const SequenceMap &map = space_.map;
  if (pass.split != Split::rows || inputs_with_steps()) {
    return false;
  }
  int64_t runs = 0;
  for (int64_t t = first; t < last; t = end_of_run(t, last)) {
    if (share.row_step > 1 && map.active(t) % member.count != 0) {
      return false;
    }
    ++runs;
  }
  return map.offset(last) - map.offset(first) >= least_rows_of_run * runs * member.count;
}

// Past the last step from t on with as many rows.
template <class C>
int64_t ForwardRun<C>::end_of_run(int64_t t, int64_t last) const {
  int64_t end = t + 1;
  for (; end < last && space_.map.active(end) == space_.map.active(t); ++end) {
  }
  return end;
}

// Neighbours lie together within a step only: their products take a step's rows or a row's steps, whichever are more,
// and a panel serves all of them before the next.
template <class C>
void ForwardRun<C>::input_products_of_rows(const Pass &pass, const Share &share, int64_t first, int64_t last) const {
  const SequenceMap &map = space_.map;
  struct Parts {
    int64_t count, apart, rows, row_step;
  };
  for (int64_t t = first, end = t; t < last; t = end) {
    end = end_of_run(t, last);
    const int64_t steps = end - t;
    const int64_t active = map.active(t);
    const int64_t rows = share.rows_of(active);
    const Parts parts = share.row_step > 1 ? Parts{1, 0, steps * rows, share.row_step}
                        : rows < steps     ? Parts{rows, 1, steps, active}
                                           : Parts{steps, active, rows, 1};
    for (int64_t panel = 0; panel < dims_.gate_panels.count(); ++panel) {
      for (int64_t part = 0; part < parts.count; ++part) {
        const int64_t from = map.offset(t) + share.first_row + part * parts.apart;
        with_input_product(pass, from, parts.rows, parts.row_step,
                           pass.space.pre + (from - map.offset(first)) * dims_.gates,
                           [&](const auto &product) { product.run_panel(facts_.kernel, panel, panel); });
      }
    }
  }
}

// Of steps [first, last). Whether each member made just the columns that it will read: what is small, where that leaves
// each about as much. Of a large product a member on a slower core leaves some to the others, which is worth a meeting.
template <class C>
bool ForwardRun<C>::input_products(const Member &member, const Pass &pass, int64_t first, int64_t last) const {
  const int64_t begin = space_.map.offset(first);
  const int64_t rows = space_.map.offset(last) - begin;
  const int64_t K = dims_.input(pass.layer);
  const int64_t panels = dims_.gate_panels.count();
  const bool even = panels % member.count == 0 || panels >= int64_t{8} * member.count;
  const bool small = rows <= rows_of_piece<C>(K) || (even && rows * K * dims_.gates < large_multiply_adds);
  const bool own = member.count == 1 || (pass.split != Split::rows && small);
  with_input_product(pass, begin, rows, 1, pass.space.pre, [&](const auto &product) {
    if (own) {
      product.run_panels(facts_.kernel, member);
    } else {
      product.run(facts_.kernel, member);
    }
  });
  return own;
}

// Whether the input products are made step by step beside the others; a sequence of one step has nothing to gather.
template <class C>
bool ForwardRun<C>::inputs_with_steps() const {
  return space_.map.T() == 1 || (space_.map.S() >= many_rows * space_.map.T() && facts_.inputs_fit_steps());
}

// Of steps that another member makes.
template <class C>
void ForwardRun<C>::input_products_of_piece(const Member &member, const Pass &pass, const Range &steps, C *pre) const {
  const Range rows = packed_rows(pass, steps);
  with_input_product(pass, rows.first, rows.last - rows.first, 1, pre,
                     [&](const auto &product) { product.run_panels(facts_.kernel, member); });
}

// The input products of some steps, which others made; `pre` holds those of the packed rows from `begin` on.
template <class C>
void ForwardRun<C>::ask_for_products(const Pass &pass, const Range &steps, const C *pre, int64_t begin) const {
  if (steps.first < steps.last) {
    const Range rows = packed_rows(pass, steps);
    kernels::ask_for(pre + (rows.first - begin) * dims_.gates, (rows.last - rows.first) * dims_.gates);
  }
}

template class ForwardRun<float>;
template class ForwardRun<double>;

}  // namespace rondo::cpu
