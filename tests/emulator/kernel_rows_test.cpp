// The kernels that move rows, against loops over steps and rows: every form of a map, both layouts, all pairs of types.
// The caller's padding is NaN, so reading it shows.
#include <algorithm>
#include <functional>
#include <numeric>

#include "kernel_arrays.h"
#include "kernels/cuda/rows.h"
#include "reference/philox.h"

namespace rondo_test {
namespace {

using rondo::kernels::cuda::RowMap;

enum class Form { full, compact, masked, packed };

// A map and what it says, in plain words.
struct Rows {
  Rows(Form of, bool is_batch_major) : form(of), batch_major(is_batch_major) {
    if (form == Form::compact || form == Form::packed) {
      lengths = {5, 3, 2, form == Form::packed ? 1 : 0};
      order = {2, 0, 3, 1};
      offsets = {0};
      for (int64_t t = 0; t < T; ++t) {
        const auto running = std::count_if(lengths.begin(), lengths.end(), [&](int32_t length) { return length > t; });
        offsets.push_back(offsets.back() + running);
      }
    } else if (form == Form::masked) {
      lengths = {2, 5, 0, 3};
    }
  }

  RowMap map() const {
    const bool sends_lengths = form != Form::full;
    return {T,
            N,
            is_compact() ? offsets.data() : nullptr,
            is_compact() ? order.data() : nullptr,
            sends_lengths ? lengths.data() : nullptr,
            form == Form::packed,
            batch_major};
  }
  bool is_compact() const { return !offsets.empty(); }
  int64_t S() const { return is_compact() ? offsets.back() : T * N; }
  bool runs(int64_t t, int64_t r) const { return t < lengths[static_cast<size_t>(r)]; }
  bool has_place(int64_t t, int64_t r) const { return !is_compact() || runs(t, r); }
  int64_t place(int64_t t, int64_t r) const { return (is_compact() ? offsets[static_cast<size_t>(t)] : t * N) + r; }
  int64_t state_row(int64_t r) const { return order[static_cast<size_t>(r)]; }
  int64_t position(int64_t t, int64_t r) const {
    if (form == Form::packed) {
      return place(t, r);
    }
    return batch_major ? state_row(r) * T + t : t * N + state_row(r);
  }
  void each(const std::function<void(int64_t t, int64_t r)> &what) const {
    for (int64_t t = 0; t < T; ++t) {
      for (int64_t r = 0; r < N; ++r) {
        what(t, r);
      }
    }
  }

