// From a spec and a problem to one back end, with the reason for it and against each other one.
#pragma once

#include <vector>

#include "backend/backend.h"

namespace rondo {

// One back end's answers to a problem.
struct Candidate {
  const Backend *backend;
  std::string refusal, unproven;  // empty: none
  Measured measured;              // where autotune compared it with others
  bool serves() const { return refusal.empty(); }
};

struct Selection {
  const Backend *backend;
  std::string reason;
  std::vector<Candidate> candidates;

  // A line each: the choice, then the refusals.
  std::string explanation() const;
};

// The backend attribute forces; RONDO_BACKEND replaces only auto; the device attribute narrows.
Status select_backend(const Spec &spec, const Problem &problem, Selection *selection);

// The executor of what was selected. Where autotune is asked for, nobody forces a back end, and others on the same
// device serve that are proven, or unproven, as the selected one is: all are timed and the fastest is taken.
Status create_executor(Context &context, const Spec &spec, const Problem &problem, Selection *selection,
                       std::unique_ptr<Executor> *executor);

}  // namespace rondo
