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
  directions,  // forward only: two members, a direction each; they meet once a layer
};

// Two a cycle, near 4 GHz; half of it where vectors are executed in halves.
inline constexpr double multiply_adds_per_ns = 8;

// Estimates for one forward step of one direction, in vector multiply-adds from registers.
struct SplitCosts {
  double alone, columns, rows, directions;  // directions: 0 where they cannot run side by side
  Split forward, backward;
};

// What it costs the threads to work together, as their team measured it.
struct Together {
  double meeting_ns;
  double standstill = 0;  // the part of their time in which they waited for one that had lost its core
};

// What a meeting takes in the mean over a call of alone_ns on one thread, where it takes now_ns as it begins.
double meeting_over(double alone_ns, double usual_ns, double now_ns);

// rows: the mean number of rows of a step. element_bytes: of the type of arithmetic. second_level_bytes: a core's.
SplitCosts split_costs(const Dimensions &dims, int64_t element_bytes, double rows, int threads,
                       const Together &together, int64_t second_level_bytes);

const char *name_of(Split split);

// What one member has of a step that is split so.
struct Share {
  int64_t first_row, last_row, row_step;  // rows first_row, first_row + row_step, .. before last_row
  int64_t first_panel, last_panel;
  int64_t first_unit, last_unit;
  // Backward without a projection: of the hidden product, those whose columns are the units.
  struct HiddenPanels {
    int64_t first, last;
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
