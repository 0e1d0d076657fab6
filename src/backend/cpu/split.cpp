// The cost model. Its constants are relations between parts of one core and hold within a factor of two on Zen 4, Zen 5
// and Intel's: a vector from the second cache level takes as long as two multiply-adds, from beyond it six.
#include "backend/cpu/split.h"

#include <cmath>
#include <limits>

namespace rondo::cpu {
namespace {

constexpr double part_for_weights = 0.75;  // of the second level, beside states and gates
constexpr double from_first_level = 1;     // a load and a multiply-add start together
constexpr double from_second_level = 2;
constexpr double from_beyond = 6;
// Gates, activations and states of one vector of units, per gate.
constexpr double cell_per_gate_vector = 22;
constexpr double vectors_per_block = 24;  // of sums in registers
// A panel that no first level holds from one register block to the next.
constexpr int64_t wide_panel_bytes = 48 << 10;
// After a meeting a member fetches what others just wrote, of two members half of it: forward states, backward the
// gates' gradients. The first of it is waited for, in parts of a meeting; the rest comes by the byte.
constexpr double first_fetched = 0.3;
constexpr double per_byte_of_all = 0.7;
// Beside others it fetches all their input products, of two layers the upper its inputs, most of them while it
// computes.
constexpr double per_byte_of_products = 0.3;
// Each of several members reads all of far weights, in turn with the others.
constexpr double far_weights_by_rows = 1.03;
// By rows, in meetings: members write lines beside each other's, which cores fetch in pairs, and are behind in turn.
constexpr double step_by_rows = 0.9;
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
// row has chains enough; three take nearly as long as four, or as 4.5 where each block begins a panel anew.
double of_few_rows(const Part &part) {
  const double rows = part.rows / part.blocks;
  if (part.far()) {
    return 1;
  }
  return rows <= 1 ? 1 : rows <= 2 ? 1.3 : std::max(1.0, (part.again ? 4.5 : 3.6) / rows);
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
constexpr double margin = 1.05;

// One pass's estimates; beside: infinite where it is not possible.
struct Ways {
  double alone, columns, rows, beside;

  double shared() const { return std::min({columns, rows, beside}); }
  // Whether one that meets less often, at this cost, is chosen instead.
  bool give_way_to(double other) const { return other < std::min(shared() * margin, alone / margin); }
  double least() const { return std::min(shared(), alone / margin); }
  Ways without_beside() const { return {alone, columns, rows, std::numeric_limits<double>::infinity()}; }
  Split best() const {
    const double sharing = shared();
    return sharing * margin >= alone ? Split::alone
           : sharing == rows         ? Split::rows
           : sharing == columns      ? Split::columns
                                     : Split::beside;
  }
};

// Large products against multiply-adds from registers.
constexpr double of_large_products = 1.1;
// What a backward call of several threads takes more, in meetings: its phases begin and end together, and at every step
// one writes what another had read, or reads what it wrote.
constexpr double backward_call = 15;
constexpr double backward_step = 0.7;
// A piece of two layers at a time, in meetings: one, the first of what the lower layer wrote, W_ih and W_hh in turn.
constexpr double piece_of_layers = 3.5;
constexpr double piece_ns = std::chrono::nanoseconds(spin_in_call).count() / 2.0;

// Two layers at a time, in pieces of the length that costs least: a step of both takes as long as the slower one's, and
// one of them waits for its first piece or for the other's last.
struct TwoLayers {
  int64_t piece_steps;
  double cost;

  TwoLayers(double slower, double of_piece, const Work &work)
      : piece_steps(
            std::clamp<int64_t>(std::llround(std::sqrt(work.steps * of_piece / slower)), 1, work.most_piece_steps)) {
    const auto length = static_cast<double>(piece_steps);
    cost = slower * (1 + length / work.steps) + of_piece / length;
  }
};

}  // namespace

double meeting_over(double alone_ns, double usual_ns, double now_ns) {
  constexpr double slow_ns = std::chrono::nanoseconds(slow_while).count();
  return usual_ns + (now_ns - usual_ns) * (alone_ns > slow_ns ? slow_ns / alone_ns : 1);
}

SplitCosts split_costs(const Dimensions &dims, int64_t element_bytes, const Work &work, int threads,
                       const Together &together, int64_t second_level_bytes) {
  const double rows = work.rows;
  const auto part = [&](double of_rows, double of_columns) {
    return Part(dims, element_bytes, second_level_bytes, of_rows, of_columns);
  };
  const Part whole = part(rows, 1);
  const double alone = step_cost(whole);
  const double meeting = together.meeting_ns * multiply_adds_per_ns;
  const double at_work = 1 - std::min(together.standstill, most_standstill);
  const double to_meet = meeting * (1 + first_fetched);
  const double meetings = to_meet * (dims.P > 0 ? 2 : 1);
  const auto panels = static_cast<double>(dims.gate_panels.count());
  const double widest = static_cast<double>(divide_up(dims.gate_panels.count(), threads)) / panels;
  const double by_columns = step_cost(part(rows, std::max(widest, 1.0 / panels))) + meetings;
  const Part of_rows = part(std::max(1.0, std::ceil(rows / threads)), 1);
  const double by_rows =
      step_cost(of_rows) * (of_rows.far() ? far_weights_by_rows : 1) + (dims.P > 0 ? meetings : meeting * step_by_rows);
  const double state_bytes = rows * static_cast<double>(dims.O * element_bytes);
  const double fetched = state_bytes * per_byte_of_all;
  // One member reads far weights slower than all of them, each a part.
  const int64_t most_steps = whole.far() ? 0 : work.most_piece_steps;
  const double steps_of_piece = std::max(1.0, piece_ns * multiply_adds_per_ns / std::max(alone, 1.0));
  const auto piece_steps = static_cast<int64_t>(std::min(static_cast<double>(most_steps), steps_of_piece));
  // What a step has of large products, of which some may go beside the steps, and what members fetch by either split.
  struct Pass {
    double large, beside, fetched_beside, fetched_by_columns, together;
  };
  const auto ways = [&](const Pass &pass) {
    const double of_all = pass.large / threads + pass.together;
    const double beside = std::max(alone + pass.fetched_beside, pass.beside / std::max(threads - 1, 1)) +
                          to_meet / static_cast<double>(piece_steps) + (pass.large - pass.beside) / threads +
                          pass.together;
    return Ways{alone + pass.large, (by_columns + pass.fetched_by_columns + of_all) / at_work,
                (by_rows + of_all) / at_work,
                piece_steps > 0 ? beside / at_work : std::numeric_limits<double>::infinity()};
  };
  const double large = rows * whole.vectors * of_large_products;
  const double inputs = large * static_cast<double>(dims.I + (dims.L - 1) * dims.output) / static_cast<double>(dims.L);
  const double products = rows * static_cast<double>(dims.gates * element_bytes) * per_byte_of_products;
  const Ways forward = ways({inputs, inputs, products, fetched, 0});
  const Ways backward =
      ways({2 * inputs + large * static_cast<double>(dims.O), inputs, 0, static_cast<double>(dims.G) * fetched,
            (backward_step + backward_call / work.steps) * meeting});
  SplitCosts costs{.alone = forward.alone, .columns = forward.columns, .rows = forward.rows};
  costs.piece_steps = piece_steps;
  if (threads <= 1) {
    return costs;
  }
  costs.beside = piece_steps > 0 ? forward.beside : 0;
  costs.forward = forward.best();
  costs.backward = backward.best();
  // What one pass leaves in a core's caches the other reads there: both go beside, or neither.
  if (work.training && (costs.forward == Split::beside) != (costs.backward == Split::beside)) {
    const bool both =
        forward.beside + backward.beside < forward.without_beside().least() + backward.without_beside().least();
    costs.forward = both ? Split::beside : forward.without_beside().best();
    costs.backward = both ? Split::beside : backward.without_beside().best();
  }
  if (dims.directions_apart(element_bytes)) {
    costs.directions = costs.alone / 2 / at_work;
    if (forward.give_way_to(costs.directions)) {
      costs.forward = Split::directions;
      costs.backward = backward.best();
    }
  }
  // Input products come as often as pieces: the second level has to hold both matrices.
  const auto both_matrices = static_cast<double>(dims.gate_bytes(dims.widest_input, element_bytes));
  if (dims.layers_apart(element_bytes) && work.most_piece_steps > 0 &&
      both_matrices < part_for_weights * static_cast<double>(second_level_bytes)) {
    const double slower =
        alone + large * static_cast<double>(std::max(dims.I, dims.O)) + state_bytes * per_byte_of_products;
    const TwoLayers two(slower, piece_of_layers * meeting, work);
    const int64_t pairs = dims.L / 2;
    const double all =
        static_cast<double>(pairs) * two.cost / at_work + static_cast<double>(dims.L % 2) * forward.least();
    costs.layers = all / static_cast<double>(dims.L);
    costs.layer_steps = two.piece_steps;
    costs.left = forward.best();
    if (forward.give_way_to(costs.layers)) {
      costs.forward = Split::layers;
    }
  }
  // Or every forward call wakes the workers, who sleep through the backward ones.
  if (work.training && costs.backward == Split::alone) {
    costs.forward = Split::alone;
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
    case Split::beside:
      return "one thread's steps beside the others' products";
    case Split::directions:
      return "a direction to a thread";
    case Split::layers:
      return "a layer to a thread, two at a time";
  }
  return "";
}

Share share_of(Split split, const Member &member, const Dimensions &dims, bool backward, int64_t rows,
               bool rows_alike) {
  const Panels &gates = dims.gate_panels;
  const Panels &hidden = dims.hidden_panels;
  const bool with_hidden = backward && dims.P == 0;
  if (split == Split::beside) {
    const Roles roles(member, split);
    return roles.steps() == nullptr ? Share{} : share_of(Split::rows, *roles.steps(), dims, backward, rows, rows_alike);
  }
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
