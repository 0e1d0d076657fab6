// The choice of a back end: the first that may, can and is allowed to serve; all others with their reasons.
#include "plan/selection.h"

#include <cstring>
#include <vector>

#include "backend/registry.h"
#include "core/environment.h"

namespace rondo {
namespace {

// Who asked for a back end by name, if anyone.
struct Forced {
  rondo_backend_t id = RONDO_BACKEND_AUTO;
  const char *by = nullptr;
};

Status find_forced(const Spec &spec, Forced *forced) {
  if (spec.backend != RONDO_BACKEND_AUTO) {
    *forced = {static_cast<rondo_backend_t>(spec.backend), "the attribute backend"};
    return {};
  }
  const char *wanted = environment("RONDO_BACKEND");
  if (wanted == nullptr || std::strcmp(wanted, "auto") == 0) {
    return {};
  }
  for (const Backend *backend : backends()) {
    if (std::strcmp(backend->name(), wanted) == 0) {
      *forced = {backend->id(), "the environment's RONDO_BACKEND"};
      return {};
    }
  }
  return fail(RONDO_ERROR_INVALID_ARGUMENT,
              "the environment's RONDO_BACKEND is \"%.32s\", expected auto, cpu, cudnn or fused", wanted);
}

const char *device_name(rondo_device_t device) { return device == RONDO_DEVICE_CUDA ? "cuda" : "cpu"; }

// One back end's answers to a problem.
struct Candidate {
  const Backend *backend;
  std::string refusal, unproven;  // empty: none
  bool serves() const { return refusal.empty(); }
};

// The device is asked first: a module is not loaded for a plan that wants the CPU.
std::string refusal(const Backend &backend, const Spec &spec, const Problem &problem) {
  if (spec.device != RONDO_DEVICE_AUTO && spec.device != backend.device()) {
    return std::string("it runs on the ") + device_name(backend.device()) + ", and the attribute device asks for " +
           device_name(static_cast<rondo_device_t>(spec.device));
  }
  if (!backend.available()) {
    return backend.detail();
  }
  return backend.refusal(spec, problem);
}

// Of those that serve the first that is proven, else the first.
const Backend *preferred(const std::vector<Candidate> &candidates) {
  const Candidate *unproven = nullptr;
  for (const Candidate &candidate : candidates) {
    if (candidate.serves() && candidate.unproven.empty()) {
      return candidate.backend;
    }
    if (candidate.serves() && unproven == nullptr) {
      unproven = &candidate;
    }
  }
  return unproven == nullptr ? nullptr : unproven->backend;
}

std::string explanation(const std::vector<Candidate> &candidates, const Backend *chosen, const std::string &reason) {
  std::string first;
  std::string others;
  for (const Candidate &candidate : candidates) {
    const std::string name = candidate.backend->name();
    if (candidate.backend == chosen) {
      first.append(name).append(": ").append(reason).append(" (").append(chosen->detail()).append(")\n");
      if (!candidate.unproven.empty()) {
        first += name + ": not yet proven on hardware: " + candidate.unproven + "\n";
      }
    } else if (!candidate.serves()) {
      others += "not " + name + ": " + candidate.refusal + "\n";
    } else if (!candidate.unproven.empty()) {
      others += "not " + name + ": not yet proven on hardware, so only by name: " + candidate.unproven + "\n";
    } else {
      others += "not " + name + ": a more preferred one serves\n";
    }
  }
  return first + others;
}

Status use_forced(const Forced &forced, const Spec &spec, const Problem &problem, Selection *selection) {
  std::string others;
  for (const Backend *backend : backends()) {
    if (backend->id() != forced.id) {
      others += std::string("not ") + backend->name() + ": " + forced.by + " asks for another\n";
      continue;
    }
    const std::string why_not = refusal(*backend, spec, problem);
    if (!why_not.empty()) {
      return fail(RONDO_ERROR_UNSUPPORTED, "%s asks for %s, which cannot serve: %s", forced.by, backend->name(),
                  why_not.c_str());
    }
    selection->backend = backend;
    selection->explanation = explanation({{backend, {}, backend->unproven(spec, problem)}}, backend,
                                         std::string(forced.by) + " asks for it");
  }
  selection->explanation += others;
  return {};
}

}  // namespace

Status select_backend(const Spec &spec, const Problem &problem, Selection *selection) {
  Forced forced;
  RONDO_TRY(find_forced(spec, &forced));
  if (forced.by != nullptr) {
    return use_forced(forced, spec, problem, selection);
  }
  std::vector<Candidate> candidates;
  for (const Backend *backend : backends()) {
    Candidate candidate{backend, refusal(*backend, spec, problem), {}};
    if (candidate.serves()) {
      candidate.unproven = backend->unproven(spec, problem);
    }
    candidates.push_back(std::move(candidate));
  }
  const Backend *chosen = preferred(candidates);
  const std::string reasons = explanation(candidates, chosen, "the most preferred that can serve");
  if (chosen == nullptr) {
    return fail(RONDO_ERROR_UNSUPPORTED, "device is %s, but no back end serves it here:\n%s",
                device_name(static_cast<rondo_device_t>(spec.device)), reasons.c_str());
  }
  *selection = {chosen, reasons};
  return {};
}

}  // namespace rondo
