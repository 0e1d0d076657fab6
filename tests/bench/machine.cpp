// Processor facts from /proc and /sys, and two measurements. AVX512-BF16 is asked for by function attribute: the rest
// of the program must start on any processor.
#include "machine.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "kernels/cpu/bf16_tiles_amx.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace rondo::bench {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The first processor's value of a key such as "model name"; empty where there is none.
std::string cpuinfo(const std::string &key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const size_t colon = line.find(": ");
    return colon == std::string::npos ? "" : line.substr(colon + 2);
  }
  return "";
}

// Those that this project's and its peers' kernels ask for.
std::vector<std::string> flags() {
  constexpr std::array wanted{"sse4_1",      "avx2",        "fma",      "f16c",     "avx512f", "avx512vl",
                              "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_tile", "asimd",   "bf16"};
  const std::string x86 = cpuinfo("flags");
  std::istringstream words(x86.empty() ? cpuinfo("Features") : x86);
  std::vector<std::string> found;
  for (std::string word; words >> word;) {
    if (std::find(wanted.begin(), wanted.end(), word) != wanted.end()) found.push_back(word);
  }
  return found;
}

std::string text_of(const std::filesystem::path &path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return text;
}

// Bytes by name: l1d, l2, l3 as the first processor sees them.
nlohmann::json caches() {
  nlohmann::json sizes = nlohmann::json::object();
  std::error_code none;
  for (const auto &entry : std::filesystem::directory_iterator("/sys/devices/system/cpu/cpu0/cache", none)) {
    const std::string level = text_of(entry.path() / "level");
    const std::string type = text_of(entry.path() / "type");
    const std::string size = text_of(entry.path() / "size");
    if (level.empty() || size.empty() || type == "Instruction") continue;
    const int64_t unit = size.back() == 'K' ? 1024 : size.back() == 'M' ? 1024 * 1024 : 1;
    sizes["l" + level + (type == "Data" ? "d" : "")] = std::stoll(size) * unit;
  }
  return sizes;
}

#if defined(__x86_64__)
constexpr int chains = 12;
constexpr int64_t rounds = 20000;

// Sums on registers, each of its own beginning: equal ones would be made once for all.
__attribute__((target("avx512f,avx512bf16"), noinline)) float dot_products(uint32_t pattern) {
  const auto operand = (__m512bh)_mm512_set1_epi32(static_cast<int>(pattern));
  __m512 sums[chains];
#pragma GCC unroll 16
  for (int chain = 0; chain < chains; ++chain) sums[chain] = _mm512_set1_ps(static_cast<float>(chain));
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int chain = 0; chain < chains; ++chain) sums[chain] = _mm512_dpbf16_ps(sums[chain], operand, operand);
  }
  __m512 total = sums[0];
#pragma GCC unroll 16
  for (int chain = 1; chain < chains; ++chain) total = _mm512_add_ps(total, sums[chain]);
  return _mm512_cvtss_f32(total);
}

// Four sums in tiles of zeros, which take as long as any others; all of 16 rows of 64 bytes.
__attribute__((target("amx-tile,amx-bf16"), noinline)) void tile_products() {
  struct alignas(64) Shapes {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };
  static constexpr Shapes shapes;  // in memory whole: the intrinsic names only its first bytes
  _tile_loadconfig(&shapes);
  for (int64_t round = 0; round < rounds; ++round) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
}

double tile_gflops(double seconds) {
  constexpr double operations = 4.0 * 16 * 16 * 32 * 2;  // a round
  int64_t batches = 0;
  const auto start = Clock::now();
  do {
    tile_products();
    ++batches;
  } while (since(start) < seconds);
  return static_cast<double>(batches * rounds) * operations / since(start) * 1e-9;
}

double dot_gflops(double seconds) {
  if (kernels::tiles_available()) return tile_gflops(seconds);
  volatile uint32_t pattern = 0x3f003f00;  // 0.5 twice
  volatile float sink = 0;
  int64_t batches = 0;
  const auto start = Clock::now();
  do {
    sink = sink + dot_products(pattern);
    ++batches;
  } while (since(start) < seconds);
  return static_cast<double>(batches * rounds * chains * 64) / since(start) * 1e-9;
}

bool has_bf16() { return __builtin_cpu_supports("avx512bf16") != 0; }
#else
double dot_gflops(double) { return 0; }
bool has_bf16() { return false; }
#endif

// One line of cache each, so that a store disturbs only its reader.
struct alignas(128) Flag {
  std::atomic<int64_t> passed{0};
};

// Yields now and then: on an oversubscribed machine the other thread may wait for this one's processor.
void await(const Flag &flag, int64_t count) {
  for (int64_t spins = 1; flag.passed.load(std::memory_order_acquire) < count; ++spins) {
    if (spins % 16384 == 0) std::this_thread::yield();
  }
}

}  // namespace

nlohmann::json describe_processor() {
  const std::string name = cpuinfo("model name");
  return {{"cpu", name.empty() ? "unknown" : name}, {"flags", flags()}, {"caches", caches()}};
}

std::optional<double> bf16_dot_gflops(int threads, double seconds) {
  if (!has_bf16()) return std::nullopt;
  std::vector<double> reached(static_cast<size_t>(threads));
  std::vector<std::thread> team;
  for (size_t k = 1; k < reached.size(); ++k) {
    team.emplace_back([&reached, k, seconds] { reached[k] = dot_gflops(seconds); });
  }
  reached[0] = dot_gflops(seconds);
  for (std::thread &thread : team) thread.join();
  double total = 0;
  for (const double one : reached) total += one;
  return total;
}

double barrier_ns(double seconds) {
  constexpr int64_t barriers = 1000;  // a block of the median
  Flag ours, theirs;
  std::atomic<bool> is_over{false};
  std::thread other([&] {
    for (int64_t count = 1; !is_over.load(std::memory_order_relaxed); ++count) {
      theirs.passed.store(count, std::memory_order_release);
      await(ours, count);
    }
  });
  std::vector<double> blocks;
  const auto start = Clock::now();
  for (int64_t count = 1; since(start) < seconds || blocks.empty();) {
    const auto begin = Clock::now();
    for (const int64_t last = count + barriers; count < last; ++count) {
      ours.passed.store(count, std::memory_order_release);
      await(theirs, count);
    }
    blocks.push_back(since(begin) * 1e9 / static_cast<double>(barriers));
  }
  is_over = true;
  ours.passed.store(INT64_MAX, std::memory_order_release);
  other.join();
  std::nth_element(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(blocks.size() / 2), blocks.end());
  return blocks[blocks.size() / 2];
}

}  // namespace rondo::bench
