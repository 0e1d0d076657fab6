// Rows between the caller's tensors and the packed order of a SequenceMap, shared by forward and backward.
#pragma once

#include <type_traits>

#include "backend/cpu/facts.h"

namespace rondo::cpu {

template <class C>
class Rows {
 public:
  Rows(const Facts<C> &facts, const SequenceMap &map, const Member &member)
      : facts_(facts), map_(map), member_(member) {}

  // This member's packed rows: what(p, t, r).
  template <class What>
  void each(What &&what) const {
    each(member_.part(map_.S()), what);
  }
  template <class What>
  void each(const Range &rows, What &&what) const {
    int64_t p = rows.first;
    int64_t t = map_.step_of(p);
    while (p < rows.last) {
      const int64_t end = std::min(rows.last, map_.offset(t + 1));
      for (; p < end; ++p) {
        what(p, t, p - map_.offset(t));
      }
      ++t;
    }
  }

  // The caller's tensor of `width` features to packed rows; NULL gives zeros.
  void load(const void *from, int64_t width, C *to, int64_t to_row) const {
    each([&](int64_t p, int64_t t, int64_t r) {
      if (from == nullptr) {
        std::fill_n(to + p * to_row, width, C{0});
      } else {
        facts_.kernel.load[facts_.storage()](at(from, map_.position(t, r), width), to + p * to_row, width);
      }
    });
  }

  // Packed rows to the caller's tensor; where rows end before T, `padding` [width].
  void store(const C *from, int64_t from_row, int64_t width, const C *padding, void *to) const {
    const auto put = facts_.kernel.store[facts_.storage()];
    each([&](int64_t p, int64_t t, int64_t r) { put(from + p * from_row, at(to, map_.position(t, r), width), width); });
    if (facts_.problem.sequence != RONDO_SEQUENCE_LENGTHS) {
      return;
    }
    for (int64_t r = member_.first(map_.N()); r < member_.last(map_.N()); ++r) {
      for (int64_t t = map_.length(r); t < map_.T(); ++t) {
        put(padding, at(to, map_.position(t, r), width), width);
      }
    }
  }

  // A state tensor [L*D, N, width] of one layer and direction to sorted rows of `to_row`, zero beyond `width`; NULL
  // gives zeros. Of every row_step-th row from first_row on, the elements [first, last).
  struct StatePart {
    int64_t first_row, last_row, row_step, first, last;
  };
  void load_state(const void *from, rondo_dtype_t dtype, int64_t index, int64_t width, C *to, int64_t to_row,
                  const StatePart &part) const {
    const int64_t last = std::min(part.last, width);
    for (int64_t r = part.first_row; r < part.last_row; r += part.row_step) {
      C *row = to + r * to_row;
      if (from == nullptr) {
        std::fill(row + part.first, row + last, C{0});
      } else if (part.first < last) {
        const int64_t element = (index * map_.N() + map_.state_row(r)) * width + part.first;
        facts_.kernel.load[dtype](static_cast<const char *>(from) + element * dtype_size(dtype), row + part.first,
                                  last - part.first);
      }
      if (part.first < last && last == width) {
        std::fill(row + width, row + to_row, C{0});
      }
    }
  }

  // The reverse: row_of(r) is sorted row r's values.
  template <class RowOf>
  void store_state(RowOf row_of, rondo_dtype_t dtype, int64_t index, int64_t width, void *to,
                   const StatePart &part) const {
    const int64_t last = std::min(part.last, width);
    if (to == nullptr || part.first >= last) {
      return;
    }
    for (int64_t r = part.first_row; r < part.last_row; r += part.row_step) {
      const int64_t element = (index * map_.N() + map_.state_row(r)) * width + part.first;
      facts_.kernel.store[dtype](row_of(r) + part.first, static_cast<char *>(to) + element * dtype_size(dtype),
                                 last - part.first);
    }
  }
  // The parts by which members share whole rows.
  StatePart whole_rows(int64_t width) const { return {member_.index, map_.N(), member_.count, 0, width}; }

  // to = from masked and scaled, [S, width], of some packed rows; in place where they are one. Outputs are rounded to
  // storage, gradients are not.
  void apply_dropout(const LayerDropout &dropout, bool rounded, const Range &rows, const C *from, int64_t from_row,
                     int64_t width, C *to, int64_t to_row) const {
    const C scale = dropout.p < 1 ? static_cast<C>(1.0 / (1.0 - dropout.p)) : C{0};
    each(rows, [&](int64_t p, int64_t t, int64_t r) {
      const C *source = from + p * from_row;
      C *target = to + p * to_row;
      for (int64_t quad = 0; quad * 4 < width; ++quad) {
        const auto words = kernels::dropout_words(dropout.key, static_cast<uint32_t>(quad),
                                                  static_cast<uint32_t>(map_.mask_row(r)), static_cast<uint64_t>(t));
        for (int64_t j = quad * 4; j < std::min(quad * 4 + 4, width); ++j) {
          target[j] = words.word[j % 4] < dropout.threshold ? C{0} : source[j] * scale;
        }
      }
      if (rounded) {
        facts_.kernel.round[facts_.storage()](target, width);
      }
    });
  }

 private:
  template <class Pointer>
  Pointer *at(Pointer *tensor, int64_t row, int64_t width) const {
    using Byte = std::conditional_t<std::is_const_v<Pointer>, const char, char>;
    return static_cast<Byte *>(tensor) + row * width * facts_.element_bytes();
  }

  const Facts<C> &facts_;
  const SequenceMap &map_;
  const Member &member_;
};

}  // namespace rondo::cpu