  int64_t T = 5, N = 4;
  Form form;
  bool batch_major;
  std::vector<int32_t> lengths = std::vector<int32_t>(4, 5), order = {0, 1, 2, 3};
  std::vector<int64_t> offsets;
};

struct Size {
  int64_t width, row;
  int shift;
};
constexpr Size kSizes[] = {{3, 3, 0}, {8, 8, 0}, {8, 8, 1}, {12, 20, 0}, {5, 16, 0}, {1100, 1100, 0}};

// value(row of the array, element) over a row of an array of rows; nothing beyond.
void set_row(std::vector<double> &array, int64_t row, int64_t row_length, int64_t width,
             const std::function<double(int64_t)> &value) {
  for (int64_t k = 0; k < width; ++k) {
    array[static_cast<size_t>(row * row_length + k)] = value(k);
  }
}

std::vector<double> poisoned(int64_t count) { return std::vector<double>(static_cast<size_t>(count), kPoison); }
double item(const std::vector<double> &array, int64_t k) { return array[static_cast<size_t>(k)]; }

void for_each_map(const std::function<void(const Rows &, const Size &)> &what) {
  for (const Form form : {Form::full, Form::compact, Form::masked, Form::packed}) {
    for (const bool batch_major : {false, true}) {
      for (const Size &size : kSizes) {
        CAPTURE(static_cast<int>(form), batch_major, size.width, size.row, size.shift);
        what(Rows(form, batch_major), size);
      }
    }
  }
}

bool widens(Storage from, Storage to) { return from == to || to == arithmetic_of(from); }

TEST_CASE("rows go to step order and back", "[kernels]") {
  for_each_map([](const Rows &rows, const Size &size) {
    for (const Storage from_type : kAllStorages) {
      for (const Storage to_type : kAllStorages) {
        const int64_t steps = rows.S();
        const int64_t caller_rows = rows.form == Form::packed ? steps : rows.T * rows.N;
        if (widens(from_type, to_type)) {
          std::vector<double> x = poisoned(caller_rows * size.width);
          const std::vector<double> source = random_values(from_type, caller_rows * size.width, 1);
          std::vector<double> expected = poisoned(steps * size.row);
          rows.each([&](int64_t t, int64_t r) {
            const int64_t at = rows.position(t, r) * size.width;
            if (rows.runs(t, r)) {
              set_row(x, rows.position(t, r), size.width, size.width, [&](int64_t k) { return item(source, at + k); });
            }
            if (rows.has_place(t, r)) {
              set_row(expected, rows.place(t, r), size.row, size.width,
                      [&](int64_t k) { return rows.runs(t, r) ? item(source, at + k) : 0; });
            }
          });
          Array from(from_type, x, size.shift);
          Array to(to_type, steps * size.row);
          finish(launch_gather_rows(kTarget, rows.map(), from_type, from.data(), size.width, to_type, to.data(),
                                    size.row));
          check_values(to, expected);
        } else {
          CHECK(launch_gather_rows(kTarget, rows.map(), from_type, nullptr, size.width, to_type, nullptr, size.row) ==
                cudaErrorInvalidValue);
        }
        if (widens(to_type, from_type)) {
          std::vector<double> y = poisoned(steps * size.row);
          const std::vector<double> source = random_values(to_type, steps * size.row, 2);
          std::vector<double> expected = poisoned(caller_rows * size.width);
          rows.each([&](int64_t t, int64_t r) {
            const int64_t at = rows.place(t, r) * size.row;
            if (rows.runs(t, r)) {
              set_row(y, rows.place(t, r), size.row, size.width, [&](int64_t k) { return item(source, at + k); });
            }
            if (rows.runs(t, r) || rows.form != Form::packed) {
              set_row(expected, rows.position(t, r), size.width, size.width,
                      [&](int64_t k) { return rows.runs(t, r) ? item(source, at + k) : -1.5; });
            }
          });
          Array from(from_type, y, size.shift);
          Array to(to_type, caller_rows * size.width);
          finish(launch_scatter_rows(kTarget, rows.map(), from_type, from.data(), size.row, size.width, -1.5, to_type,
                                     to.data()));
          check_values(to, expected);
        }
      }
    }
  });
}

TEST_CASE("rows of nothing become zeros", "[kernels]") {
  const Rows rows(Form::compact, true);
  Array to(Storage::f16, rows.S() * 6);
  finish(launch_gather_rows(kTarget, rows.map(), Storage::f16, nullptr, 6, Storage::f16, to.data(), 6));
  check_values(to, std::vector<double>(static_cast<size_t>(rows.S() * 6), 0));
}

TEST_CASE("states go to sorted order and back", "[kernels]") {
  for_each_map([](const Rows &rows, const Size &size) {
    for (const Storage from_type : kAllStorages) {
      for (const Storage to_type : kAllStorages) {
        if (!one_family(from_type, to_type)) {
          CHECK(launch_load_states(kTarget, rows.map(), from_type, nullptr, size.width, to_type, nullptr) ==
                cudaErrorInvalidValue);
          continue;
        }
        const int64_t count = rows.N * size.width;
        Array from = random_array(from_type, count, 3, size.shift);
        const std::vector<double> source = round_to(dtype_of(to_type), from.values());
        std::vector<double> sorted = poisoned(count);
        std::vector<double> stored = poisoned(count);
        for (int64_t r = 0; r < rows.N; ++r) {
          const int64_t n = rows.state_row(r);
          set_row(sorted, r, size.width, size.width, [&](int64_t k) { return item(source, n * size.width + k); });
          set_row(stored, n, size.width, size.width, [&](int64_t k) { return item(source, r * size.width + k); });
        }
        Array to(to_type, count);
        finish(launch_load_states(kTarget, rows.map(), from_type, from.data(), size.width, to_type, to.data()));
        check_values(to, sorted);
        finish(launch_store_states(kTarget, rows.map(), from_type, from.data(), size.width, to_type, to.data()));
        check_values(to, stored);
        finish(launch_load_states(kTarget, rows.map(), from_type, nullptr, size.width, to_type, to.data()));
        check_values(to, std::vector<double>(static_cast<size_t>(count), 0));
      }
    }
  });
}

TEST_CASE("each row's previous h", "[kernels]") {
  for_each_map([](const Rows &rows, const Size &size) {
    for (const Storage type : kAllStorages) {
      for (const bool reverse : {false, true}) {
        Array history = random_array(type, rows.S() * size.row, 4, size.shift);
        Array initial = random_array(type, rows.N * size.width, 5);
        const std::vector<double> h = history.values();
        const std::vector<double> h0 = initial.values();
        std::vector<double> expected = poisoned(rows.S() * size.width);
        rows.each([&](int64_t t, int64_t r) {
          if (!rows.has_place(t, r)) {
            return;
          }
          const int64_t before = reverse ? t + 1 : t - 1;
          const bool follows = before >= 0 && before < rows.T && rows.runs(before, r);
          set_row(expected, rows.place(t, r), size.width, size.width, [&](int64_t k) {
            const double previous =
                follows ? item(h, rows.place(before, r) * size.row + k) : item(h0, r * size.width + k);
            return rows.runs(t, r) ? previous : 0;
          });
        });
        Array to(type, rows.S() * size.width);
        finish(launch_previous_rows(kTarget, rows.map(), reverse, type, history.data(), size.row, initial.data(),
                                    size.width, to.data()));
        check_values(to, expected);
      }
    }
  });
}

TEST_CASE("dropout masks rows as its rule says", "[kernels]") {
  for_each_map([](const Rows &rows, const Size &size) {
    const uint64_t seed = 11;
    const uint64_t offset = (uint64_t{3} << 32) + 7;
    uint64_t record[2] = {0, 0};
    finish(launch_record_seed(kTarget, 5, offset, &seed, nullptr, record));
    CHECK(record[0] == seed);
    CHECK(record[1] == offset);
    for (const Storage type : kAllStorages) {
      for (const double p : {0.3, 1.0}) {
        Array from = random_array(type, rows.S() * size.row, 7, size.shift);
        const std::vector<double> source = from.values();
        std::vector<double> expected = poisoned(rows.S() * size.row);
        rows.each([&](int64_t t, int64_t r) {
          if (!rows.has_place(t, r)) {
            return;
          }
          set_row(expected, rows.place(t, r), size.row, size.width, [&](int64_t k) {
            const int64_t n = rows.form == Form::packed ? r : rows.state_row(r);
            const double factor = rondo::test::dropout_factor(p, seed, offset, {2, k, n, t});
            return rows.runs(t, r) && factor != 0 ? factor * item(source, rows.place(t, r) * size.row + k) : 0;
          });
        });
        Array to(type, rows.S() * size.row, size.shift);
        finish(launch_dropout(kTarget, rows.map(), record, 2, p, type, from.data(), size.row, size.width, to.data(),
                              size.row));
        check_values(to, expected, 2.1);
      }
    }
  });
}

TEST_CASE("host words and lengths reach the device", "[kernels]") {
  std::vector<uint32_t> from(2501);
  std::iota(from.begin(), from.end(), 17u);
  std::vector<uint32_t> to(from.size(), 0);
  const std::vector<uint32_t> expected = from;
  const cudaError_t launched =
      launch_upload(kTarget, from.data(), static_cast<int64_t>(from.size() * sizeof(uint32_t)), to.data());
  std::fill(from.begin(), from.end(), 0);
  finish(launched);
  CHECK(to == expected);

  const std::vector<int64_t> lengths = {-1, 0, 5, 6, int64_t{1} << 40, 3};
  const std::vector<int32_t> lengths32 = {-7, 0, 5, 6, 2147483647, 3};
  const std::vector<int32_t> inside = {0, 0, 5, 5, 5, 3};
  std::vector<int32_t> clamped(6, -1);
  uint32_t faults = 10;
  finish(launch_clamp_lengths(kTarget, lengths.data(), nullptr, 6, 5, clamped.data(), &faults));
  CHECK(clamped == inside);
  CHECK(faults == 13);
  std::fill(clamped.begin(), clamped.end(), -1);
  finish(launch_clamp_lengths(kTarget, nullptr, lengths32.data(), 6, 5, clamped.data(), nullptr));
  CHECK(clamped == inside);

  const std::vector<int64_t> many(1000, 9);
  std::vector<int32_t> all(1000, -1);
  finish(launch_clamp_lengths(kTarget, many.data(), nullptr, 1000, 8, all.data(), &faults));
  CHECK(all == std::vector<int32_t>(1000, 8));
  CHECK(faults == 1013);
}

}  // namespace
}  // namespace rondo_test
