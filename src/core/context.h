// Context: the number of CPU threads, the log, and what each back end keeps for all plans of one context.
// Plans share its ownership, so it outlives its handle. A fork waits for whoever holds a context's lock.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "core/status.h"

namespace rondo {

// Threads, library handles: made by a back end at its first plan.
class BackendResources {
 public:
  virtual ~BackendResources() = default;
  virtual void set_threads(int threads) = 0;
};

class Context {
 public:
  static constexpr int64_t max_threads = 1024;

  // Reads RONDO_NUM_THREADS; an unusable value is an error.
  static Status create(std::shared_ptr<Context> *context);
  ~Context();
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;

  // 0: the default found at creation.
  Status set_threads(int64_t threads);
  int threads() const;

  void set_log(rondo_log_callback_t callback, void *user);
  void log(int32_t level, const std::string &text) const;

  // `make` runs under the context's lock, so it must not fork.
  using Factory = std::function<std::unique_ptr<BackendResources>(int threads)>;
  std::shared_ptr<BackendResources> resources(rondo_backend_t backend, const Factory &make);

 private:
  class Forks;

  explicit Context(int threads);

  mutable std::mutex mutex_;
  int default_threads_;
  int threads_;
  rondo_log_callback_t log_ = nullptr;
  void *log_user_ = nullptr;
  std::array<std::shared_ptr<BackendResources>, RONDO_BACKEND_FUSED + 1> resources_;
};

}  // namespace rondo
