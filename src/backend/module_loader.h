// Finds, loads and checks a GPU back end's module, once per process; what goes wrong is a reason to print, never a
// crash. A loaded module stays: plans and contexts hold its objects.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "backend/module.h"

namespace rondo {

// What a module stands for while it is not loaded.
struct ModuleName {
  rondo_backend_t id;
  const char *name;  // as "fused", of librondo_fused.so
};

// A back end that lives in a module: loads it when first asked and passes everything on, taking over the texts of the
// module's failures.
class ModuleBackend final : public Backend {
 public:
  explicit ModuleBackend(ModuleName name) : name_(name) {}

  rondo_backend_t id() const override { return name_.id; }
  rondo_device_t device() const override { return RONDO_DEVICE_CUDA; }
  const char *name() const override { return name_.name; }
  bool available() const override;
  const char *detail() const override;
  std::string refusal(const Spec &spec, const Problem &problem) const override;
  std::string unproven(const Spec &spec, const Problem &problem) const override;
  Status create(Context &context, const Spec &spec, const Problem &problem,
                std::unique_ptr<Executor> *executor) const override;
  // NULL where it is not available.
  const DeviceCalls *device_calls() const;

 private:
  struct Loaded;
  const Loaded &loaded() const;

  ModuleName name_;
  mutable std::once_flag once_;
  mutable std::shared_ptr<const Loaded> loaded_;
};

}  // namespace rondo
