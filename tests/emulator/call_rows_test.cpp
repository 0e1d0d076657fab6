// The map of a call's rows as the host makes it and as kernels find it in device memory, for every kind of sequences.
#include "backend/cuda/call_rows.h"

#include <string>

#include "device_values.h"

namespace {

using rondo::Arena;
using rondo::Batch;
using rondo::Problem;
using rondo::cuda::CallRows;
using rondo_test::DeviceValues;
using rondo_test::failed;

constexpr rondo::kernels::cuda::Target target{nullptr, true};
using Indices = std::vector<int64_t>;

// A call whose maxima are its own sizes, laid in as much device memory as the layout asks for.
class Call {
 public:
  Call(const rondo_batch_t &given, rondo_sequence_t sequence, int64_t layout = RONDO_TIME_MAJOR)
      : problem_{true, sequence, given.T, given.N, given.T * given.N, false}, memory_(std::vector<char>(size())) {
    REQUIRE(make_batch(problem_, given, &batch).ok());
    REQUIRE(rows.build(batch, layout).ok());
  }

  void upload(bool forward = true, int32_t *kept_lengths = nullptr) {
    Arena arena(memory_.data());
    const CallRows::Memory memory(arena, problem_, batch.T, batch.N);
    REQUIRE(rows.upload(target, memory, batch, forward, kept_lengths).ok());
  }
  Indices offsets() const { return DeviceValues<int64_t>::read(rows.map().offsets, static_cast<size_t>(batch.T + 1)); }
  std::vector<int32_t> row_order() const { return words(rows.map().rows); }
  std::vector<int32_t> lengths() const { return words(rows.map().lengths); }

  Batch batch{};
  CallRows rows;

 private:
  size_t size() const {
    Arena count(nullptr);
    const CallRows::Memory memory(count, problem_, problem_.max_T, problem_.max_N);
    return static_cast<size_t>(count.used().value());
  }
  std::vector<int32_t> words(const int32_t *from) const {
    return DeviceValues<int32_t>::read(from, static_cast<size_t>(batch.N));
  }

