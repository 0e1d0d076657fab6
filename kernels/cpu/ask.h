// ask_for: a line of memory that is read soon, asked into the first cache level.
#pragma once

namespace rondo::kernels {

// To GCC a function that only prefetches does nothing, and calls of it are dropped; one with an asm statement stays.
inline void ask_for(const void *address) {
  __builtin_prefetch(address);
  asm volatile("");
}

}  // namespace rondo::kernels
