// Variants: the ways in which a layer's steps can run: one kernel a step, or all of them in one launch by a tier of
// kernels/cuda/tiers.h. Here is which one a plan takes, and why not the others: what is proven on hardware comes
// first, then what was timed, else what is predicted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/cuda/device.h"
#include "backend/cuda/proof.h"
#include "backend/cuda/tuning.h"
#include "core/problem.h"
#include "kernels/cuda/tiers.h"

namespace rondo::fused {

// What a call of N rows asks a tier.
kernels::cuda::SequenceProblem sequence_problem(const Spec &spec, bool backward, int64_t N);
// How a tier lies for a call of N rows; nothing where it does not fit. Of the call alone, not of its plan, so that a
// larger plan gives the same bytes.
std::optional<kernels::cuda::SequenceLayout> sequence_layout(const kernels::cuda::TierRow &tier, const Spec &spec,
                                                             const cuda::Device &device, bool backward, int64_t N);

class Variants {
 public:
  // Why a variant counts as not proven on a capability, empty where it is proven: backend/cuda/proof.h's.
  using Proof = std::string (*)(const char *variant, int capability);

  Variants(const Spec &spec, const Problem &problem, const cuda::Device &device, Proof proof = &cuda::unproven_variant);

  // Why nothing serves, empty where something does: only where the attribute persistent is `require`.
  const std::string &refusal() const { return refusal_; }
  // The tier that was chosen; NULL: one kernel a step.
  const kernels::cuda::TierRow *tier() const { return tier_; }
  // NULL: one kernel a step.
  static const char *name_of(const kernels::cuda::TierRow *tier);
  const char *name() const { return name_of(tier_); }
  // Why it counts as not proven, empty where it is proven.
  std::string unproven() const;
  // What measuring may choose from: those that serve and are proven, or, where nothing that serves is, all that
  // serve. NULL among them: one kernel a step.
  std::vector<const kernels::cuda::TierRow *> choices() const;
  // Takes one of the choices, without a reason of its own.
  void take(const kernels::cuda::TierRow *tier) { tier_ = tier; }
  // Takes the fastest of the choices, where they were timed; refused where none of them ran.
  Status take_fastest(cuda::Tuned tuned);
  // What timing found of all.
  Measured measured() const { return tuned_.measured(); }
  // Lines for explain: the variant, its reason, and every other's.
  std::string text() const;

 private:
  struct Candidate {
    const kernels::cuda::TierRow *tier;
    std::string refusal;  // empty: it serves
    std::string unproven;
    std::optional<kernels::cuda::SequenceLayout> forward, backward;  // of the largest call; backward in training

    double step_ns() const;
    std::string layouts() const;
  };

  std::string refusal_of(const kernels::cuda::TierRow &row) const;
  // Empty where hardware has proven the tier's kernels of this kind of products: others are proven apart.
  std::string unproven_of(const kernels::cuda::TierRow *tier) const;
  Candidate candidate(const kernels::cuda::TierRow &row) const;
  // Of the kernels of single steps, forward and backward.
  double stepwise_ns() const;
  // The quickest of those that serve, or NULL.
  const Candidate *best(bool only_proven) const;
  void choose();
  std::string unfit(const Candidate &of) const;
  // What timing has to say against a variant that was not taken, else `otherwise`.
  std::string objection(const char *name, const char *otherwise) const;
  std::string time_of(const char *name) const;
  // Why the driver would not launch what fits by the numbers, empty where it would.
  std::string refused_grid(const Candidate &of, int64_t N) const;
  std::string line(const Candidate &of) const;
  std::string stepwise_prediction() const;

  const Spec &spec_;
  const Problem &problem_;
  const cuda::Device &device_;
  const Proof proof_;
  std::vector<Candidate> candidates_;
  std::string refusal_, reason_;
  const kernels::cuda::TierRow *tier_ = nullptr;
  cuda::Tuned tuned_;
};

}  // namespace rondo::fused
