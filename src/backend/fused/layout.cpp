// Every block's size: each grows with T, N and S, so that the plan's maxima serve every smaller call.
#include "backend/fused/layout.h"

#include "backend/fused/variants.h"

namespace rondo::fused {
namespace {

Array take(Arena &arena, kernels::Storage type, Checked elements) {
  const int64_t bytes = storage_bytes(type);
  return {arena.take<char>(round_up(elements * bytes, operand_alignment)), bytes};
}
Array take_if(bool wanted, Arena &arena, kernels::Storage type, Checked elements) {
  return take(arena, type, wanted ? elements : Checked(0));
}

Array take_bytes(Arena &arena, int64_t bytes) {
  return {arena.take<char>(round_up(Checked(bytes), operand_alignment)), 1};
}

char *take_cublas(Arena &arena, const Facts &facts) {
  return arena.take<char>(round_up(facts.cublas_bytes(), operand_alignment));
}

// A layer's input where it is not used as it lies.
int64_t input_width(const Facts &facts) {
  return std::max(facts.always_direct() ? 0 : facts.I, facts.drops_out() ? facts.output : 0);
}

// gradient[k] holds dy of layers L-1-k, L-3-k, ..., and layer 0's dx where the turns end there.
int64_t gradient_width(const Facts &facts, int64_t k) {
  const int64_t dy = k < facts.L ? facts.output : 0;
  return std::max(dy, facts.L % 2 == k ? facts.I : 0);
}

Checked largest_weight(const Facts &facts) {
  return larger(Checked(facts.gates) * std::max(facts.widest_input(), facts.O), Checked(facts.P) * facts.H);
}

int64_t rows_of_chunk(const Facts &facts, Checked N, Checked S) {
  return facts.products_in_reserve() ? 0 : std::min(S.value(), facts.chunk_rows(N.value()));
}

}  // namespace

Reserve::Reserve(Arena &arena, const Facts &facts, Checked N, Checked S)
    : dropout_record(reinterpret_cast<uint64_t *>(
          arena.take<char>(round_up(facts.drops_out() ? 2 * sizeof(uint64_t) : 0, operand_alignment)))),
      lengths(reinterpret_cast<int32_t *>(arena.take<char>(round_up(
          facts.device_lengths() ? N * static_cast<int64_t>(sizeof(int32_t)) : Checked(0), operand_alignment)))),
      history_(take(arena, facts.storage, S * facts.L * facts.output)),
      gates_(take(arena, facts.arithmetic, S * facts.L * facts.D * facts.gates)),
      extra_(take_if(facts.cell.has_extra, arena, facts.arithmetic, S * facts.L * facts.D * facts.H)),
      projected_(take_if(facts.projects(), arena, facts.storage, S * facts.L * facts.D * facts.H)),
      S_(S.value()),
      D_(facts.D),
      H_(facts.H),
      output_(facts.output),
      gate_columns_(facts.gates) {}

Meeting::Meeting(Arena &arena, const Facts &facts, Checked N, bool backward) {
  kernels::cuda::SequenceExchange needs{};
  // A grid's rows are few: its blocks are no more than the GPU's SMs.
  if (facts.tier != nullptr && facts.tier->tier == kernels::cuda::Tier::grid) {
    needs = kernels::cuda::sequence_exchange(sequence_problem(facts.spec, backward, N.value()));
  }
  numbers = take_bytes(arena, needs.numbers);
  flags = take_bytes(arena, needs.flags);
}

ForwardSpace::ForwardSpace(Arena &arena, const Facts &facts, Checked T, Checked N, Checked S)
    : cublas(take_cublas(arena, facts)),
      input(take(arena, facts.storage, S * input_width(facts))),
      history{take_if(!facts.training(), arena, facts.storage, S * facts.output),
              take_if(!facts.training() && facts.L > 1, arena, facts.storage, S * facts.output)},
      pre(take(arena, facts.arithmetic, Checked(rows_of_chunk(facts, N, S)) * facts.D * facts.gates)),
      recurrent(take_if(facts.tier == nullptr, arena, facts.arithmetic, N * facts.D * facts.gates)),
      state(take(arena, facts.storage, N * facts.D * facts.O)),
      c(take_if(facts.cell.has_cell_state, arena, facts.arithmetic, N * facts.D * facts.H)),
      projected(take_if(facts.projects() && facts.tier == nullptr && !facts.training(), arena, facts.storage,
                        N * facts.D * facts.H)),
      output(take_if(facts.projects() && facts.tier == nullptr, arena, facts.arithmetic, N * facts.D * facts.P)),
      hh(take_if(facts.D == 2 && facts.tier == nullptr, arena, facts.storage,
                 Checked(facts.D) * facts.gates * facts.O)),
      hr(take_if(facts.D == 2 && facts.tier == nullptr, arena, facts.storage, Checked(facts.D) * facts.P * facts.H)),
      meeting(arena, facts, N, false),
      rows(arena, facts.problem, T, N),
      pre_rows(rows_of_chunk(facts, N, S)) {}

BackwardSpace::BackwardSpace(Arena &arena, const Facts &facts, Checked T, Checked N, Checked S)
    : cublas(take_cublas(arena, facts)),
      input(take(arena, facts.storage, S * input_width(facts))),
      gradient{take(arena, facts.arithmetic, S * gradient_width(facts, 0)),
               take(arena, facts.arithmetic, S * gradient_width(facts, 1))},
      dx_gates(take(arena, facts.storage, S * facts.D * facts.gates)),
      dh_gates(take_if(facts.cell.splits_gradient, arena, facts.storage, S * facts.D * facts.gates)),
      d_output(take_if(facts.projects(), arena, facts.storage, S * facts.D * facts.P)),
      d_projected(take_if(facts.projects() && facts.tier == nullptr, arena, facts.arithmetic, N * facts.D * facts.H)),
      dh(take(arena, facts.arithmetic, N * facts.D * facts.O)),
      dc(take_if(facts.cell.has_cell_state, arena, facts.arithmetic, N * facts.D * facts.H)),
      h_initial(take(arena, facts.storage, N * facts.D * facts.O)),
      c_initial(take_if(facts.cell.has_cell_state, arena, facts.arithmetic, N * facts.D * facts.H)),
      previous(take(arena, facts.storage, S * facts.O)),
      d_weight(take_if(facts.param_grad != facts.arithmetic, arena, facts.arithmetic, largest_weight(facts))),
      hh(take_if(facts.D == 2 && facts.tier == nullptr, arena, facts.storage,
                 Checked(facts.D) * facts.gates * facts.O)),
      hr(take_if(facts.D == 2 && facts.tier == nullptr, arena, facts.storage, Checked(facts.D) * facts.P * facts.H)),
      meeting(arena, facts, N, true),
      rows(arena, facts.problem, T, N) {}

}  // namespace rondo::fused
