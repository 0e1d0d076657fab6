// Binds a call to its memory and hands it to the team: the last checks, which need workspace, reserve or packing, are
// here.
#include "backend/cpu/executor.h"

#include <cstdio>

#include "backend/cpu/backward.h"
#include "backend/cpu/forward.h"
#include "backend/cpu/products.h"
#include "core/hash.h"
#include "core/huge_pages.h"
#include "core/processors.h"

namespace rondo::cpu {
namespace {

// The kernels number cells and types as the public header does.
constexpr bool same(int32_t kernel_number, int32_t public_number) { return kernel_number == public_number; }
static_assert(same(kernels::kRnnTanh, RONDO_CELL_RNN_TANH) && same(kernels::kRnnRelu, RONDO_CELL_RNN_RELU) &&
              same(kernels::kLstm, RONDO_CELL_LSTM) && same(kernels::kGru, RONDO_CELL_GRU) &&
              same(kernels::kCells, RONDO_CELL_GRU + 1));
static_assert(static_cast<int>(kernels::Storage::f64) == RONDO_F64 &&
              static_cast<int>(kernels::Storage::f32) == RONDO_F32 &&
              static_cast<int>(kernels::Storage::f16) == RONDO_F16 &&
              static_cast<int>(kernels::Storage::bf16) == RONDO_BF16);

uint64_t format_of(const Spec &spec, int lanes, int plain_vectors, const kernels::Bf16Kernels *dot) {
  const int pairs = dot == nullptr ? 0 : dot->has_tiles ? 2 : 1;
  return format_hash({spec.cell, spec.input_size, spec.hidden_size, spec.proj_size, spec.num_layers, spec.bidirectional,
                      spec.bias, spec.dtype, lanes, plain_vectors, pairs,
                      RONDO_VERSION_MAJOR * 10000 + RONDO_VERSION_MINOR * 100});
}

template <class C>
Facts<C> make_facts(const Spec &spec, const Problem &problem) {
  const auto &kernel = kernels::kernels<C>();
  // What is projected would have to be rounded once more; such networks stay with f32 products.
  const auto *dot = spec.storage() == RONDO_BF16 && spec.proj_size == 0 ? kernels::bf16_kernels() : nullptr;
  return {spec,   problem,        Dimensions(spec, kernel.lanes, kernel.panel_vectors, dot),
          kernel, next_plan_id(), format_of(spec, kernel.lanes, kernel.panel_vectors, dot)};
}

// The packed parameters' layout is the passes' order: per layer, then per direction.
template <class C, class Visit>
Checked visit_packed(const Dimensions &dims, Arena arena, Visit &&visit) {
  for (int64_t layer = 0; layer < dims.L; ++layer) {
    for (int64_t direction = 0; direction < dims.D; ++direction) {
      visit(ForwardWeights<C>(arena, dims, dims.input(layer)), layer, direction);
    }
  }
  return arena.used();
}

// A short call that comes after a pause finds the workers asleep and is over before they could help.
constexpr double short_call_ns = 100000;

// Memory that call after call brings is asked for once; and only where what it holds takes long beside asking.
constexpr int64_t large_memory = int64_t{4} << 20;

void ask_for_huge_pages_once(std::atomic<const void *> &last, void *memory, int64_t bytes) {
  if (bytes >= large_memory && last.load(std::memory_order_relaxed) != memory) {
    last.store(memory, std::memory_order_relaxed);
    ask_for_huge_pages(memory, bytes);
  }
}

constexpr int64_t packed_header_bytes = round_up(sizeof(PackedHeader), block_alignment);

}  // namespace

template <class C>
CpuExecutor<C>::CpuExecutor(std::shared_ptr<CpuResources> resources, const Spec &spec, const Problem &problem)
    : resources_(std::move(resources)), facts_(make_facts<C>(spec, problem)) {}

template <class C>
Status CpuExecutor<C>::create(std::shared_ptr<CpuResources> resources, const Spec &spec, const Problem &problem,
                              std::unique_ptr<Executor> *executor) {
  std::unique_ptr<CpuExecutor> made(new CpuExecutor(std::move(resources), spec, problem));
  RONDO_TRY(made->lay_out());
  *executor = std::move(made);
  return {};
}

template <class C>
Status CpuExecutor<C>::lay_out() {
  const Problem &problem = facts_.problem;
  Arena forward(nullptr);
  const ForwardSpace<C> forward_space(forward, facts_, problem.max_T, problem.max_N, problem.max_S);
  Checked workspace = forward.used();
  Arena reserve(nullptr);
  if (problem.training) {
    Arena backward(nullptr);
    const BackwardSpace<C> backward_space(backward, facts_, problem.max_T, problem.max_N, problem.max_S);
    workspace = larger(workspace, backward.used());
    const Reserve<C> reserved(reserve, facts_, problem.max_S);
  }
  const Checked packed = visit_packed<C>(facts_.dims, Arena(nullptr), [](const auto &...) {}) + packed_header_bytes;
  return count_needs(facts_.spec, problem, workspace, reserve.used(), packed, &needs_);
}

template <class C>
std::string CpuExecutor<C>::description() const {
  const char *arithmetic = sizeof(C) == 8 ? "f64" : "f32";
  std::string text = "cpu: " + std::string(facts_.kernel.target) + ", " + std::to_string(facts_.dims.lanes) + " " +
                     arithmetic + " lanes, products accumulate in " + arithmetic + "\n" + split_text();
  if (facts_.dims.dot != nullptr) {
    text += "cpu: forward products by the processor's bf16 dot product" +
            (facts_.dims.dot->has_tiles ? ", in AMX's tiles from " + std::to_string(rows_for_tiles) + " rows and " +
                                              std::to_string(multiply_adds_for_tiles) + " multiply-adds a column on"
                                        : "") +
            ", which takes subnormals as zero\n";
  }
  if (facts_.spec.autotune != 0) {
    text += "cpu: autotune has one candidate here, so nothing was timed\n";
  }
  if (facts_.spec.allow_tf32 != 0) {
    text += "cpu: allow_tf32 allows less than f32 products, and none is used\n";
  }
  return text;
}

template <class C>
int CpuExecutor<C>::members(Split split) const {
  const bool of_two = split == Split::directions || split == Split::layers;
  return split == Split::alone ? 1 : of_two ? 2 : resources_->threads();
}

// The choice at the plan's largest batch; a call's own batch decides at the call.
template <class C>
std::string CpuExecutor<C>::split_text() const {
  const Team &team = resources_->team();
  const SplitCosts costs = split_costs_at({facts_.problem.max_T, facts_.problem.max_N, facts_.problem.max_S},
                                          {team.usual_meeting_ns(), team.standstill()});
  char text[600];
  std::snprintf(text, sizeof text,
                "cpu: steps at the plan's largest batch, %d threads: %s; backward %s\n"
                "cpu: a call shorter than %.0f us after a pause runs on one thread\n"
                "cpu: estimated vector multiply-adds a step and direction: one thread %.0f, split by columns %.0f, by "
                "rows %.0f, one thread's beside the others' products %.0f, a direction to a thread %.0f, a layer to a "
                "thread %.0f (0: "
                "not possible)\n",
                resources_->threads(), name_of(costs.forward), name_of(costs.backward), short_call_ns / 1000,
                costs.alone, costs.columns, costs.rows, costs.beside, costs.directions, costs.layers);
  return text;
}

template <class C>
Status CpuExecutor<C>::pack(const void *const *params, void *packed) const {
  auto *weights = static_cast<char *>(packed) + packed_header_bytes;
  ask_for_huge_pages(packed, needs_.packed);
  resources_->team().run(resources_->threads(), nullptr, [&](const Member &member) {
    visit_packed<C>(facts_.dims, Arena(weights), [&](const ForwardWeights<C> &to, int64_t layer, int64_t direction) {
      to.pack(member, {&member, &member}, facts_.spec, facts_.dims, params, layer, direction);
    });
  });
  *static_cast<PackedHeader *>(packed) = {packed_magic, facts_.packed_format};
  return {};
}

template <class C>
template <class Args>
void CpuExecutor<C>::ask_for_huge_pages_of(const Args &args) const {
  ask_for_huge_pages_once(workspace_asked_, args.workspace, needs_.workspace);
  ask_for_huge_pages_once(reserve_asked_, args.reserve, needs_.reserve);
}

template <class C>
SplitCosts CpuExecutor<C>::split_costs_at(const Sizes &sizes, const Together &together) const {
  const auto steps = static_cast<double>(std::max<int64_t>(sizes.T, 1));
  const Work work{steps, static_cast<double>(sizes.S) / steps, facts_.most_steps_beside(sizes.T, sizes.N, sizes.S),
                  facts_.problem.training};
  return split_costs(facts_.dims, sizeof(C), work, resources_->threads(), together, second_level_bytes());
}

template <class C>
SplitCosts CpuExecutor<C>::split_of(const Batch &batch) const {
  Team &team = resources_->team();
  const bool awake = team.awake();
  // Where workers sleep, what was measured last is old, and they would be measured as they wake.
  const double now_ns = awake ? team.meeting_ns(resources_->threads()) : team.usual_meeting_ns();
  const double usual_ns = team.usual_meeting_ns();
  const double standstill = team.standstill();
  const Sizes sizes{batch.T, batch.N, batch.S};
  SplitCosts costs = split_costs_at(sizes, {usual_ns, standstill});
  const auto passes = static_cast<double>(batch.T * facts_.dims.L * facts_.dims.D);
  const double alone_ns = costs.alone * passes / multiply_adds_per_ns;
  if (now_ns > usual_ns) {
    costs = split_costs_at(sizes, {meeting_over(alone_ns, usual_ns, now_ns), standstill});
  }
  if (!awake && alone_ns < short_call_ns) {
    costs.forward = costs.backward = Split::alone;
  }
  return costs;
}

template <class C>
Status CpuExecutor<C>::forward(const ForwardCall &call) const {
  const Batch &batch = call.batch;
  if (call.args.packed_params != nullptr) {
    const auto *header = static_cast<const PackedHeader *>(call.args.packed_params);
    if (header->magic != packed_magic || header->format != facts_.packed_format) {
      return foreign_packing();
    }
  }
  ask_for_huge_pages_of(call.args);
  Arena arena(call.args.workspace);
  ForwardSpace<C> space(arena, facts_, batch.T, batch.N, batch.S);
  RONDO_TRY(space.map.build(batch, facts_.spec.layout));
  Arena reserve_arena(call.args.reserve);
  Reserve<C> reserve(reserve_arena, facts_, batch.S);
  const uint64_t seed = call.args.seed_ptr != nullptr ? *call.args.seed_ptr : call.args.seed;
  const uint64_t offset = call.args.offset_ptr != nullptr ? *call.args.offset_ptr : call.args.offset;
  if (facts_.problem.training) {
    *reserve.header = {reserve_magic, make_reserve_tag(facts_.plan_id, batch), seed, offset};
  }
  // The weights are only read; the arena hands out writable places for both uses.
  auto *packed = static_cast<char *>(const_cast<void *>(call.args.packed_params));
  const SplitCosts costs = split_of(batch);
  const ForwardRun<C> run(facts_, call, space, facts_.problem.training ? &reserve : nullptr,
                          packed == nullptr ? nullptr : packed + packed_header_bytes, seed, offset,
                          costs.forward_sharing(), calls_.fetch_add(1, std::memory_order_relaxed) % 2 == 1);
  resources_->team().run(members(costs.forward), space.scratch, run);
  return {};
}

template <class C>
Status CpuExecutor<C>::check_reserve(const ReserveHeader &header, const Batch &batch) const {
  if (header.magic != reserve_magic) {
    return fail(RONDO_ERROR_STATE, "reserve was not written by rondo_forward");
  }
  return check_reserve_tag(header.tag, facts_.plan_id, batch);
}

template <class C>
Status CpuExecutor<C>::backward(const BackwardCall &call) const {
  const Batch &batch = call.batch;
  ask_for_huge_pages_of(call.args);
  Arena arena(call.args.workspace);
  BackwardSpace<C> space(arena, facts_, batch.T, batch.N, batch.S);
  RONDO_TRY(space.map.build(batch, facts_.spec.layout));
  Arena reserve_arena(call.args.reserve);
  const Reserve<C> reserve(reserve_arena, facts_, batch.S);
  RONDO_TRY(check_reserve(*reserve.header, batch));
  if (facts_.spec.consume_reserve != 0) {
    reserve.header->tag.consumed = 1;
  }
  const SplitCosts costs = split_of(batch);
  resources_->team().run(members(costs.backward), space.scratch,
                         BackwardRun<C>(facts_, call, space, reserve, costs.backward_sharing()));
  return {};
}

template class CpuExecutor<float>;
template class CpuExecutor<double>;

}  // namespace rondo::cpu
