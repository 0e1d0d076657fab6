// What the cuDNN back end's module exports, or what a static build (RONDO_STATIC_MODULES) calls instead.
#include "backend/module.h"

#include "backend/cuda/device.h"
#include "backend/cuda/tag_table.h"
#include "backend/cudnn/cudnn_backend.h"

namespace {

const rondo::Module *cudnn_module() {
  static const rondo::Module module{&rondo::cudnn::cudnn_backend(), &rondo::cuda::device_calls(), rondo::last_error,
                                    &rondo::cuda::forget_tags};
  return &module;
}

}  // namespace

extern "C" {

#ifdef RONDO_STATIC_MODULES
const rondo::Module *rondo_cudnn_module() { return cudnn_module(); }
#else
__attribute__((visibility("default"))) const char *rondo_module_build() { return rondo::build_text(); }
__attribute__((visibility("default"))) const rondo::Module *rondo_module_entry() { return cudnn_module(); }
#endif

}  // extern "C"
