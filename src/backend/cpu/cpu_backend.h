// The CPU back end: every cell, type and option, on any machine that rondo runs on.
#pragma once

#include "backend/backend.h"

namespace rondo {

const Backend &cpu_backend();

}  // namespace rondo