  Problem problem_;
  DeviceValues<char> memory_;
};

rondo_batch_t sizes(int64_t T, int64_t N) {
  rondo_batch_t given{};
  given.T = T;
  given.N = N;
  return given;
}

rondo_batch_t with_lengths(int64_t T, const Indices &lengths) {
  rondo_batch_t given = sizes(T, static_cast<int64_t>(lengths.size()));
  given.lengths = lengths.data();
  return given;
}

// Nothing was sent: every row has a place at every step.
void check_full(const Call &call, int64_t T, int64_t N) {
  const auto &map = call.rows.map();
  CHECK(map.offsets == nullptr);
  CHECK(map.rows == nullptr);
  CHECK(map.lengths == nullptr);
  CHECK(call.rows.states_direct());
  CHECK_FALSE(call.rows.masked());
  CHECK(call.rows.mask() == nullptr);
  CHECK(call.rows.T() == T);
  CHECK(call.rows.N() == N);
  CHECK(call.rows.S() == T * N);
  for (int64_t t = 0; t < T; ++t) {
    CHECK(call.rows.active(t) == N);
    CHECK(call.rows.offset(t) == t * N);
  }
}

TEST_CASE("full sequences send nothing", "[call_rows]") {
  for (const int64_t layout : {RONDO_TIME_MAJOR, RONDO_BATCH_MAJOR}) {
    Call call(sizes(3, 2), RONDO_SEQUENCE_FULL, layout);
    call.upload();
    check_full(call, 3, 2);
    CHECK(call.rows.direct() == (layout == RONDO_TIME_MAJOR));
    CHECK(call.rows.map().batch_major == (layout == RONDO_BATCH_MAJOR));
  }
  // Batch-major data of one row or one step lies as time-major does.
  CHECK(Call(sizes(3, 1), RONDO_SEQUENCE_FULL, RONDO_BATCH_MAJOR).rows.direct());
  CHECK(Call(sizes(1, 3), RONDO_SEQUENCE_FULL, RONDO_BATCH_MAJOR).rows.direct());
}

TEST_CASE("lengths are sorted longest first", "[call_rows]") {
  const Indices lengths{2, 3, 0, 3, 2};
  Call call(with_lengths(4, lengths), RONDO_SEQUENCE_LENGTHS);
  call.upload();
  CHECK(call.offsets() == Indices{0, 4, 8, 10, 10});
  CHECK(call.row_order() == std::vector<int32_t>{1, 3, 0, 4, 2});
  CHECK(call.lengths() == std::vector<int32_t>{3, 3, 2, 2, 0});
  CHECK(call.rows.S() == 10);
  CHECK(call.rows.active(2) == 2);
  CHECK(call.rows.active(3) == 0);
  CHECK(call.rows.offset(2) == 8);
  CHECK_FALSE(call.rows.direct());
  CHECK_FALSE(call.rows.states_direct());
  CHECK_FALSE(call.rows.masked());
  CHECK_FALSE(call.rows.map().packed);
}

TEST_CASE("lengths that are sorted already leave states as they lie", "[call_rows]") {
  const std::vector<int32_t> lengths{3, 2, 2};
  rondo_batch_t given = sizes(3, 3);
  given.lengths32 = lengths.data();
  Call call(given, RONDO_SEQUENCE_LENGTHS);
  call.upload();
  CHECK(call.offsets() == Indices{0, 3, 6, 7});
  CHECK(call.lengths() == lengths);
  CHECK(call.rows.map().rows == nullptr);
  CHECK(call.rows.states_direct());
  CHECK_FALSE(call.rows.direct());
}

TEST_CASE("lengths that are all T are full sequences", "[call_rows]") {
  const Indices lengths{3, 3};
  Call call(with_lengths(3, lengths), RONDO_SEQUENCE_LENGTHS);
  call.upload();
  check_full(call, 3, 2);
  CHECK(call.rows.direct());
}

TEST_CASE("packed sequences", "[call_rows]") {
  const Indices batch_sizes{3, 2, 1};
  rondo_batch_t given = sizes(3, 3);
  given.S = 6;
  given.batch_sizes = batch_sizes.data();
  SECTION("in their own order send no rows") {
    Call call(given, RONDO_SEQUENCE_PACKED);
    call.upload();
    CHECK(call.offsets() == Indices{0, 3, 5, 6});
    CHECK(call.lengths() == std::vector<int32_t>{3, 2, 1});
    CHECK(call.rows.map().rows == nullptr);
    CHECK(call.rows.map().packed);
    CHECK(call.rows.states_direct());
    CHECK(call.rows.direct());
  }
  SECTION("with sorted_indices") {
    const Indices order{2, 0, 1};
    given.sorted_indices = order.data();
    Call call(given, RONDO_SEQUENCE_PACKED, RONDO_BATCH_MAJOR);
    call.upload();
    CHECK(call.offsets() == Indices{0, 3, 5, 6});
    CHECK(call.lengths() == std::vector<int32_t>{3, 2, 1});
    CHECK(call.row_order() == std::vector<int32_t>{2, 0, 1});
    CHECK_FALSE(call.rows.states_direct());
    CHECK(call.rows.direct());
  }
  SECTION("of equal lengths, in another order") {
    const Indices all{3, 3};
    const Indices order{1, 2, 0};
    given.T = 2;
    given.batch_sizes = all.data();
    given.sorted_indices = order.data();
    Call call(given, RONDO_SEQUENCE_PACKED);
    call.upload();
    CHECK(call.row_order() == std::vector<int32_t>{1, 2, 0});
    CHECK(call.offsets() == Indices{0, 3, 6});
  }
  SECTION("with sorted_indices that are no permutation") {
    const Indices twice{0, 1, 1};
    const Problem problem{true, RONDO_SEQUENCE_PACKED, 3, 3, 9, false};
    given.sorted_indices = twice.data();
    Batch batch{};
    REQUIRE(make_batch(problem, given, &batch).ok());
    CHECK(failed(CallRows().build(batch, RONDO_TIME_MAJOR), RONDO_ERROR_INVALID_ARGUMENT, "sorted_indices[2] is 1"));
  }
}

TEST_CASE("device lengths are clamped once, in forward", "[call_rows]") {
  const DeviceValues<int64_t> given_lengths({5, -1, 2, 3});
  const DeviceValues<uint32_t> faults({7});
  const DeviceValues<int32_t> kept({0, 0, 0, 0});
  rondo_batch_t given = sizes(3, 4);
  given.device_lengths = given_lengths.data();
  given.device_faults = faults.data();
  Call forward(given, RONDO_SEQUENCE_DEVICE_LENGTHS);
  const std::vector<int32_t> expected{3, 0, 2, 3};
  SECTION("into the reserve, from which backward reads") {
    forward.upload(true, kept.data());
    CHECK(forward.rows.mask() == kept.data());
    CHECK(kept.values() == expected);
    CHECK(faults.values() == std::vector<uint32_t>{9});
    Call backward(given, RONDO_SEQUENCE_DEVICE_LENGTHS);
    backward.upload(false, kept.data());
    CHECK(backward.rows.mask() == kept.data());
    CHECK(faults.values() == std::vector<uint32_t>{9});
  }
  SECTION("into the workspace in inference") {
    forward.upload();
    CHECK(forward.lengths() == expected);
  }
  CHECK(forward.rows.masked());
  CHECK(forward.rows.states_direct());
  CHECK_FALSE(forward.rows.direct());
  CHECK(forward.rows.S() == 12);
  CHECK(forward.rows.map().offsets == nullptr);
}

TEST_CASE("calls without steps or rows", "[call_rows]") {
  const Indices none(3, 0);
  Call no_steps(with_lengths(0, none), RONDO_SEQUENCE_LENGTHS);
  no_steps.upload();
  check_full(no_steps, 0, 3);
  Call no_rows(sizes(4, 0), RONDO_SEQUENCE_LENGTHS);
  no_rows.upload();
  check_full(no_rows, 4, 0);
  Call all_empty(with_lengths(2, none), RONDO_SEQUENCE_LENGTHS);
  all_empty.upload();
  CHECK(all_empty.offsets() == none);
  CHECK(all_empty.rows.S() == 0);
  Call masked(sizes(4, 0), RONDO_SEQUENCE_DEVICE_LENGTHS);
  masked.upload();
  CHECK(masked.rows.S() == 0);

  const Indices order{1, 0};
  rondo_batch_t packed = sizes(0, 2);
  packed.sorted_indices = order.data();
  Call reordered(packed, RONDO_SEQUENCE_PACKED);
  reordered.upload();
  CHECK(reordered.row_order() == std::vector<int32_t>{1, 0});
}

TEST_CASE("rows and steps are counted in 32 bits", "[call_rows]") {
  const int64_t most = 2147483647;
  const Problem problem{false, RONDO_SEQUENCE_FULL, most, 1, most, false};
  CHECK(rondo::cuda::too_large(problem).empty());
  const Problem steps{false, RONDO_SEQUENCE_FULL, most + 1, 1, most + 1, false};
  CHECK(rondo::cuda::too_large(steps) == "max_T is 2147483648, expected at most 2147483647");
  const Problem rows{false, RONDO_SEQUENCE_FULL, 1, most + 1, most + 1, false};
  CHECK(rondo::cuda::too_large(rows) == "max_N is 2147483648, expected at most 2147483647");
}

}  // namespace
