// What this copy of the tree was compiled as. RONDO_BUILD_TEXT comes from CMake (cmake/RondoModules.cmake) and is the
// same for the library and the modules of one build.
#include "backend/module.h"

namespace rondo {

const char *build_text() { return RONDO_BUILD_TEXT; }

}  // namespace rondo
