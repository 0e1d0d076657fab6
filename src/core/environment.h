// The environment's variables, which a set-uid process must not listen to.
#pragma once

namespace rondo {

// NULL where it is not set, is empty, or must be ignored.
const char *environment(const char *name);

}  // namespace rondo
