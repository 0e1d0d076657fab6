// The seam between the library and a GPU back end's module, librondo_<name>.so. A module is compiled from the same
// tree: its build text must equal the library's before anything else of it is used.
#pragma once

#include "backend/backend.h"

namespace rondo {

struct Module {
  const Backend *backend;
  const DeviceCalls *device;
  // The text of the calling thread's last failure inside the module, which keeps its own.
  const char *(*last_error)();
  // Blocks of device memory that begin here are written over; each module remembers for itself what they hold.
  void (*forget_tags)(const void *memory, int64_t bytes);
};

// What a module exports, as C symbols of these names. In a static build the library calls the functions
// rondo_<name>_module of the objects linked in instead.
using ModuleBuild = const char *(*)();
using ModuleEntry = const Module *(*)();
inline constexpr const char *module_build_symbol = "rondo_module_build";
inline constexpr const char *module_entry_symbol = "rondo_module_entry";

// Version, compiler and a hash of the headers that both sides share.
const char *build_text();

}  // namespace rondo
