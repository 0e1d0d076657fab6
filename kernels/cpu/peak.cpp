// Multiply-adds on registers, as many independent chains as hide their latency; a multiply-add counts as two
// operations.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/peak.cpp"
#include "kernels/cpu/targets.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "kernels/cpu/peak.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kChains = 12;
constexpr int kRounds = 20000;

// Operations done in one batch; the sum leaves through sink so that none is optimised away.
template <class T>
HWY_NOINLINE double multiply_adds(T *sink) {
  const hn::ScalableTag<T> d;
  const auto scale = hn::Set(d, static_cast<T>(0.5));
  const auto step = hn::Set(d, static_cast<T>(1.25));
  hn::Vec<decltype(d)> sum[kChains];
#pragma GCC unroll 16
  for (int chain = 0; chain < kChains; ++chain) {
    sum[chain] = hn::Set(d, static_cast<T>(chain));
  }
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 16
    for (int chain = 0; chain < kChains; ++chain) {
      sum[chain] = hn::MulAdd(sum[chain], scale, step);
    }
  }
  auto total = sum[0];
#pragma GCC unroll 16
  for (int chain = 1; chain < kChains; ++chain) {
    total = hn::Add(total, sum[chain]);
  }
  *sink = *sink + hn::GetLane(total);
  return 2.0 * kChains * kRounds * static_cast<double>(hn::Lanes(d));
}
double batch_f32(float *sink) { return multiply_adds(sink); }
double batch_f64(double *sink) { return multiply_adds(sink); }

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rondo::kernels {
HWY_EXPORT(batch_f32);
HWY_EXPORT(batch_f64);

namespace {

double run(double seconds, bool f64) {
  using Clock = std::chrono::steady_clock;
  float sink32 = 0;
  double sink64 = 0;
  double operations = 0;
  double elapsed = 0;
  const auto start = Clock::now();
  do {
    operations += f64 ? HWY_DYNAMIC_DISPATCH(batch_f64)(&sink64) : HWY_DYNAMIC_DISPATCH(batch_f32)(&sink32);
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (elapsed < seconds);
  return sink32 < 0 || sink64 < 0 ? 0 : operations / elapsed * 1e-9;
}

}  // namespace

double measure_fma_peak_gflops(int threads, double seconds, bool f64) {
  std::vector<double> reached(static_cast<size_t>(threads));
  std::vector<std::thread> team;
  for (size_t k = 1; k < reached.size(); ++k) {
    team.emplace_back([&, k] { reached[k] = run(seconds, f64); });
  }
  reached[0] = run(seconds, f64);
  double total = 0;
  for (auto &thread : team) {
    thread.join();
  }
  for (const double value : reached) {
    total += value;
  }
  return total;
}

}  // namespace rondo::kernels
#endif
