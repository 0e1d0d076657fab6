// The choice of a back end: the first that may, can and is allowed to serve, or the fastest of several; all others with
// their reasons.
#include "plan/selection.h"

#include <algorithm>
#include <cstring>

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

// Against one that was not chosen.
std::string objection(const Candidate &candidate) {
  if (!candidate.refusal.empty()) {
    return candidate.refusal;
  }
  if (candidate.measured.milliseconds >= 0) {
    return "slower when timed, " + milliseconds_text(candidate.measured.milliseconds) + " (" +
           candidate.measured.times + ")";
  }
  return candidate.unproven.empty() ? "a more preferred one serves"
                                    : "not yet proven on hardware, so only by name: " + candidate.unproven;
}

Status use_forced(const Forced &forced, const Spec &spec, const Problem &problem, Selection *selection) {
  selection->reason = std::string(forced.by) + " asks for it";
  for (const Backend *backend : backends()) {
    if (backend->id() != forced.id) {
      selection->candidates.push_back({backend, std::string(forced.by) + " asks for another", {}, {}});
      continue;
    }
    const std::string why_not = refusal(*backend, spec, problem);
    if (!why_not.empty()) {
      return fail(RONDO_ERROR_UNSUPPORTED, "%s asks for %s, which cannot serve: %s", forced.by, backend->name(),
                  why_not.c_str());
    }
    selection->backend = backend;
    selection->candidates.push_back({backend, {}, backend->unproven(spec, problem), {}});
  }
  return {};
}

// Whether autotune may take this one in place of the selected.
bool is_rival(const Candidate &candidate, const Candidate &selected) {
  return candidate.serves() && candidate.backend != selected.backend &&
         candidate.backend->device() == selected.backend->device() && selected.backend->device() == RONDO_DEVICE_CUDA &&
         candidate.unproven.empty() == selected.unproven.empty();
}

}  // namespace

std::string Selection::explanation() const {
  std::string first;
  std::string others;
  for (const Candidate &candidate : candidates) {
    const std::string name = candidate.backend->name();
    if (candidate.backend == backend) {
      first.append(name).append(": ").append(reason).append(" (").append(backend->detail()).append(")\n");
      if (!candidate.unproven.empty()) {
        first += name + ": not yet proven on hardware: " + candidate.unproven + "\n";
      }
    } else {
      others += "not " + name + ": " + objection(candidate) + "\n";
    }
  }
  return first + others;
}

Status select_backend(const Spec &spec, const Problem &problem, Selection *selection) {
  Forced forced;
  RONDO_TRY(find_forced(spec, &forced));
  if (forced.by != nullptr) {
    return use_forced(forced, spec, problem, selection);
  }
  for (const Backend *backend : backends()) {
    Candidate candidate{backend, refusal(*backend, spec, problem), {}, {}};
    if (candidate.serves()) {
      candidate.unproven = backend->unproven(spec, problem);
    }
    selection->candidates.push_back(std::move(candidate));
  }
  selection->backend = preferred(selection->candidates);
  selection->reason = "the most preferred that can serve";
  if (selection->backend == nullptr) {
    return fail(RONDO_ERROR_UNSUPPORTED, "device is %s, but no back end serves it here:\n%s",
                device_name(static_cast<rondo_device_t>(spec.device)), selection->explanation().c_str());
  }
  return {};
}

Status create_executor(Context &context, const Spec &spec, const Problem &problem, Selection *selection,
                       std::unique_ptr<Executor> *executor) {
  auto &candidates = selection->candidates;
  const Candidate selected = *std::find_if(candidates.begin(), candidates.end(), [&](const Candidate &candidate) {
    return candidate.backend == selection->backend;
  });
  const auto rivals = [&](const Candidate &candidate) { return is_rival(candidate, selected); };
  if (spec.autotune == 0 || std::none_of(candidates.begin(), candidates.end(), rivals)) {
    return selected.backend->create(context, spec, problem, executor);
  }
  Problem compared = problem;
  compared.compared = true;
  double least = -1;
  for (Candidate &candidate : candidates) {
    const bool is_selected = candidate.backend == selected.backend;
    if (!is_selected && !rivals(candidate)) {
      continue;
    }
    std::unique_ptr<Executor> made;
    const Status status = candidate.backend->create(context, spec, compared, &made);
    if (is_selected && !status.ok() && status.code() != RONDO_ERROR_UNSUPPORTED) {
      return status;
    }
    if (!status.ok()) {
      candidate.refusal = std::string("no plan of it can be made: ") + last_error();
      continue;
    }
    candidate.measured = made->measured();
    const double taken = candidate.measured.milliseconds;
    if (*executor == nullptr || (taken >= 0 && taken < least)) {
      least = taken;
      selection->backend = candidate.backend;
      *executor = std::move(made);
    }
  }
  if (*executor == nullptr) {
    selection->backend = nullptr;
    return fail(RONDO_ERROR_UNSUPPORTED, "no back end serves it here:\n%s", selection->explanation().c_str());
  }
  if (least >= 0) {
    selection->reason = "the fastest of the back ends when timed, " + milliseconds_text(least);
  }
  return {};
}

}  // namespace rondo
