// secure_getenv answers NULL in set-uid processes.
#include "core/environment.h"

#include <cstdlib>

namespace rondo {

const char *environment(const char *name) {
  const char *text = secure_getenv(name);
  return text == nullptr || *text == '\0' ? nullptr : text;
}

}  // namespace rondo
