// Vector<T>: one full SIMD register of T with operators, so that cells and loops read as mathematics.
// Compiled once per instruction set; include inside HWY_BEFORE_NAMESPACE's region only through the files that Highway
// re-includes.
#if defined(RONDO_KERNELS_CPU_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_CPU_VECTOR_INL_H_
#undef RONDO_KERNELS_CPU_VECTOR_INL_H_
#else
#define RONDO_KERNELS_CPU_VECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "kernels/cpu/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Tag = hn::ScalableTag<T>;

template <class T>
HWY_INLINE int lanes() {
  return static_cast<int>(hn::Lanes(Tag<T>()));
}

// Its constructors are written out: one that the compiler writes has not the instruction set of this region.
template <class T>
struct Vector {
  HWY_INLINE Vector() {}
  HWY_INLINE Vector(hn::Vec<Tag<T>> register_value) : raw(register_value) {}

  hn::Vec<Tag<T>> raw;
};

template <class T>
HWY_INLINE Vector<T> operator+(Vector<T> a, Vector<T> b) {
  return {hn::Add(a.raw, b.raw)};
}
template <class T>
HWY_INLINE Vector<T> operator-(Vector<T> a, Vector<T> b) {
  return {hn::Sub(a.raw, b.raw)};
}
template <class T>
HWY_INLINE Vector<T> operator*(Vector<T> a, Vector<T> b) {
  return {hn::Mul(a.raw, b.raw)};
}

template <class T>
HWY_INLINE Vector<T> load(const T *from) {
  return {hn::LoadU(Tag<T>(), from)};
}
template <class T>
HWY_INLINE void store(Vector<T> value, T *to) {
  hn::StoreU(value.raw, Tag<T>(), to);
}

// The first n elements, the rest zero; n from 1 to the lanes.
template <class T>
HWY_INLINE Vector<T> load_first(const T *from, int64_t n) {
  if (n >= lanes<T>()) {
    return load(from);
  }
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
  std::memcpy(buffer, from, static_cast<size_t>(n) * sizeof(T));
  return {hn::Load(Tag<T>(), buffer)};
}
template <class T>
HWY_INLINE void store_first(Vector<T> value, T *to, int64_t n) {
  if (n >= lanes<T>()) {
    store(value, to);
    return;
  }
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(value.raw, Tag<T>(), buffer);
  std::memcpy(to, buffer, static_cast<size_t>(n) * sizeof(T));
}
template <class T>
HWY_INLINE Vector<T> keep_first(Vector<T> value, int64_t n) {
  return {hn::IfThenElseZero(hn::FirstN(Tag<T>(), static_cast<size_t>(n)), value.raw)};
}

template <class T>
HWY_INLINE Vector<T> zero() {
  return {hn::Zero(Tag<T>())};
}
template <class T>
HWY_INLINE Vector<T> one(Vector<T> /*like*/) {
  return {hn::Set(Tag<T>(), T{1})};
}

// The bits of a NaN are not a number to round: it passes as it is.
template <class T>
HWY_INLINE Vector<T> keep_nan(Vector<T> x, Vector<T> result) {
  return {hn::IfThenElse(hn::IsNaN(x.raw), x.raw, result.raw)};
}

template <class T>
HWY_INLINE Vector<T> relu(Vector<T> x) {
  const auto zeros = hn::Zero(Tag<T>());
  return {hn::IfThenElse(hn::Le(x.raw, zeros), zeros, x.raw)};
}
template <class T>
HWY_INLINE Vector<T> zero_unless_positive(Vector<T> test, Vector<T> value) {
  const auto zeros = hn::Zero(Tag<T>());
  return {hn::IfThenElse(hn::Le(test.raw, zeros), zeros, value.raw)};
}

// Values as a store to 16 bits and a load would leave them: half.h's rules on whole vectors.
HWY_INLINE Vector<float> round_bf16(Vector<float> x) {
  const Tag<float> d;
  const Tag<uint32_t> du;
  const auto bits = hn::BitCast(du, x.raw);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu)));
  const auto kept = hn::And(rounded, hn::Set(du, 0xffff0000u));
  return keep_nan(x, Vector<float>{hn::BitCast(d, kept)});
}
HWY_INLINE Vector<float> round_f16(Vector<float> x) {
  const Tag<float> d;
  const Tag<uint32_t> du;
  const auto magnitude = hn::Abs(x.raw);
  const auto bits = hn::BitCast(du, magnitude);
  const auto odd = hn::And(hn::ShiftRight<13>(bits), hn::Set(du, 1u));
  const auto normal =
      hn::BitCast(d, hn::AndNot(hn::Set(du, 0x1fffu), hn::Add(bits, hn::Add(odd, hn::Set(du, 0xfffu)))));
  const auto half = hn::Set(d, 0.5f);
  const auto tiny = hn::Sub(hn::Add(magnitude, half), half);
  const auto finite = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 6.103515625e-5f)), tiny, normal);
  const auto infinity = hn::BitCast(d, hn::Set(du, 0x7f800000u));
  const auto limited = hn::IfThenElse(hn::Ge(finite, hn::Set(d, 65536.0f)), infinity, finite);
  return keep_nan(x, Vector<float>{hn::CopySignToAbs(limited, x.raw)});
}

template <Storage kStorage, class T>
HWY_INLINE Vector<T> round_to(Vector<T> x) {
  if constexpr (kStorage == Storage::bf16) {
    return round_bf16(x);
  } else if constexpr (kStorage == Storage::f16) {
    return round_f16(x);
  } else {
    return x;
  }
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
