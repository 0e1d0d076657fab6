// The list of back ends, most preferred first: the only file that names concrete ones.
// A static build (RONDO_STATIC_MODULES) has the GPU back ends linked in; otherwise they are modules.
#include "backend/registry.h"

#include "backend/cpu/cpu_backend.h"
#include "backend/module_loader.h"

#ifdef RONDO_STATIC_MODULES
extern "C" {
const rondo::Module *rondo_cudnn_module();
const rondo::Module *rondo_fused_module();
}
#endif

namespace rondo {
namespace {

struct GpuBackend {
  const Backend *backend;
  const DeviceCalls *(*device_calls)();
};

#ifdef RONDO_STATIC_MODULES

template <const Module *(*kEntry)()>
const DeviceCalls *calls_of() {
  return kEntry()->backend->available() ? kEntry()->device : nullptr;
}

std::span<const GpuBackend> gpu_backends() {
  static const GpuBackend list[] = {{rondo_cudnn_module()->backend, calls_of<rondo_cudnn_module>},
                                    {rondo_fused_module()->backend, calls_of<rondo_fused_module>}};
  return list;
}

#else

const ModuleBackend &cudnn() {
  static const ModuleBackend backend({RONDO_BACKEND_CUDNN, "cudnn"});
  return backend;
}
const ModuleBackend &fused() {
  static const ModuleBackend backend({RONDO_BACKEND_FUSED, "fused"});
  return backend;
}

std::span<const GpuBackend> gpu_backends() {
  static const GpuBackend list[] = {{&cudnn(), [] { return cudnn().device_calls(); }},
                                    {&fused(), [] { return fused().device_calls(); }}};
  return list;
}

#endif

}  // namespace

std::span<const Backend *const> backends() {
  static const Backend *const list[] = {gpu_backends()[0].backend, gpu_backends()[1].backend, &cpu_backend()};
  return list;
}

Status find_device_calls(const DeviceCalls **calls) {
  std::string reasons;
  for (const GpuBackend &gpu : gpu_backends()) {
    *calls = gpu.device_calls();
    if (*calls != nullptr) {
      return {};
    }
    reasons += std::string("\n") + gpu.backend->name() + ": " + gpu.backend->detail();
  }
  return fail(RONDO_ERROR_UNSUPPORTED, "no GPU back end is available here:%s", reasons.c_str());
}

}  // namespace rondo
