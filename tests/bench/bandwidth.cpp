// Reading with eight independent chains, one exclusive-or a load. All threads begin each pass together, so that a
// shared cache and the memory are really shared.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/bandwidth.cpp"
#include "kernels/cpu/targets.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "tests/bench/bandwidth.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// count is a multiple of eight vectors.
HWY_NOINLINE uint64_t read_all(const uint64_t *from, size_t count) {
  const hn::ScalableTag<uint64_t> d;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d);
  auto b = a;
  auto c = a;
  auto e = a;
  auto f = a;
  auto g = a;
  auto h = a;
  auto i = a;
  for (size_t at = 0; at < count; at += 8 * lanes) {
    a = hn::Xor(a, hn::Load(d, from + at));
    b = hn::Xor(b, hn::Load(d, from + at + lanes));
    c = hn::Xor(c, hn::Load(d, from + at + 2 * lanes));
    e = hn::Xor(e, hn::Load(d, from + at + 3 * lanes));
    f = hn::Xor(f, hn::Load(d, from + at + 4 * lanes));
    g = hn::Xor(g, hn::Load(d, from + at + 5 * lanes));
    h = hn::Xor(h, hn::Load(d, from + at + 6 * lanes));
    i = hn::Xor(i, hn::Load(d, from + at + 7 * lanes));
  }
  const auto all = hn::Xor(hn::Xor(hn::Xor(a, b), hn::Xor(c, e)), hn::Xor(hn::Xor(f, g), hn::Xor(h, i)));
  return hn::GetLane(all);
}

const char *target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace rondo::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rondo::bench {
HWY_EXPORT(read_all);
HWY_EXPORT(target_name);

namespace {

using Clock = std::chrono::steady_clock;

// Eight of the longest vectors; huge pages begin at multiples of the alignment.
constexpr size_t quantum = 512;
constexpr std::align_val_t alignment{1U << 21U};
// A pass of a small set goes over it often enough for the clock.
constexpr size_t least_pass_bytes = size_t{1} << 24U;

struct Free {
  void operator()(uint64_t *memory) const { ::operator delete(memory, alignment); }
};

class Reader {
 public:
  // Touched by the thread that reads it.
  explicit Reader(size_t bytes)
      : count_(std::max<size_t>(bytes / quantum, 1) * quantum / sizeof(uint64_t)),
        memory_(static_cast<uint64_t *>(::operator new(count_ * sizeof(uint64_t), alignment))) {
    std::fill_n(memory_.get(), count_, uint64_t{1});
  }
  size_t bytes() const { return count_ * sizeof(uint64_t); }
  void read(size_t times) {
    for (size_t k = 0; k < times; ++k) sink_ = sink_ ^ HWY_DYNAMIC_DISPATCH(read_all)(memory_.get(), count_);
  }

 private:
  size_t count_;
  std::unique_ptr<uint64_t, Free> memory_;
  volatile uint64_t sink_ = 0;
};

// A thread's own begin and end of a pass.
struct Span {
  Clock::time_point begin, end;
};

}  // namespace

double read_gb_s(int threads, size_t bytes, double seconds) {
  const auto count = static_cast<size_t>(threads);
  std::vector<Span> spans(count);
  std::atomic<bool> is_over{false};
  std::barrier gate(threads);
  double best = 0;
  const auto work = [&](size_t k) {
    Reader reader(bytes / count);
    const size_t times = std::max<size_t>(1, least_pass_bytes / bytes);
    reader.read(1);
    gate.arrive_and_wait();
    const auto start = Clock::now();
    while (!is_over) {
      gate.arrive_and_wait();
      spans[k].begin = Clock::now();
      reader.read(times);
      spans[k].end = Clock::now();
      gate.arrive_and_wait();
      if (k == 0) {
        auto begin = spans[0].begin;
        auto end = spans[0].end;
        for (const Span &span : spans) {
          begin = std::min(begin, span.begin);
          end = std::max(end, span.end);
        }
        const double elapsed = std::chrono::duration<double>(end - begin).count();
        best = std::max(best, static_cast<double>(reader.bytes() * times * count) / elapsed * 1e-9);
        is_over = std::chrono::duration<double>(Clock::now() - start).count() >= seconds;
      }
      gate.arrive_and_wait();
    }
  };
  std::vector<std::thread> team;
  for (size_t k = 1; k < count; ++k) team.emplace_back(work, k);
  work(0);
  for (std::thread &thread : team) thread.join();
  return best;
}

const char *vector_target() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

}  // namespace rondo::bench
#endif
