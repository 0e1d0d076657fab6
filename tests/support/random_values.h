// Reproducible inputs: unit normal data and weights U(-1/sqrt(H), 1/sqrt(H)), the measure of semantics.md.
// The generator is spelled out, so that every platform draws the same numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "element.h"
#include "problem.h"

namespace rondo::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits();  // splitmix64
  double uniform();      // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal();  // Box-Muller
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(limit));
  }
  std::vector<double> normals(std::int64_t count);
  std::vector<std::int64_t> permutation(std::int64_t count);

 private:
  std::uint64_t state_;
};

struct ValueOptions {
  bool states = true;               // h0, c0
  bool gradients_of_states = true;  // dhn, dcn
  // What lies in x and dy beyond a row's length: NaN by default, for it must never reach a result.
  bool nan_padding = true;
};

Values random_values(const Problem &problem, std::uint64_t seed, const ValueOptions &options = {});

// As the library will read them: everything in the storage type, c0 and dcn in the cell state's.
Values stored(const Values &values, Dtype dtype, bool cell_state_f32);

// f32 states only matter for 16-bit storage.
inline Dtype state_dtype(Dtype dtype, bool as_f32) { return as_f32 && is_16_bit(dtype) ? Dtype::f32 : dtype; }

// True for the positions of a padded x or y that lie within their row's length, [positions].
std::vector<bool> valid_positions(const Problem &problem);

}  // namespace rondo::test
