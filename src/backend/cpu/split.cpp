// The cost model. Its constants are relations between parts of one core and hold within a factor of two on Zen 4, Zen 5
// and Intel's: a vector from the second cache level takes as long as two multiply-adds, from beyond it six.
#include "backend/cpu/split.h"

#include <cmath>

namespace rondo::cpu {
namespace {

constexpr double part_for_weights = 0.75;  // of the second level, beside states and gates
constexpr double from_first_level = 1;     // a load and a multiply-add start together
constexpr double from_second_level = 2;
constexpr double from_beyond = 6;
// Gates, activations and states of one vector of units, per gate.
constexpr double cell_per_gate_vector = 25;
constexpr double vectors_per_block = 24;  // of sums in registers
// A panel that no first level holds from one register block to the next.
constexpr int64_t wide_panel_bytes = 48 << 10;
// After a meeting a member fetches what others just wrote, of two members half of it: forward states, backward the
// gates' gradients. The first of it is waited for, in parts of a meeting; the rest comes by the byte.
constexpr double first_fetched = 0.5;
constexpr double per_byte_of_all = 0.5;
constexpr double most_standstill = 0.95;

// What one member has of a step.
struct Part {
  double rows, vectors, K;
  double load;    // what it takes to read a vector of the weights
  double blocks;  // how often the rows' register blocks read the weights
  bool again;     // from the second level each time

  bool far() const { return load == from_beyond; }

  Part(const Dimensions &dims, int64_t element_bytes, int64_t second_level_bytes, double of_rows, double of_columns)
      : rows(of_rows),
        vectors(static_cast<double>(dims.gates) / dims.lanes * of_columns),
        K(static_cast<double>(dims.O)) {
    const double bytes = vectors * dims.lanes * K * static_cast<double>(element_bytes);
    const double room = part_for_weights * static_cast<double>(second_level_bytes);
    load = bytes <= kernels::kFirstLevelBytes ? from_first_level : bytes <= room ? from_second_level : from_beyond;
    const double panel_vectors = static_cast<double>(dims.gate_panels.width()) / dims.lanes;
    blocks = std::ceil(std::max(rows, 1.0) * panel_vectors / vectors_per_block);
    again = blocks > 1 && dims.gate_panels.width() * dims.O * element_bytes > wide_panel_bytes;
  }
};

// Of few rows a block: its sums, or the loads of near weights, are waited for, those of far ones are fetched ahead. One
// and two rows have several chains of sums; three take as long as four, or as 4.5 where each block begins a panel anew.
double of_few_rows(const Part &part) {
  const double rows = part.rows / part.blocks;
  if (part.far()) {
    return 1;
  }
  return rows <= 1 ? 1.2 : rows <= 2 ? 1.6 : std::max(1.0, (part.again ? 4.5 : 4) / rows);
}

double step_cost(const Part &part) {
  const double once = part.vectors * part.K;
  const double multiply_adds = part.rows * once;
  // Later passes over a panel find it in the second level at worst. What comes from beyond it is waited for in part.
  const double first_pass = once * part.load;
  const double loads = first_pass + once * (part.blocks - 1) * std::min(part.load, from_second_level);
  const double waiting = part.far() ? first_pass / 2 : 0;
  const double product = std::max(multiply_adds + waiting, loads) * of_few_rows(part);
  return product + part.rows * part.vectors * cell_per_gate_vector;
}

// A tie goes to fewer meetings: their price moves most.
constexpr double margin = 1.15;

// One pass's estimates.
struct Ways {
  double alone, columns, rows;

  double shared() const { return std::min(columns, rows); }
  Split best() const {
    return shared() * margin >= alone ? Split::alone : rows <= columns ? Split::rows : Split::columns;
  }
};

}  // namespace

double meeting_over(double alone_ns, double usual_ns, double now_ns) {
  constexpr double slow_ns = std::chrono::nanoseconds(slow_while).count();
  return usual_ns + (now_ns - usual_ns) * (alone_ns > slow_ns ? slow_ns / alone_ns : 1);
}

SplitCosts split_costs(const Dimensions &dims, int64_t element_bytes, double rows, int threads,
                       const Together &together, int64_t second_level_bytes) {
  const auto part = [&](double of_rows, double of_columns) {
    return Part(dims, element_bytes, second_level_bytes, of_rows, of_columns);
  };
  const Part whole = part(rows, 1);
  const double meeting = together.meeting_ns * multiply_adds_per_ns;
  const double at_work = 1 - std::min(together.standstill, most_standstill);
  const double meetings = meeting * (1 + first_fetched) * (dims.P > 0 ? 2 : 1);
  const auto panels = static_cast<double>(dims.gate_panels.count());
  const double widest = static_cast<double>(divide_up(dims.gate_panels.count(), threads)) / panels;
  const Part by_columns = part(rows, std::max(widest, 1.0 / panels));
  const Part by_rows = part(std::max(1.0, rows / threads), 1);
  // The products around the steps meet every few steps.
  const double meetings_by_rows = dims.P > 0 ? meetings : meeting / 8;
  const double fetched = rows * static_cast<double>(dims.O * element_bytes) * per_byte_of_all;
  const Ways forward{step_cost(whole), (step_cost(by_columns) + meetings + fetched) / at_work,
                     (step_cost(by_rows) + meetings_by_rows) / at_work};
  Ways backward = forward;
  backward.columns += static_cast<double>(dims.G - 1) * fetched / at_work;
  SplitCosts costs{forward.alone, forward.columns, forward.rows, 0, Split::alone, Split::alone};
  if (threads <= 1) {
    return costs;
  }
  costs.forward = forward.best();
  costs.backward = backward.best();
  if (dims.directions_apart(element_bytes)) {
    costs.directions = costs.alone / 2 / at_work;
    if (costs.directions < std::min(forward.shared() * margin, costs.alone / margin)) {
      costs.forward = Split::directions;
    }
  }
  return costs;
}

const char *name_of(Split split) {
  switch (split) {
    case Split::alone:
      return "one thread";
    case Split::columns:
      return "split by columns";
    case Split::rows:
      return "split by rows";
    case Split::directions:
      return "a direction to a thread";
  }
  return "";
}

Share share_of(Split split, const Member &member, const Dimensions &dims, bool backward, int64_t rows,
               bool rows_alike) {
  const Panels &gates = dims.gate_panels;
  const Panels &hidden = dims.hidden_panels;
  const bool with_hidden = backward && dims.P == 0;
  if (split == Split::rows) {
    return {rows_alike ? member.first(rows) : member.index,
            rows_alike ? member.last(rows) : rows,
            rows_alike ? 1 : member.count,
            0,
            gates.count(),
            0,
            dims.H,
            {0, with_hidden ? hidden.count() : 0}};
  }
  const bool by_hidden = with_hidden && hidden.count() < gates.count();
  const int64_t groups = by_hidden ? hidden.count() : gates.count();
  const auto unit_of = [&](int64_t group) { return by_hidden ? hidden.column(group) : dims.first_unit(group); };
  const int64_t first = unit_of(member.first(groups));
  const int64_t last = unit_of(member.last(groups));
  return {0,
          rows,
          1,
          gates.panel_at(first * dims.G),
          gates.panel_at(last * dims.G),
          std::min(first, dims.H),
          std::min(last, dims.H),
          {with_hidden ? hidden.panel_at(first) : 0, with_hidden ? hidden.panel_at(last) : 0}};
}

}  // namespace rondo::cpu
