// How the members of a team share the steps of one layer and direction: a small cost model chooses, `explain` shows it.
// No choice changes a result, so it may go by what the machine does at the moment.
#pragma once

#include <algorithm>
#include <string>

#include "backend/cpu/dimensions.h"
#include "backend/cpu/team.h"

namespace rondo::cpu {

enum class Split {
  alone,       // one thread: a step is shorter than a meeting of two
  columns,     // each member its units of every row; they meet once a step (backward too), twice with a projection
  rows,        // each member some rows, all units; they meet only around the large products
  beside,      // one member the steps, the others the products with inputs beside them; they meet once a piece
  directions,  // forward only: two members, a direction each; they meet once a layer
  layers,      // forward only: two members, a layer each, the upper one a piece behind; they meet once a piece
};

// What one member has to do with the steps and with the products of inputs that go beside them, in a split that tells
// them apart: all of the former, or a part of the latter among the others. Elsewhere everyone has a part of both.
class Roles {
 public:
  Roles(const Member &member, Split split)
      : apart_(split == Split::beside && member.count > 1),
        first_(member.index == 0),
        steps_(apart_ ? member.by_itself() : member),
        products_(apart_ ? Member{member.index - 1, member.count - 1, nullptr, member.scratch} : member) {}

  bool apart() const { return apart_; }
  const Member *steps() const { return apart_ && !first_ ? nullptr : &steps_; }
  const Member *products() const { return apart_ && first_ ? nullptr : &products_; }

 private:
  bool apart_, first_;
  Member steps_, products_;
};

// A sequence in pieces, the steps between two meetings of members who go beside each other. The first is shorter: all
// wait for its products, or for those after it.
struct Pieces {
  int64_t T, steps;

  int64_t first() const { return std::min(T, divide_up(steps, int64_t{2})); }
  int64_t count() const { return 1 + divide_up(T - first(), steps); }
  int64_t begin(int64_t piece) const { return piece == 0 ? 0 : first() + (piece - 1) * steps; }
  int64_t end(int64_t piece) const { return std::min(T, first() + piece * steps); }
  Range range(int64_t piece) const { return {begin(piece), end(piece)}; }
};
inline constexpr int64_t most_piece_steps = 16;

// What a run is told: results do not depend on it.
struct Sharing {
  Split split;
  int64_t piece_steps;
  Split left;  // a layer's that is left of pairs

  Sharing(Split of, int64_t steps = most_piece_steps, Split of_left = Split::alone)
      : split(of), piece_steps(steps), left(of_left) {}
  // Of one layer and direction: what members do who have more than one of them at a time is left out.
  Split of_layer() const { return split == Split::directions ? Split::alone : split == Split::layers ? left : split; }
};

// Two a cycle, near 4 GHz; half of it where vectors are executed in halves.
inline constexpr double multiply_adds_per_ns = 8;

// Estimates for a forward step of one direction with its part of the input products, in vector multiply-adds from
// registers.
struct SplitCosts {
  double alone, columns, rows;
  double beside = 0, directions = 0, layers = 0;  // 0 where they are not possible
  Split forward = Split::alone, backward = Split::alone;
  int64_t piece_steps = 0;    // for `beside`
  int64_t layer_steps = 0;    // of a piece for `layers`
  Split left = Split::alone;  // of `layers`

  Sharing forward_sharing() const { return {forward, forward == Split::layers ? layer_steps : piece_steps, left}; }
  Sharing backward_sharing() const { return {backward, piece_steps}; }
};

// What there is to share.
struct Work {
  double steps, rows;        // rows: the mean number of a step's
  int64_t most_piece_steps;  // for `beside` and `layers`; 0 where they are not possible
  bool training;             // whether backward calls follow the forward ones
};

// What it costs the threads to work together, as their team measured it.
struct Together {
  double meeting_ns;
  double standstill = 0;  // the part of their time in which they waited for one that had lost its core
};

// What a meeting takes in the mean over a call of alone_ns on one thread, where it takes now_ns as it begins.
double meeting_over(double alone_ns, double usual_ns, double now_ns);

// element_bytes: of the type of arithmetic. second_level_bytes: a core's.
SplitCosts split_costs(const Dimensions &dims, int64_t element_bytes, const Work &work, int threads,
                       const Together &together, int64_t second_level_bytes);

const char *name_of(Split split);

// What one member has of a step that is split so; nothing to begin with.
struct Share {
  int64_t first_row = 0, last_row = 0, row_step = 1;  // rows first_row, first_row + row_step, .. before last_row
  int64_t first_panel = 0, last_panel = 0;
  int64_t first_unit = 0, last_unit = 0;
  // Backward without a projection: of the hidden product, those whose columns are the units.
  struct HiddenPanels {
    int64_t first = 0, last = 0;
  } hidden;

  int64_t rows_of(int64_t active) const {
    const int64_t reached = std::min(active, last_row) - first_row;
    return reached <= 0 ? 0 : row_step == 1 ? reached : (reached + row_step - 1) / row_step;
  }
};

// Units are shared out in whole gate panels and, backward without a projection, whole panels of the hidden product.
// Rows that all run every step are shared out as neighbours: a core's prefetches reach for the next lines, and take
// from another what it is about to write. Of rows that end one after the other each member has its part at every step.
Share share_of(Split split, const Member &member, const Dimensions &dims, bool backward, int64_t rows, bool rows_alike);

}  // namespace rondo::cpu
