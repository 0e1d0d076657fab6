// The layouts: each block is there only where the plan's kind of sequences, mode and division can need it. CallRows'
// memory, which is not rounded up as cuDNN's operands are, comes last.
#include "backend/cudnn/memory.h"

namespace rondo::cudnn {
namespace {

Checked aligned(Checked bytes) { return round_up(bytes, operand_alignment); }

Checked bytes_if(bool needed, const Setup &setup, Checked elements) {
  return needed ? aligned(elements * setup.element()) : Checked(0);
}

Checked steps_of(const Setup &setup, int64_t width) { return Checked(setup.problem.max_S) * width; }

// The most rows of states that one part has.
Checked states_of(const Setup &setup, int64_t width) {
  return Checked(setup.stages.front().parts.front().states()) * setup.problem.max_N * width;
}

int64_t part_count(const Setup &setup) {
  return static_cast<int64_t>(setup.stages.size() * setup.stages.front().parts.size());
}

// The last layer's output is the caller's y, which backward is given again.
int64_t kept_layers(const Setup &setup) {
  return static_cast<int64_t>(setup.stages.size()) - (setup.keeps_last() ? 0 : 1);
}

bool rows_are_sorted(const Setup &setup) { return setup.problem.sequence != RONDO_SEQUENCE_FULL; }
bool is_chunked(const Setup &setup) { return setup.division == Division::directions; }

}  // namespace

CarriedStates::CarriedStates(Arena &arena, const Setup &setup, int64_t parts)
    : h_(nullptr), c_(nullptr), h_bytes(0), c_bytes(0), chunks(setup.max_chunks()) {
  const Checked h_size = bytes_if(true, setup, states_of(setup, setup.spec.output()));
  const Checked c_size = bytes_if(setup.spec.has_cell_state(), setup, states_of(setup, setup.spec.hidden_size));
  h_ = arena.take<char>(h_size * (parts * chunks));
  c_ = arena.take<char>(c_size * (parts * chunks));
  h_bytes = h_size.value();
  c_bytes = c_size.value();
}

Reserve::Reserve(Arena &arena, const Setup &setup)
    : seed(reinterpret_cast<uint64_t *>(arena.take<char>(aligned(2 * sizeof(uint64_t))))),
      spaces_(nullptr),
      history_(nullptr),
      carried(arena, setup, is_chunked(setup) ? part_count(setup) : 0),
      space_bytes(0),
      history_bytes(0),
      chunks(std::max<int64_t>(setup.max_chunks(), 1)) {
  const Checked space = aligned(setup.temp.reserve);
  spaces_ = arena.take<char>(space * (part_count(setup) * chunks));
  space_bytes = space.value();
  const Checked history = bytes_if(true, setup, steps_of(setup, setup.output()));
  history_ = arena.take<char>(history * kept_layers(setup));
  history_bytes = history.value();
}

StateSpace::StateSpace(Arena &arena, const Setup &setup, bool needed)
    : h(arena.take<char>(bytes_if(needed, setup, states_of(setup, setup.spec.output())))),
      c(arena.take<char>(
          bytes_if(needed && setup.spec.has_cell_state(), setup, states_of(setup, setup.spec.hidden_size)))) {}

DirectionSpace::DirectionSpace(Arena &arena, const Setup &setup)
    : reversal(reinterpret_cast<int32_t *>(arena.take<char>(aligned(
          Checked(setup.splits_directions() ? setup.problem.max_S : 0) * static_cast<int64_t>(sizeof(int32_t)))))),
      x(arena.take<char>(bytes_if(setup.splits_directions(), setup, steps_of(setup, setup.widest_input())))),
      y(arena.take<char>(bytes_if(setup.splits_directions(), setup, steps_of(setup, setup.spec.output())))) {}

ForwardSpace::ForwardSpace(Arena &arena, const Setup &setup)
    : weights(arena.take<char>(setup.weights.bytes())),
      temp(arena.take<char>(aligned(setup.temp.workspace))),
      x(arena.take<char>(bytes_if(setup.gathers(), setup, steps_of(setup, setup.spec.input_size)))),
      y(arena.take<char>(bytes_if(setup.gathers() || !setup.problem.training, setup, steps_of(setup, setup.output())))),
      history{arena.take<char>(
                  bytes_if(!setup.problem.training && setup.stages.size() > 1, setup, steps_of(setup, setup.output()))),
              arena.take<char>(bytes_if(!setup.problem.training && setup.stages.size() > 2, setup,
                                        steps_of(setup, setup.output())))},
      masked(arena.take<char>(bytes_if(setup.drops(), setup, steps_of(setup, setup.output())))),
      first(arena, setup, rows_are_sorted(setup)),
      last(arena, setup, rows_are_sorted(setup)),
      carried(arena, setup, is_chunked(setup) && !setup.problem.training ? 1 : 0),
      direction(arena, setup),
      rows(arena, setup.problem, setup.problem.max_T, setup.problem.max_N) {}

BackwardSpace::BackwardSpace(Arena &arena, const Setup &setup)
    : weights(arena.take<char>(setup.weights.bytes())),
      d_weights(arena.take<char>(setup.weights.bytes())),
      temp(arena.take<char>(aligned(setup.temp.workspace))),
      reserve(arena.take<char>(aligned(setup.spec.consume_reserve != 0 ? 0 : setup.temp.reserve))),
      x(arena.take<char>(bytes_if(setup.gathers(), setup, steps_of(setup, setup.spec.input_size)))),
      y(arena.take<char>(bytes_if(setup.gathers(), setup, steps_of(setup, setup.output())))),
      dy(arena.take<char>(bytes_if(true, setup, steps_of(setup, setup.output())))),
      gradient{arena.take<char>(bytes_if(true, setup, steps_of(setup, setup.widest_input()))),
               arena.take<char>(bytes_if(setup.stages.size() > 1, setup, steps_of(setup, setup.widest_input())))},
      masked(arena.take<char>(bytes_if(setup.drops(), setup, steps_of(setup, setup.output())))),
      first(arena, setup, rows_are_sorted(setup)),
      d_last(arena, setup, rows_are_sorted(setup) || is_chunked(setup)),
      d_first(arena, setup, rows_are_sorted(setup) || is_chunked(setup)),
      direction(arena, setup),
      direction_dy(arena.take<char>(bytes_if(setup.splits_directions(), setup, steps_of(setup, setup.spec.output())))),
      direction_dx(arena.take<char>(bytes_if(setup.splits_directions(), setup, steps_of(setup, setup.widest_input())))),
      rows(arena, setup.problem, setup.problem.max_T, setup.problem.max_N) {}

}  // namespace rondo::cudnn
