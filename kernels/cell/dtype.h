// One element between a storage type and the type of arithmetic: the only place that knows how each pair converts.
// Force-inlined, so that it takes the instruction set of the loop around it.
#pragma once

#include <type_traits>

#include "kernels/cell/half.h"

namespace rondo::kernels {

template <class C, class S>
[[gnu::always_inline]] inline C from_storage(S value) {
  if constexpr (std::is_same_v<S, F16> || std::is_same_v<S, Bf16>) {
    return static_cast<C>(to_float(value));
  } else {
    return static_cast<C>(value);
  }
}

template <class S, class C>
[[gnu::always_inline]] inline S to_storage(C value) {
  if constexpr (std::is_same_v<S, F16>) {
    return to_f16(static_cast<float>(value));
  } else if constexpr (std::is_same_v<S, Bf16>) {
    return to_bf16(static_cast<float>(value));
  } else {
    return static_cast<S>(value);
  }
}

}  // namespace rondo::kernels
