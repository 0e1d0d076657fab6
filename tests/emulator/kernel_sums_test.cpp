// The kernels over arrays without row order, against plain loops.
#include <algorithm>

#include "kernel_arrays.h"
#include "kernels/cuda/arrays.h"

namespace rondo_test {
namespace {

using rondo::kernels::cuda::Piece;

TEST_CASE("sums of columns", "[kernels]") {
  struct Size {
    int64_t rows, columns;
  };
  for (const Size size : {Size{0, 5}, Size{1, 1}, Size{7, 33}, Size{300, 70}, Size{16, 64}, Size{0, 0}}) {
    for (const Storage from_type : kAllStorages) {
      for (const Storage to_type : kAllStorages) {
        CAPTURE(size.rows, size.columns, static_cast<int>(from_type), static_cast<int>(to_type));
        Array from = random_array(from_type, size.rows * size.columns, 1);
        Array to = random_array(to_type, size.columns, 2);
        if (!one_family(from_type, to_type) && size.columns > 0) {
          CHECK(launch_column_sums(kTarget, from_type, from.data(), size.rows, size.columns, to_type, to.data(),
                                   false) == cudaErrorInvalidValue);
          continue;
        }
        const std::vector<double> values = from.values();
        const std::vector<double> held = to.values();
        std::vector<double> sums(held.size(), 0);
        for (size_t k = 0; k < values.size(); ++k) {
          sums[k % held.size()] += values[k];
        }
        finish(launch_column_sums(kTarget, from_type, from.data(), size.rows, size.columns, to_type, to.data(), false));
        check_values(to, sums, 40);
        Array again(to_type, held);
        std::vector<double> added = held;
        std::transform(sums.begin(), sums.end(), held.begin(), added.begin(), std::plus<>());
        finish(
            launch_column_sums(kTarget, from_type, from.data(), size.rows, size.columns, to_type, again.data(), true));
        check_values(again, added, 40);
      }
    }
  }
}

TEST_CASE("finished gradients", "[kernels]") {
  for (const int64_t count : {0, 3, 8, 1030, 4097}) {
    for (const int shift : {0, 1}) {
      for (const Storage type : kAllStorages) {
        CAPTURE(count, shift, static_cast<int>(type));
        Array from = random_array(arithmetic_of(type), count, 3, shift);
        Array to = random_array(type, count, 4);
        std::vector<double> sums = from.values();
        const std::vector<double> held = to.values();
        std::transform(sums.begin(), sums.end(), held.begin(), sums.begin(), std::plus<>());
        finish(launch_finish_gradient(kTarget, from.storage(), from.data(), count, type, to.data(), true));
        check_values(to, sums, 2);
        finish(launch_finish_gradient(kTarget, from.storage(), from.data(), count, type, to.data(), false));
        check_values(to, round_to(dtype_of(type), from.values()));
      }
    }
  }
  CHECK(launch_finish_gradient(kTarget, Storage::f16, nullptr, 1, Storage::f16, nullptr, false) ==
        cudaErrorInvalidValue);
  CHECK(launch_finish_gradient(kTarget, Storage::f64, nullptr, 1, Storage::f32, nullptr, false) ==
        cudaErrorInvalidValue);
}

TEST_CASE("pieces are copied, added and filled by few launches", "[kernels]") {
  for (const Storage type : kAllStorages) {
    for (const bool accumulate : {false, true}) {
      std::vector<Array> from;
      std::vector<Array> to;
      std::vector<std::vector<double>> expected;
      for (int k = 0; k < 170; ++k) {
        const int64_t count = k == 5 ? 1500 : (k % 5) * 2;
        from.push_back(random_array(type, count, static_cast<uint32_t>(k), k % 3));
        to.push_back(random_array(type, count, static_cast<uint32_t>(k + 1000)));
        std::vector<double> values = k % 4 == 0 ? std::vector<double>(static_cast<size_t>(count)) : from[k].values();
        const std::vector<double> held = to[k].values();
        if (accumulate) {
          std::transform(values.begin(), values.end(), held.begin(), values.begin(), std::plus<>());
        }
        expected.push_back(round_to(dtype_of(type), values));
      }
      std::vector<Piece> pieces;
      for (size_t k = 0; k < to.size(); ++k) {
        pieces.push_back(
            {k % 4 == 0 ? nullptr : from[k].data(), to[k].data(), static_cast<int64_t>(expected[k].size())});
      }
      const int64_t before = rondo_emulator::operations_run();
      finish(launch_copy_pieces(kTarget, type, pieces.data(), static_cast<int64_t>(pieces.size()), accumulate));
      CHECK(rondo_emulator::operations_run() - before <= 2);
      for (size_t k = 0; k < to.size(); ++k) {
        check_values(to[k], expected[k], accumulate ? 1 : 0);
      }
    }
  }
  finish(launch_copy_pieces(kTarget, Storage::f32, nullptr, 0, false));
}

}  // namespace
}  // namespace rondo_test
