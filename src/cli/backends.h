// The back ends that the library knows, available or not, most preferred first.
// Asked of the library each time: loading a module may change the answer.
#pragma once

#include <vector>

#include "rondo/rondo.h"

namespace rondo::cli {

std::vector<rondo_backend_info_t> backends();

// A missing back end would make every case a skip; it is one failure instead, with its reason. auto is always there.
void require_available(rondo_backend_t backend);

}  // namespace rondo::cli
