// Arrays and comparisons for the tests of kernels: what a kernel does not write keeps its poison, NaN. The emulator's
// device memory is host memory, so vectors serve, and sanitizers see their ends.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "control.h"
#include "kernels/cell/numbers.h"
#include "kernels/cuda/launch.h"
#include "support/catch.h"
#include "support/element.h"

namespace rondo_test {

using rondo::kernels::Storage;
using rondo::test::Dtype;

inline constexpr rondo::kernels::cuda::Target kTarget{nullptr, true};
inline constexpr Storage kAllStorages[] = {Storage::f64, Storage::f32, Storage::f16, Storage::bf16};
inline constexpr double kPoison = std::numeric_limits<double>::quiet_NaN();

inline Dtype dtype_of(Storage storage) { return static_cast<Dtype>(storage); }
inline Storage arithmetic_of(Storage storage) { return storage == Storage::f64 ? Storage::f64 : Storage::f32; }
inline bool one_family(Storage a, Storage b) { return arithmetic_of(a) == arithmetic_of(b); }

// Values of one storage type, `shift` elements after an aligned address.
class Array {
 public:
  Array() = default;
  Array(Storage storage, const std::vector<double> &values, int shift = 0)
      : storage_(storage), count_(values.size()), shift_(static_cast<size_t>(shift) * element_bytes()) {
    bytes_.resize(count_ * element_bytes() + shift_ + 1);
    rondo::test::encode(dtype_of(storage_), values.data(), count_, bytes_.data() + shift_);
  }
  // Poisoned.
  Array(Storage storage, int64_t count, int shift = 0)
      : Array(storage, std::vector<double>(static_cast<size_t>(count), kPoison), shift) {}

  void *data() { return is_absent() ? nullptr : bytes_.data() + shift_; }
  std::vector<double> values() const {
    std::vector<double> values(count_);
    rondo::test::decode(dtype_of(storage_), bytes_.data() + shift_, count_, values.data());
    return values;
  }
  // An absent array reads as zeros.
  double at(int64_t k) const {
    double value = 0;
    if (!is_absent()) {
      rondo::test::decode(dtype_of(storage_), bytes_.data() + shift_ + static_cast<size_t>(k) * element_bytes(), 1,
                          &value);
    }
    return value;
  }
  bool is_absent() const { return bytes_.empty(); }
  Storage storage() const { return storage_; }
  // Every byte, so that NaN is equal to itself.
  bool operator==(const Array &) const = default;

 private:
  size_t element_bytes() const { return rondo::test::size_of(dtype_of(storage_)); }

  Storage storage_ = Storage::f64;
  size_t count_ = 0, shift_ = 0;
  std::vector<unsigned char> bytes_;
};

// Numbers that the type holds exactly.
inline std::vector<double> random_values(Storage storage, int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<double> values(static_cast<size_t>(count));
  for (double &value : values) {
    value = rondo::test::round_to(dtype_of(storage), static_cast<double>(engine()) / 1073741824.0 - 2.0);
  }
  return values;
}
inline Array random_array(Storage storage, int64_t count, uint32_t seed, int shift = 0) {
  return {storage, random_values(storage, count, seed), shift};
}

inline void finish(cudaError_t launched) {
  CHECK(launched == cudaSuccess);
  CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
  REQUIRE(rondo_emulator::faults().empty());
}

// Differences of `roundings` roundings of the type relative to numbers about 1, and the first place of more.
inline void check_values(const Array &array, const std::vector<double> &expected, double roundings = 0) {
  const std::vector<double> values = array.values();
  REQUIRE(values.size() == expected.size());
  const double bound = roundings * rondo::test::unit_roundoff(dtype_of(array.storage()));
  for (size_t k = 0; k < values.size(); ++k) {
    const double difference = std::fabs(values[k] - expected[k]);
    const bool equal = values[k] == expected[k] || difference <= bound * std::max(1.0, std::fabs(expected[k]));
    if (!equal && !(std::isnan(values[k]) && std::isnan(expected[k]))) {
      CAPTURE(k, values[k], expected[k], dtype_name(dtype_of(array.storage())));
      FAIL_CHECK("a value differs");
      return;
    }
  }
  SUCCEED();
}

}  // namespace rondo_test
