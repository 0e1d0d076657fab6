// From a storage type known at run time to a template argument: a value that is no storage type, and a pair that a
// launcher does not serve, are cudaErrorInvalidValue.
#pragma once

#include <type_traits>
#include <utility>

#include "kernels/cell/half.h"
#include "kernels/cell/numbers.h"
#include "kernels/cuda/launch.h"

namespace rondo::kernels::cuda {

// The type of arithmetic.
template <class S>
using Arithmetic = std::conditional_t<std::is_same_v<S, double>, double, float>;

// Neighbouring elements of one thread where alignment allows: 16 bytes of the type of arithmetic.
template <class S>
inline constexpr int kUnits = std::is_same_v<S, double> ? 2 : 4;

template <class S>
struct Type {
  using type = S;
};

template <class What>
cudaError_t with_storage(Storage storage, What &&what) {
  switch (storage) {
    case Storage::f64:
      return what(Type<double>{});
    case Storage::f32:
      return what(Type<float>{});
    case Storage::f16:
      return what(Type<F16>{});
    case Storage::bf16:
      return what(Type<Bf16>{});
  }
  return cudaErrorInvalidValue;
}

// A pair of types is in one family where both have the same type of arithmetic.
template <class From, class To>
inline constexpr bool kOneFamily = std::is_same_v<Arithmetic<From>, Arithmetic<To>>;
template <class From, class To>
inline constexpr bool kEqual = std::is_same_v<From, To>;
template <class From, class To>
inline constexpr bool kWidens = std::is_same_v<To, Arithmetic<From>>;

}  // namespace rondo::kernels::cuda
