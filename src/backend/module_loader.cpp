// The search for a module's file, its handshake, and the wrappers that carry failures over the seam.
// RONDO_MODULE_PATH (folders, separated by colons) comes before the folder rondo-<major> beside librondo.so.
#include "backend/module_loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <vector>

#include "core/environment.h"

#define RONDO_TEXT_OF(x) #x
#define RONDO_TEXT(x) RONDO_TEXT_OF(x)

namespace rondo {
namespace {

// Runs a call inside the module; a failure's text becomes this library's, under the public function's name.
template <class Call>
Status passed_on(const Module &module, Call &&call) {
  const Status status = call();
  if (!status.ok()) {
    const char *text = module.last_error();
    // The module's own prefix, which it sets where no public function is known.
    constexpr const char *prefix = "rondo: ";
    text += std::strncmp(text, prefix, std::strlen(prefix)) == 0 ? std::strlen(prefix) : 0;
    return fail(status.code(), "%s", text);
  }
  return {};
}

class ModuleExecutor final : public Executor {
 public:
  ModuleExecutor(const Module &module, std::unique_ptr<Executor> inner) : module_(module), inner_(std::move(inner)) {}
  MemoryNeeds needs() const override { return inner_->needs(); }
  uint64_t packed_format() const override { return inner_->packed_format(); }
  std::string description() const override { return inner_->description(); }
  Measured measured() const override { return inner_->measured(); }
  Status pack(const void *const *params, void *packed) const override {
    return passed_on(module_, [&] { return inner_->pack(params, packed); });
  }
  Status forward(const ForwardCall &call) const override {
    return passed_on(module_, [&] { return inner_->forward(call); });
  }
  Status backward(const BackwardCall &call) const override {
    return passed_on(module_, [&] { return inner_->backward(call); });
  }

 private:
  const Module &module_;
  std::unique_ptr<Executor> inner_;
};

using LoadedModules = std::array<std::atomic<const Module *>, RONDO_BACKEND_FUSED + 1>;

LoadedModules &loaded_modules() {
  static LoadedModules modules{};
  return modules;
}

// One module's calls write over what another remembers.
void forget_everywhere(const void *memory, int64_t bytes) {
  for (const std::atomic<const Module *> &module : loaded_modules()) {
    if (module != nullptr) {
      module.load()->forget_tags(memory, bytes);
    }
  }
}

class ModuleDeviceCalls final : public DeviceCalls {
 public:
  explicit ModuleDeviceCalls(const Module &module) : module_(module) {}
  Status alloc(int64_t bytes, void **memory) const override {
    return passed_on(module_, [&] { return module_.device->alloc(bytes, memory); });
  }
  Status free(void *memory) const override {
    RONDO_TRY(passed_on(module_, [&] { return module_.device->free(memory); }));
    forget_everywhere(memory, 1);
    return {};
  }
  Status memory(int64_t *free_bytes, int64_t *total_bytes) const override {
    return passed_on(module_, [&] { return module_.device->memory(free_bytes, total_bytes); });
  }
  Status copy(void *to, const void *from, int64_t bytes, void *stream) const override {
    RONDO_TRY(passed_on(module_, [&] { return module_.device->copy(to, from, bytes, stream); }));
    forget_everywhere(to, bytes);
    return {};
  }
  Status stream_create(void **stream) const override {
    return passed_on(module_, [&] { return module_.device->stream_create(stream); });
  }
  Status stream_synchronize(void *stream) const override {
    return passed_on(module_, [&] { return module_.device->stream_synchronize(stream); });
  }
  Status stream_destroy(void *stream) const override {
    return passed_on(module_, [&] { return module_.device->stream_destroy(stream); });
  }

 private:
  const Module &module_;
};

std::string folder_of_this_library() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void *>(&folder_of_this_library), &info) == 0 || info.dli_fname == nullptr) {
    return ".";
  }
  const std::string file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

