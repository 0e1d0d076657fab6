// sigmoid and tanh of one vector, within 3.5 units in the last place over the whole range; NaN stays NaN. Compiled once
// per instruction set, as vector-inl.h is, and without fusing of products and sums that are not written as MulAdd.
#if defined(RONDO_KERNELS_CPU_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_CPU_ACTIVATION_INL_H_
#undef RONDO_KERNELS_CPU_ACTIVATION_INL_H_
#else
#define RONDO_KERNELS_CPU_ACTIVATION_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/cpu/vector-inl.h"

// Whether MulAdd rounds once. Where it does, ln 2 needs no low bits left free for the product with the exponent.
#undef RONDO_MULADD_ROUNDS_ONCE
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
#define RONDO_MULADD_ROUNDS_ONCE 1
#else
#define RONDO_MULADD_ROUNDS_ONCE 0
#endif

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

template <class T>
using Raw = hn::Vec<Tag<T>>;

template <class T>
HWY_INLINE Raw<T> all(T value) {
  return hn::Set(Tag<T>(), value);
}

// x86's instructions return their second operand where one is NaN, NEON's the one that is a number.
constexpr bool kLimitsKeepNaN = HWY_ARCH_X86 != 0 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128;

// x limited from one side; NaN stays NaN.
template <class T>
HWY_INLINE Raw<T> at_most(T limit, Raw<T> x) {
  if constexpr (kLimitsKeepNaN) {
    return hn::Min(all(limit), x);
  } else {
    return hn::IfThenElse(hn::Gt(x, all(limit)), all(limit), x);
  }
}
template <class T>
HWY_INLINE Raw<T> at_least(T limit, Raw<T> x) {
  if constexpr (kLimitsKeepNaN) {
    return hn::Max(all(limit), x);
  } else {
    return hn::IfThenElse(hn::Lt(x, all(limit)), all(limit), x);
  }
}

// e^-x = scale * (1 - r + r^2 q), with scale = 2^k, k = -x / ln 2 to the nearest whole number and r = x + k ln 2.
// scale_r2 is scale * r^2: kept apart, so that what is added to it can be ready before q is.
template <class T>
struct Decay {
  HWY_INLINE Decay() {}
  Raw<T> scale, r, scale_r2, q;
};

// The sum with kRound leaves in the low bits k plus the exponent's bias; shifted up they are 2^k: zero for the lowest k
// and infinity for the highest. ln 2 is in two parts: k * kLn2 is exact or, with one rounding, need not be.
template <class T>
struct DecayConstants;
template <>
struct DecayConstants<float> {
  static constexpr int kMantissa = 23;
  static constexpr float kRound = 0x1.8p23f + 127;
  static constexpr float kPerLn2 = 1.442695f;
#if RONDO_MULADD_ROUNDS_ONCE
  static constexpr float kLn2 = 0.6931472f;
  static constexpr float kLn2Rest = -1.9046542e-09f;
#else
  static constexpr float kLn2 = 0.693145751953125f;
  static constexpr float kLn2Rest = 1.4286068e-06f;
#endif
};
template <>
struct DecayConstants<double> {
  static constexpr int kMantissa = 52;
  static constexpr double kRound = 0x1.8p52 + 1023;
  static constexpr double kPerLn2 = 1.4426950408889634;
  static constexpr double kLn2 = 0.6931471805598903;
  static constexpr double kLn2Rest = 5.497923018708371e-14;
};

