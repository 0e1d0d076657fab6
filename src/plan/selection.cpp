// The choice of a back end: the first that may, can and is allowed to serve; all others with their reasons.
#include "plan/selection.h"

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

// Empty where the back end can serve.
std::string refusal(const Backend &backend, const Spec &spec, const Problem &problem) {
  if (!backend.available()) {
    return backend.detail();
  }
  if (spec.device != RONDO_DEVICE_AUTO && spec.device != backend.device()) {
    return std::string("it runs on the ") + device_name(backend.device()) + ", and the attribute device asks for " +
           device_name(static_cast<rondo_device_t>(spec.device));
  }
  return backend.refusal(spec, problem);
}

}  // namespace

Status select_backend(const Spec &spec, const Problem &problem, Selection *selection) {
  Forced forced;
  RONDO_TRY(find_forced(spec, &forced));
  const Backend *chosen = nullptr;
  std::string others;
  for (const Backend *backend : backends()) {
    const bool is_forced = backend->id() == forced.id;
    const std::string why_not = refusal(*backend, spec, problem);
    if (is_forced && !why_not.empty()) {
      return fail(RONDO_ERROR_UNSUPPORTED, "%s asks for %s, which cannot serve: %s", forced.by, backend->name(),
                  why_not.c_str());
    }
    const bool allowed = forced.by == nullptr || is_forced;
    if (why_not.empty() && allowed && chosen == nullptr) {
      chosen = backend;
    } else if (!why_not.empty()) {
      others += std::string("not ") + backend->name() + ": " + why_not + "\n";
    } else {
      others += std::string("not ") + backend->name() + ": " +
                (allowed ? "a more preferred one serves" : std::string(forced.by) + " asks for another") + "\n";
    }
  }
  if (chosen == nullptr) {
    return fail(RONDO_ERROR_UNSUPPORTED, "device is %s, but no back end serves it here:\n%s",
                device_name(static_cast<rondo_device_t>(spec.device)), others.c_str());
  }
  const std::string reason =
      forced.by != nullptr ? std::string(forced.by) + " asks for it" : std::string("the most preferred that can serve");
  *selection = {chosen, std::string(chosen->name()) + ": " + reason + " (" + chosen->detail() + ")\n" + others};
  return {};
}

}  // namespace rondo
