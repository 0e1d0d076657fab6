// How many threads a context uses, and who listens to it.
#include "core/context.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdlib>
#include <vector>

#include "core/environment.h"
#include "core/processors.h"

namespace rondo {
namespace {

Status default_threads(int *threads) {
  const char *text = environment("RONDO_NUM_THREADS");
  if (text == nullptr) {
    *threads = std::min(usable_processors(), static_cast<int>(Context::max_threads));
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

// A child has the forking thread only: a lock that another held would stay locked there, and what it guards half
// changed. So the forking thread takes every context's lock, and both processes go on with all of them free.
class Context::Forks {
 public:
  // Never destroyed: a fork may come while the process ends.
  static Forks &of_process() {
    static Forks *const forks = new Forks;
    return *forks;
  }

  void add(Context *context) {
    const std::scoped_lock lock(mutex_);
    contexts_.push_back(context);
  }
  void remove(Context *context) {
    const std::scoped_lock lock(mutex_);
    contexts_.erase(std::find(contexts_.begin(), contexts_.end(), context));
  }

 private:
  Forks() {
    pthread_atfork([] { of_process().hold(); }, [] { of_process().release(); }, [] { of_process().release(); });
  }

  void hold() {
    mutex_.lock();
    for (Context *context : contexts_) {
      context->mutex_.lock();
    }
  }
  void release() {
    for (Context *context : contexts_) {
      context->mutex_.unlock();
    }
    mutex_.unlock();
  }

  std::mutex mutex_;
  std::vector<Context *> contexts_;
};

Context::Context(int threads) : default_threads_(threads), threads_(threads) { Forks::of_process().add(this); }

Context::~Context() { Forks::of_process().remove(this); }

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
