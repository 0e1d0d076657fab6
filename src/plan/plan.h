// Plan: an immutable spec and problem, the back end chosen for them, and its executor.
#pragma once

#include "plan/selection.h"

namespace rondo {

class Plan {
 public:
  static Status create(std::shared_ptr<Context> context, const Spec &spec, const rondo_plan_args_t *args,
                       std::unique_ptr<Plan> *plan);

  const MemoryNeeds &needs() const { return needs_; }
  rondo_device_t device() const { return selection_.backend->device(); }
  const char *backend_name() const { return selection_.backend->name(); }
  const char *explanation() const { return explanation_.c_str(); }
  uint64_t packed_format() const { return executor_->packed_format(); }

  Status pack(const void *const *params, int64_t count, void *packed, int64_t packed_size) const;
  Status forward(const rondo_forward_args_t *args) const;
  Status backward(const rondo_backward_args_t *args) const;

 private:
  Plan() = default;

  std::shared_ptr<Context> context_;
  Spec spec_;
  Problem problem_{};
  Selection selection_{};
  std::string explanation_;
  std::unique_ptr<Executor> executor_;
  MemoryNeeds needs_{};
};

// The back ends, for those who list them.
struct BackendFacts {
  rondo_backend_t id;
  rondo_device_t device;
  const char *name;
  bool available;
  const char *detail;
};
int32_t backend_count();
Status backend_facts(int32_t index, BackendFacts *facts);

}  // namespace rondo
