// Pseudo-random values that are the same on every machine with the same mathematics library: splitmix64 and Box-Muller.
// Every case draws from a stream of its own, so that a filter does not change its inputs.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <vector>

namespace rondo::cli {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  // The stream of a name (FNV-1a) under a seed.
  Random(uint64_t seed, std::string_view name) : state_(seed) {
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : name) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    state_ = bits() ^ hash;
  }

  uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15U;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }
  double uniform() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }  // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }
  int64_t between(int64_t low, int64_t high) {  // both ends included
    return low + static_cast<int64_t>(bits() % static_cast<uint64_t>(high - low + 1));
  }
  std::vector<double> normals(int64_t count) {
    std::vector<double> values(static_cast<size_t>(count));
    for (double &value : values) {
      value = normal();
    }
    return values;
  }
  std::vector<double> uniforms(int64_t count, double bound) {
    std::vector<double> values(static_cast<size_t>(count));
    for (double &value : values) {
      value = uniform(-bound, bound);
    }
    return values;
  }

 private:
  uint64_t state_;
};

}  // namespace rondo::cli
