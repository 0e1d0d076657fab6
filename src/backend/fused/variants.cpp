// The choice among the variants: what is proven first, then what is predicted or was measured to be quickest.
// Predictions compare, and promise nothing; a time proves nothing either.
#include "backend/fused/variants.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "backend/fused/facts.h"
#include "core/environment.h"
#include "kernels/cuda/gpu_facts.h"
#include "kernels/cuda/sequence.h"

namespace rondo::fused {
namespace {

using kernels::cuda::SequenceLayout;
using kernels::cuda::Tier;
using kernels::cuda::TierRow;

constexpr const char *stepwise = "fused stepwise";
// Of a product and a kernel that waits for it, on a GPU that has nothing else to do: launches, and the first bytes.
constexpr double stepwise_launches_ns = 5000;
// Leaves one tier to be chosen, so that tests and measurements reach each: its name as "cluster".
constexpr const char *tier_variable = "RONDO_FUSED_TIER";

// "fused cluster" is "cluster" to whoever asks for it.
std::string_view short_name(const TierRow &tier) {
  const std::string_view name = tier.name;
  return name.substr(name.find(' ') + 1);
}

kernels::cuda::GpuFacts gpu_facts(const cuda::Device &device) {
  // The model's clock: a device tells its highest, which it does not hold under load.
  auto facts = kernels::cuda::facts_of(device.capability(), device.multiprocessors, device.shared_bytes, 0);
  if (!device.clusters) {
    facts.largest_cluster = 1;
  }
  return facts;
}

std::string counted(int64_t count, const char *what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// As "1.25 us".
std::string microseconds(double ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f us", ns / 1000);
  return text;
}

std::string layout_text(const SequenceLayout &layout) {
  return counted(layout.groups, "group") + " of " + counted(layout.blocks, "block") + ", each " +
         counted(layout.units, "unit") + " by " + counted(layout.rows, "row") + ", " +
         counted(layout.threads, "thread") + ", " + std::to_string(layout.shared_bytes) + " bytes; predicted " +
         microseconds(layout.step_ns) + " a step";
}

}  // namespace

kernels::cuda::SequenceProblem sequence_problem(const Spec &spec, bool backward, int64_t N) {
  return {.cell = spec.cell,
          .storage = static_cast<kernels::Storage>(spec.storage()),
          .backward = backward,
          .H = spec.hidden_size,
          .N = N,
          .directions = static_cast<int>(spec.directions()),
          .tf32 = rounds_to_tf32(spec),
          .P = spec.proj_size};
}

std::optional<SequenceLayout> sequence_layout(const TierRow &tier, const Spec &spec, const cuda::Device &device,
                                              bool backward, int64_t N) {
  return tier.layout(sequence_problem(spec, backward, N), gpu_facts(device));
}

double Variants::Candidate::step_ns() const { return forward->step_ns + (backward ? backward->step_ns : 0); }

std::string Variants::Candidate::layouts() const {
  return "forward " + layout_text(*forward) + (backward ? "; backward " + layout_text(*backward) : "");
}

// As good as it can get: the cells' arrays once through memory, or the product at full speed.
double Variants::stepwise_ns() const {
  const auto gpu = gpu_facts(device_);
  const auto rows = static_cast<double>(problem_.max_N * spec_.directions());
  const auto gates = static_cast<double>(spec_.gates() * spec_.hidden_size);
  const double per_clock = products_per_clock(sequence_problem(spec_, false, problem_.max_N), gpu);
  const auto projection = static_cast<double>(spec_.proj_size * spec_.hidden_size);
  const double product = rows * (gates * static_cast<double>(spec_.output()) + projection) /
                         (per_clock * gpu.multiprocessors * gpu.clock_ghz);
  // W_ih x read, W_hh h written and read, gates written.
  const double traffic = rows * gates * 4 * sizeof(float) / gpu.memory_gb_per_s;
  const double launches = spec_.proj_size > 0 ? 2 * stepwise_launches_ns : stepwise_launches_ns;
  const double step = launches + std::max(product, traffic);
  return problem_.training ? 2 * step : step;
}

Variants::Variants(const Spec &spec, const Problem &problem, const cuda::Device &device, Proof proof)
    : spec_(spec), problem_(problem), device_(device), proof_(proof) {
  for (int row = 0; row < kernels::cuda::kTierRows; ++row) {
    candidates_.push_back(candidate(kernels::cuda::tier_row(row)));
  }
  choose();
}

const char *Variants::name_of(const TierRow *tier) { return tier == nullptr ? stepwise : tier->name; }

std::string Variants::unproven() const { return unproven_of(tier_); }

std::string Variants::unproven_of(const TierRow *tier) const {
  const bool is_f32 = tier != nullptr && spec_.storage() == RONDO_F32;
  // Of tf32, relu's numbers are compared in the emulator alone: no section of the GPU's tests can prove it.
  const char *tf32 = spec_.cell == RONDO_CELL_RNN_RELU ? " tf32 relu" : " tf32";
  const char *kind = !is_f32 ? "" : rounds_to_tf32(spec_) ? tf32 : " f32";
  return proof_((name_of(tier) + std::string(kind)).c_str(), device_.capability());
}

// What needs no layout to be known.
std::string Variants::refusal_of(const TierRow &row) const {
  const char *wanted = environment(tier_variable);
  if (wanted != nullptr && wanted != short_name(row)) {
    return std::string("the environment's ") + tier_variable + " is \"" + wanted + "\"";
  }
  if (spec_.persistent == RONDO_PERSISTENT_NEVER) {
    return "the attribute persistent is never";
  }
  if (spec_.storage() == RONDO_F64) {
    return "f64 is not served, f32, f16 and bf16 are";
  }
  if (spec_.proj_size > 0 && spec_.storage() == RONDO_F32) {
    return "a projection of f32 is not served, of f16 and bf16 it is";
  }
  if (device_.capability() < row.min_capability) {
    return "it needs compute capability " + cuda::capability_text(row.min_capability) + " or newer, not " +
           cuda::capability_text(device_.capability());
  }
  if (device_.code < row.min_capability) {
    return "its kernels are loaded as compiled for compute capability " + cuda::capability_text(device_.code) +
           ", and need " + cuda::capability_text(row.min_capability);
  }
  if (row.tier == Tier::grid && !device_.grids) {
    return "the device has no cooperative launches, in which all blocks run at once";
  }
  return "";
}

std::string Variants::unfit(const Candidate &of) const {
  return "hidden_size " + std::to_string(spec_.hidden_size) + " with max_N " + std::to_string(problem_.max_N) +
         (spec_.proj_size > 0 ? " and proj_size " + std::to_string(spec_.proj_size) : "") +
         " does not fit its blocks, " +
         (of.tier->tier == Tier::grid ? "at most " + std::to_string(device_.multiprocessors) + " at once, " : "") +
         "of " + std::to_string(device_.shared_bytes) + " bytes of shared memory, in " +
         (of.forward ? "backward" : "forward");
}

std::string Variants::refused_grid(const Candidate &of, int64_t N) const {
  const cuda::BesideCapture beside;
  for (const bool backward : {false, true}) {
    const auto &layout = backward ? of.backward : of.forward;
    if (!layout || layout->tier != Tier::grid) {
      continue;
    }
    const auto problem = sequence_problem(spec_, backward, N);
    int of_one = 0;
    if (const cudaError_t error = kernels::cuda::sequence_blocks_at_once(*layout, problem, &of_one);
        error != cudaSuccess) {
      static_cast<void>(cudaGetLastError());
      return std::string("how many of its blocks run at once cannot be asked: ") + cudaGetErrorString(error);
    }
    const int64_t blocks = int64_t{layout->blocks} * layout->groups * problem.directions;
    const int64_t at_once = int64_t{of_one} * device_.multiprocessors;
    if (blocks > at_once) {
      return "of its " + std::to_string(blocks) + " blocks the device runs " + std::to_string(at_once) + " at once";
    }
  }
  return "";
}

Variants::Candidate Variants::candidate(const TierRow &row) const {
  Candidate made{&row, refusal_of(row), unproven_of(&row), {}, {}};
  if (!made.refusal.empty()) {
    return made;
  }
  const int64_t N = std::max<int64_t>(1, problem_.max_N);
  made.forward = sequence_layout(row, spec_, device_, false, N);
  if (made.forward && problem_.training) {
    made.backward = sequence_layout(row, spec_, device_, true, N);
  }
  if (!made.forward || made.backward.has_value() != problem_.training) {
    made.refusal = unfit(made);
  } else {
    made.refusal = refused_grid(made, N);
  }
  return made;
}

const Variants::Candidate *Variants::best(bool only_proven) const {
  const Candidate *found = nullptr;
  for (const Candidate &one : candidates_) {
    if (one.refusal.empty() && (one.unproven.empty() || !only_proven) &&
        (found == nullptr || one.step_ns() < found->step_ns())) {
      found = &one;
    }
  }
  return found;
}

void Variants::choose() {
  const bool required = spec_.persistent == RONDO_PERSISTENT_REQUIRE;
  const Candidate *proven = best(true);
  const Candidate *any = best(false);
  const Candidate *chosen = proven == nullptr && required ? any : proven;
  const bool slower = chosen != nullptr && !required && chosen->step_ns() > stepwise_ns() &&
                      proof_(stepwise, device_.capability()).empty();
  if (slower) {
    reason_ = "predicted to be quicker than every tier that is proven";
  } else if (chosen != nullptr) {
    tier_ = chosen->tier;
    reason_ = required ? "the attribute persistent requires a tier" : "proven on hardware, and the quickest predicted";
  } else if (required) {
    refusal_ = "the attribute persistent is require, and no tier serves:";
    for (const Candidate &one : candidates_) {
      refusal_ += std::string(" ") + one.tier->name + ": " + one.refusal + ";";
    }
    refusal_.pop_back();
  } else {
    reason_ = any == nullptr ? "no tier serves" : "no tier that serves is proven on hardware";
  }
}

std::vector<const TierRow *> Variants::choices() const {
  const bool required = spec_.persistent == RONDO_PERSISTENT_REQUIRE;
  const bool stepwise_proven = !required && proof_(stepwise, device_.capability()).empty();
  const bool only_proven = stepwise_proven || best(true) != nullptr;
  std::vector<const TierRow *> list;
  if (stepwise_proven || !(required || only_proven)) {
    list.push_back(nullptr);
  }
  for (const Candidate &one : candidates_) {
    if (one.refusal.empty() && (one.unproven.empty() || !only_proven)) {
      list.push_back(one.tier);
    }
  }
  return list;
}

Status Variants::take_fastest(cuda::Tuned tuned) {
  tuned_ = std::move(tuned);
  if (tuned_.times.empty()) {
    return {};
  }
  const cuda::Time *fastest = tuned_.fastest();
  if (fastest == nullptr) {
    std::string reasons;
    for (const cuda::Time &time : tuned_.times) {
      reasons += "\nnot " + time.name + ": " + cuda::failure_text(time);
    }
    return fail(RONDO_ERROR_UNSUPPORTED, "no variant of the fused back end runs it:%s", reasons.c_str());
  }
  for (const TierRow *tier : choices()) {
    if (fastest->name == name_of(tier)) {
      tier_ = tier;
    }
  }
  reason_ = tuned_.reason();
  return {};
}

std::string Variants::objection(const char *name, const char *otherwise) const {
  const cuda::Time *time = cuda::time_of(tuned_.times, name);
  if (time == nullptr) {
    return otherwise;
  }
  return time->failed() ? cuda::failure_text(*time) : "another was faster";
}

// Of a whole call with its products, shared out over the steps of all layers.
std::string Variants::time_of(const char *name) const {
  const cuda::Time *time = cuda::time_of(tuned_.times, name);
  if (time == nullptr || time->failed()) {
    return "";
  }
  const auto steps = static_cast<double>(problem_.max_T * spec_.num_layers);
  return "; measured " + cuda::time_text(*time) + ", " + microseconds(time->milliseconds * 1e6 / steps) +
         " a step of a layer" + (problem_.training ? " forward and backward" : "");
}

std::string Variants::line(const Candidate &of) const {
  const std::string name = of.tier->name;
  if (!of.refusal.empty()) {
    return "not " + name + ": " + of.refusal + "\n";
  }
  const std::string proof = of.unproven.empty() ? "" : "; not yet proven on hardware: " + of.unproven;
  if (of.tier == tier_) {
    return name + ": " + of.layouts() + time_of(of.tier->name) + proof + "\n";
  }
  const bool only_required = !of.unproven.empty() && spec_.persistent != RONDO_PERSISTENT_REQUIRE;
  return "not " + name + ": " +
         objection(of.tier->name, only_required ? "not proven, so only where the attribute persistent is require"
                                                : "another is preferred") +
         ": " + of.layouts() + time_of(of.tier->name) + proof + "\n";
}

// Beside the tiers' predictions, where there are any.
std::string Variants::stepwise_prediction() const {
  return best(false) == nullptr ? ""
                                : "; predicted at best " + microseconds(stepwise_ns()) + " a step" +
                                      (problem_.training ? " forward and backward" : "");
}

std::string Variants::text() const {
  std::string text = std::string("fused: variant ") + name() + ", " + reason_;
  text += (tier_ == nullptr ? stepwise_prediction() + time_of(stepwise) : "") + "\n" + tuned_.note;
  for (const Candidate &one : candidates_) {
    text += line(one);
  }
  if (tier_ != nullptr) {
    const bool required = spec_.persistent == RONDO_PERSISTENT_REQUIRE;
    text +=
        std::string("not ") + stepwise + ": " +
        objection(stepwise, required ? "the attribute persistent requires a tier" : "a tier that is proven serves") +
        stepwise_prediction() + time_of(stepwise) + "\n";
  }
  return text;
}

}  // namespace rondo::fused