std::vector<std::string> module_folders() {
  std::vector<std::string> folders;
  if (const char *path = environment("RONDO_MODULE_PATH"); path != nullptr) {
    const std::string all = path;
    for (size_t begin = 0; begin <= all.size();) {
      const size_t end = std::min(all.find(':', begin), all.size());
      if (end > begin) {
        folders.push_back(all.substr(begin, end - begin));
      }
      begin = end + 1;
    }
  }
  folders.push_back(folder_of_this_library() + "/rondo-" RONDO_TEXT(RONDO_VERSION_MAJOR));
  return folders;
}

template <class Function>
Function symbol(void *library, const char *name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

}  // namespace

struct ModuleBackend::Loaded {
  explicit Loaded(const char *name);

  const Module *module = nullptr;
  std::string detail;  // what the module runs on, or why it cannot
  std::unique_ptr<ModuleDeviceCalls> calls;

 private:
  void *open(const std::string &file_name);
  void shake_hands(void *library);

  std::string path_;
};

void *ModuleBackend::Loaded::open(const std::string &file_name) {
  std::string searched;
  for (const std::string &folder : module_folders()) {
    path_ = folder;
    path_.append("/").append(file_name);
    if (access(path_.c_str(), F_OK) != 0) {
      searched += (searched.empty() ? "" : " and ") + folder;
      continue;
    }
    void *library = dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
      const char *why = dlerror();
      detail = path_ + " cannot be loaded: " + (why != nullptr ? why : "no reason given");
    }
    return library;
  }
  detail = file_name + " is not installed: not in " + searched;
  return nullptr;
}

void ModuleBackend::Loaded::shake_hands(void *library) {
  const auto build = symbol<ModuleBuild>(library, module_build_symbol);
  const auto entry = symbol<ModuleEntry>(library, module_entry_symbol);
  if (build == nullptr || entry == nullptr) {
    detail = path_ + " is no module of rondo";
    return;
  }
  if (std::strcmp(build(), build_text()) != 0) {
    detail = path_ + " is of another build, " + build() + ", expected this library's, " + build_text();
    return;
  }
  module = entry();
  loaded_modules().at(static_cast<size_t>(module->backend->id())) = module;
  detail = module->backend->detail();
  if (!module->backend->available()) {
    detail = "built and loaded (" + path_ + "), but it cannot run here: " + detail;
  }
}

ModuleBackend::Loaded::Loaded(const char *name) {
  if (void *library = open(std::string("librondo_") + name + ".so"); library != nullptr) {
    shake_hands(library);
  }
  if (module != nullptr) {
    calls = std::make_unique<ModuleDeviceCalls>(*module);
  }
}

const ModuleBackend::Loaded &ModuleBackend::loaded() const {
  std::call_once(once_, [&] { loaded_ = std::make_shared<Loaded>(name_.name); });
  return *loaded_;
}

bool ModuleBackend::available() const {
  const Loaded &it = loaded();
  return it.module != nullptr && it.module->backend->available();
}

const char *ModuleBackend::detail() const { return loaded().detail.c_str(); }

std::string ModuleBackend::refusal(const Spec &spec, const Problem &problem) const {
  return available() ? loaded().module->backend->refusal(spec, problem) : loaded().detail;
}

std::string ModuleBackend::unproven(const Spec &spec, const Problem &problem) const {
  return available() ? loaded().module->backend->unproven(spec, problem) : loaded().detail;
}

Status ModuleBackend::create(Context &context, const Spec &spec, const Problem &problem,
                             std::unique_ptr<Executor> *executor) const {
  if (!available()) {
    return fail(RONDO_ERROR_UNSUPPORTED, "%s: %s", name_.name, detail());
  }
  const Module &module = *loaded().module;
  std::unique_ptr<Executor> inner;
  RONDO_TRY(passed_on(module, [&] { return module.backend->create(context, spec, problem, &inner); }));
  *executor = std::make_unique<ModuleExecutor>(module, std::move(inner));
  return {};
}

const DeviceCalls *ModuleBackend::device_calls() const { return available() ? loaded().calls.get() : nullptr; }

}  // namespace rondo
