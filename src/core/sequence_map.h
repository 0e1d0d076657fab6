// SequenceMap: every call in one form. Rows are sorted longest first, steps follow each other, step t holds its active
// rows: packed order, whatever the caller's. A row that ended costs nothing, and the large products see valid rows
// only.
#pragma once

#include "core/arena.h"
#include "core/batch.h"

namespace rondo {

class SequenceMap {
 public:
  // Takes its arrays from the arena; with an arena that counts, T and N are all it reads.
  SequenceMap(Arena &arena, Checked T, Checked N);

  // Fills the arrays; a permutation that is none is refused.
  Status build(const Batch &batch, int64_t layout);

  int64_t T() const { return T_; }
  int64_t N() const { return N_; }
  int64_t S() const { return offsets_[T_]; }
  int64_t active(int64_t t) const { return offsets_[t + 1] - offsets_[t]; }  // rows still running at step t
  int64_t offset(int64_t t) const { return offsets_[t]; }                    // packed row of step t's first
  int64_t length(int64_t r) const { return lengths_[r]; }
  int64_t state_row(int64_t r) const { return rows_[r]; }               // sorted row r's place in h0, c0, hn, cn
  int64_t mask_row(int64_t r) const { return packed_ ? r : rows_[r]; }  // dropout's n
  // Packed row to the caller's row of x and y.
  int64_t position(int64_t t, int64_t r) const {
    return packed_ ? offsets_[t] + r : (batch_major_ ? rows_[r] * T_ + t : t * N_ + rows_[r]);
  }
  bool rows_alike() const { return S() == T_ * N_; }  // whether every row runs all steps
  // Whether packed rows lie as the caller's do.
  bool direct() const { return direct_; }
  // Whether every row runs all steps, and rows are numbered as the caller's.
  bool plain() const { return plain_; }
  // The last step whose first packed row is p or before.
  int64_t step_of(int64_t p) const;

 private:
  void sort_by_length(const Batch &batch);

  int64_t T_, N_;
  int64_t *offsets_;  // [T+1]
  int64_t *rows_;     // [N]
  int64_t *lengths_;  // [N]
  int64_t *scratch_;  // [T+2], or N bytes for check_permutation
  bool packed_ = false, batch_major_ = false, direct_ = false, plain_ = false;
};

}  // namespace rondo
