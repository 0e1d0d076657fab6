// Every back end this version knows, most preferred first.
#pragma once

#include <span>

#include "backend/backend.h"

namespace rondo {

std::span<const Backend *const> backends();

}  // namespace rondo
