// ask_for: memory that is read soon, asked into the first cache level line by line.
#pragma once

#include "kernels/cpu/kernels.h"

namespace rondo::kernels {

// To GCC a function that only prefetches does nothing, and calls of it are dropped; one with an asm statement stays.
template <class T>
void ask_for(const T *first, int64_t count) {
  constexpr int64_t line = kLineBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t n = 0; n < count; n += line) {
    __builtin_prefetch(first + n);
    asm volatile("");
  }
}

}  // namespace rondo::kernels
