// Huge pages for memory that is about to be written and then read many times: a wish, never a need.
#pragma once

#include <cstdint>

namespace rondo {

// The whole huge pages inside [memory, memory + bytes), where the system grants them; what lies there stays as it is.
void ask_for_huge_pages(void *memory, int64_t bytes);

}  // namespace rondo
