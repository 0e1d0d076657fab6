// How many threads a context uses, and who listens to it.
#include "core/context.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdlib>

#include "core/environment.h"

namespace rondo {
namespace {

// What this process may run on, not what the machine has. The kernel refuses a set smaller than the machine, so it
// grows.
int usable_processors() {
  for (int room = 1024; room <= 1 << 20; room *= 2) {
    const size_t bytes = CPU_ALLOC_SIZE(room);
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t *)> set(CPU_ALLOC(room),
                                                                [](cpu_set_t *owned) { CPU_FREE(owned); });
    if (set != nullptr && sched_getaffinity(0, bytes, set.get()) == 0) {
      return std::clamp(CPU_COUNT_S(bytes, set.get()), 1, static_cast<int>(Context::max_threads));
    }
  }
  return 1;
}

Status default_threads(int *threads) {
  const char *text = environment("RONDO_NUM_THREADS");
  if (text == nullptr) {
    *threads = usable_processors();
    return {};
  }
  char *end = nullptr;
  errno = 0;
  const long value = std::strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < 1 || value > Context::max_threads) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "the environment's RONDO_NUM_THREADS is \"%.32s\", expected 1 to %" PRId64, text, Context::max_threads);
  }
  *threads = static_cast<int>(value);
  return {};
}

}  // namespace

Status Context::create(std::shared_ptr<Context> *context) {
  int threads = 0;
  RONDO_TRY(default_threads(&threads));
  context->reset(new Context(threads));
  return {};
}

Status Context::set_threads(int64_t threads) {
  if (threads < 0 || threads > max_threads) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "threads is %" PRId64 ", expected 0 (the default) to %" PRId64, threads,
                max_threads);
  }
  const std::scoped_lock lock(mutex_);
  const int wanted = threads == 0 ? default_threads_ : static_cast<int>(threads);
  for (const auto &resources : resources_) {
    if (resources != nullptr) {
      resources->set_threads(wanted);
    }
  }
  threads_ = wanted;
  return {};
}

int Context::threads() const {
  const std::scoped_lock lock(mutex_);
  return threads_;
}

void Context::set_log(rondo_log_callback_t callback, void *user) {
  const std::scoped_lock lock(mutex_);
  log_ = callback;
  log_user_ = user;
}

void Context::log(int32_t level, const std::string &text) const {
  rondo_log_callback_t callback = nullptr;
  void *user = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    callback = log_;
    user = log_user_;
  }
  if (callback != nullptr) {
    callback(user, level, text.c_str());
  }
}

std::shared_ptr<BackendResources> Context::resources(rondo_backend_t backend, const Factory &make) {
  const std::scoped_lock lock(mutex_);
  auto &slot = resources_.at(static_cast<size_t>(backend));
  if (slot == nullptr) {
    slot = make(threads_);
  }
  return slot;
}

}  // namespace rondo