// q of e^-r = 1 - r + r^2 q on |r| <= ln(2) / 2: the minimax polynomials (Remez exchange, error relative to e^-r),
// 0.03 ulp for f32 and 0.02 for f64 before rounding, summed by pairs so that the chain is short.
HWY_INLINE Raw<float> decay_rest(Raw<float> r, Raw<float> r2) {
  const auto low = hn::MulAdd(r, all(-0.16666521f), all(0.49999994f));
  const auto middle = hn::MulAdd(r, all(-0.008368711f), all(0.04166839f));
  return hn::MulAdd(r2, hn::MulAdd(r2, all(0.0013814623f), middle), low);
}
HWY_INLINE Raw<double> decay_rest(Raw<double> r, Raw<double> r2) {
  const auto r4 = hn::Mul(r2, r2);
  const auto a = hn::MulAdd(r, all(-0.16666666666666413), all(0.5000000000000011));
  const auto b = hn::MulAdd(r, all(-0.008333333333494349), all(0.04166666666653025));
  const auto c = hn::MulAdd(r, all(-0.00019841269506752296), all(0.0013888888943600869));
  const auto d = hn::MulAdd(r, all(-2.755758628411499e-06), all(2.480149313248943e-05));
  const auto e = hn::MulAdd(r, all(-2.500006890089682e-08), all(2.763023536249502e-07));
  const auto low = hn::MulAdd(r4, hn::MulAdd(r2, d, c), hn::MulAdd(r2, b, a));
  return hn::MulAdd(hn::Mul(r4, r4), e, low);
}

// The decay of kTimes * x, kTimes 1 or 2, where k is from minus the bias to the bias plus one. Where k is that highest,
// r may not be zero.
template <int kTimes, class T>
HWY_INLINE Decay<T> decay(Raw<T> x) {
  using Constants = DecayConstants<T>;
  const hn::RebindToUnsigned<Tag<T>> bits;
  const auto rounded = hn::MulAdd(x, all(-kTimes * Constants::kPerLn2), all(Constants::kRound));
  const auto k = hn::Sub(rounded, all(Constants::kRound));
  const auto rough = hn::MulAdd(k, all(Constants::kLn2), kTimes == 2 ? hn::Add(x, x) : x);
  Decay<T> out;
  out.scale = hn::BitCast(Tag<T>(), hn::ShiftLeft<Constants::kMantissa>(hn::BitCast(bits, rounded)));
  out.r = hn::MulAdd(k, all(Constants::kLn2Rest), rough);
  // With f32's long ln 2 the rest moves r by 2^-22 at most, which the terms from r^2 on do not feel.
  constexpr bool kRoughServes = RONDO_MULADD_ROUNDS_ONCE != 0 && sizeof(T) == sizeof(float);
  const auto r = kRoughServes ? rough : out.r;
  const auto r2 = hn::Mul(r, r);
  out.scale_r2 = hn::Mul(out.scale, r2);
  out.q = decay_rest(r, r2);
  return out;
}

// 1 / (1 + e^-x). The lower limit is just below -(bias + 1/2) ln 2, so that scale is infinite there and the result is
// zero, where the true one is less than half of the smallest normal number; above the upper one it is 1 already.
template <class T>
HWY_INLINE Vector<T> sigmoid(Vector<T> x) {
  constexpr bool kSingle = sizeof(T) == sizeof(float);
  constexpr auto kLowest = static_cast<T>(kSingle ? -88.3763 : -709.4362);
  const auto ones = all(T{1});
  const Decay<T> e = decay<1, T>(at_most(T{40}, at_least(kLowest, x.raw)));
  const auto sum = hn::MulAdd(e.scale, hn::Sub(ones, e.r), ones);
  return {hn::Div(ones, hn::MulAdd(e.scale_r2, e.q, sum))};
}

// m / (2 - m) with m = 1 - e^(-2|x|), which keeps its relative accuracy near zero since 1 - scale is exact there, and
// is 1 from the limit on. Never above 1, and exactly odd.
template <class T>
HWY_INLINE Vector<T> tanh(Vector<T> x) {
  const Decay<T> e = decay<2, T>(at_most(T{20}, hn::Abs(x.raw)));
  const auto low = hn::MulAdd(e.scale, e.r, hn::Sub(all(T{1}), e.scale));
  const auto m = hn::NegMulAdd(e.scale_r2, e.q, low);
  return {hn::CopySign(hn::Div(m, hn::Sub(all(T{2}), m)), x.raw)};
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
