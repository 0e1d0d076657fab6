// From a spec and a problem to one back end, with the reason for it and against each other one.
#pragma once

#include "backend/backend.h"

namespace rondo {

struct Selection {
  const Backend *backend;
  std::string explanation;  // a line each: the choice, then the refusals
};

// The backend attribute forces; RONDO_BACKEND replaces only auto; the device attribute narrows.
Status select_backend(const Spec &spec, const Problem &problem, Selection *selection);

}  // namespace rondo
