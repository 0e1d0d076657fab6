// The primitives of a warp against plain loops: matrices from shared memory, products, transposition, wide accesses and
// copies. Every number is one that sums hold exactly, so the order of a sum does not show.
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "kernels/cuda/primitives.h"
#include "primitives_launch.h"

namespace {

using namespace rondo::kernels;
using namespace rondo::kernels::cuda;
using namespace rondo_test;

F16 stored(float value, F16 /*type*/) { return to_f16(value); }
Bf16 stored(float value, Bf16 /*type*/) { return to_bf16(value); }
Tf32 stored(float value, Tf32 /*type*/) { return {value}; }

// Whole numbers from -8 to 8.
template <class S>
std::vector<S> small_numbers(size_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<S> numbers(count);
  for (S &number : numbers) {
    number = stored(static_cast<float>(engine() % 17) - 8.0f, S{});
  }
  return numbers;
}

enum class Way { one_step, two_steps, two_tiles };

// D [16, 8 * tiles] = A [16, K] B by one warp; B lies as [n, K]. K is a multiple of 16, of 16-bit types of 32.
template <class S>
RONDO_KERNEL void multiply(const S *a, const S *b, float *d, uint32_t K, uint32_t tiles, Way way) {
  RONDO_DYNAMIC_SHARED(shared);
  constexpr uint32_t chunk = 16 / sizeof(S);
  constexpr uint32_t depth = 32 / sizeof(S);  // of a step
  const uint32_t row = K + chunk;
  const SharedSpan<S> left = shared.array<S>(0, 16 * row);
  const SharedSpan<S> right = shared.array<S>(16 * row * sizeof(S), 8 * tiles * row);
  for (uint32_t k = lane(); k < 16 * K / chunk; k += 32) {
    copy_async(a + k * chunk, left, k / (K / chunk) * row + k % (K / chunk) * chunk);
  }
  for (uint32_t k = lane(); k < 8 * tiles * K / chunk; k += 32) {
    copy_async(b + k * chunk, right, k / (K / chunk) * row + k % (K / chunk) * chunk);
  }
  commit_copies();
  wait_copies<0>();
  warp_barrier();
  const uint32_t step = way == Way::two_steps ? 2 * depth : depth;
  const uint32_t tiles_at_once = way == Way::two_tiles ? 2 : 1;
  for (uint32_t tile = 0; tile < tiles; tile += tiles_at_once) {
    const uint32_t first = tile * 8 * row;
    float sums[2][4] = {};
    for (uint32_t k = 0; k < K; k += step) {
      uint32_t at[4];
      uint32_t of[2][2];
      load_matrices(left, place_16x16<S>(row) + k, at);
      if (way == Way::one_step) {
        load_matrices(right, first + (lane() < 16 ? place_8x32<S>(row) + k : 1), of[0]);
        multiply_add<S>(sums[0], at, of[0]);
      } else if (way == Way::two_steps) {
        load_matrices(right, first + place_8x32<S>(row) + k, of[0], of[1]);
        multiply_add<S>(sums[0], at, of[0]);
        load_matrices(left, place_16x16<S>(row) + k + depth, at);
        multiply_add<S>(sums[0], at, of[1]);
      } else {
        load_matrices(right, first + place_two_8x16<S>(row) + k, of[0], of[1]);
        multiply_add<S>(sums[0], at, of[0]);
        multiply_add<S>(sums[1], at, of[1]);
      }
    }
    for (uint32_t t = 0; t < tiles_at_once; ++t) {
      for (uint32_t item = 0; item < 4; ++item) {
        const uint32_t m = lane() / 4 + item / 2 * 8;
        d[m * 8 * tiles + (tile + t) * 8 + lane() % 4 * 2 + item % 2] = sums[t][item];
      }
    }
  }
}

template <class S>
void check_products() {
  for (const uint32_t K : {32u, 96u}) {
    for (const uint32_t tiles : {2u, 4u}) {
      const std::vector<S> a = small_numbers<S>(16 * K, K);
      const std::vector<S> b = small_numbers<S>(size_t{8} * tiles * K, K + tiles);
      std::vector<float> expected(size_t{16} * 8 * tiles);
      for (size_t m = 0; m < 16; ++m) {
        for (size_t n = 0; n < size_t{8} * tiles; ++n) {
          for (size_t k = 0; k < K; ++k) {
            expected[m * 8 * tiles + n] += widen<float>(a[m * K + k]) * widen<float>(b[n * K + k]);
          }
        }
      }
      constexpr auto bytes = static_cast<uint32_t>(sizeof(S));
      for (const Way way : {Way::one_step, Way::two_steps, Way::two_tiles}) {
        std::vector<float> d(expected.size(), 0.5f);
        check_clean({1, 32, (16 + 8 * tiles) * (K * bytes + 16)}, multiply<S>, a.data(), b.data(), d.data(), K, tiles,
                    way);
        CHECK(d == expected);
      }
    }
  }
}

RONDO_KERNEL void multiply_one(uint32_t a, float *d) {
  const uint32_t left[4] = {a, a, a, a};
  const uint32_t right[2] = {0x3f800000, 0x3f800000};
  float sums[4] = {};
  multiply_add<Tf32>(sums, left, right);
  d[lane()] = sums[0];
}

// Elements of [32, 8] by their numbers, then what each lane gets of them.
template <int kMatrices>
RONDO_KERNEL void load(uint32_t *to, bool barrier, uint32_t shift) {
  RONDO_DYNAMIC_SHARED(shared);
  const SharedSpan<F16> rows = shared.array<F16>(0, 256);
  const uint32_t next = 8 * ((lane() + 1) % 32);
  for (uint32_t k = next; k < next + 8; ++k) {
    rows.set(k, F16{static_cast<uint16_t>(k)});
  }
  if (barrier) {
    warp_barrier();
  }
  uint32_t mine[kMatrices];
  load_matrices(rows, 8 * lane() + shift, mine);
  for (uint32_t m = 0; m < kMatrices; ++m) {
    to[32 * m + lane()] = mine[m];
  }
}

template <int kMatrices>
void check_load() {
  std::vector<uint32_t> values(32 * kMatrices);
  std::vector<uint32_t> expected;
  for (uint32_t m = 0; m < kMatrices; ++m) {
    for (uint32_t l = 0; l < 32; ++l) {
      const uint32_t lower = (8 * m + l / 4) * 8 + 2 * (l % 4);
      expected.push_back(lower | (lower + 1) << 16);
    }
  }
  check_clean({1, 32, 512}, load<kMatrices>, values.data(), true, 0u);
  CHECK(values == expected);
  check_fault("race on byte", {1, 32, 512}, load<kMatrices>, values.data(), false, 0u);
  check_fault("index", {1, 32, 512}, load<kMatrices>, values.data(), true, 1u);
}

RONDO_KERNEL void transpose(const uint16_t *from, uint16_t *to) {
  const uint32_t at = lane() / 4 * 8 + lane() % 4 * 2;
  const uint32_t turned = transposed(from[at] | uint32_t{from[at + 1]} << 16);
  to[at] = static_cast<uint16_t>(turned);
  to[at + 1] = static_cast<uint16_t>(turned >> 16);
}

// Values pass through shared memory from one width into another.
template <class T, int kIn, int kOut>
RONDO_KERNEL void hand_on(const T *from, T *to) {
  RONDO_DYNAMIC_SHARED(shared);
  const SharedSpan<T> words = shared.array<T>(16, 64);
  if (thread() < 64 / kIn) {
    Wide<T, kIn> wide;
    for (int k = 0; k < kIn; ++k) {
      wide.item[k] = from[thread() * kIn + k];
    }
    words.template write_wide<kIn>(thread() * kIn, wide);
  }
  block_barrier();
  if (thread() < 64 / kOut) {
    const Wide<T, kOut> wide = words.template read_wide<kOut>(thread() * kOut);
    for (int k = 0; k < kOut; ++k) {
      to[thread() * kOut + k] = wide.item[k];
    }
  }
}

template <class T, int kIn, int kOut>
void check_hand_on() {
  std::vector<T> from;
  for (int k = 0; k < 64; ++k) {
    from.push_back(static_cast<T>(k * 3 + 1));
  }
  std::vector<T> to(64);
  check_clean({1, 64, 16 + 64 * sizeof(T)}, hand_on<T, kIn, kOut>, from.data(), to.data());
  CHECK(to == from);
}

RONDO_KERNEL void reach(uint32_t offset, uint32_t count, uint32_t at, uint32_t wide_at) {
  RONDO_DYNAMIC_SHARED(shared);
  const SharedSpan<float> words = shared.array<float>(offset, count);
  words.set(at, 1.0f);
  words.write_wide<4>(wide_at, Wide<float, 4>{});
}

enum class Miss { nothing, wait, barrier };

RONDO_KERNEL void copy(const float *from, float *to, Miss miss) {
  RONDO_DYNAMIC_SHARED(shared);
  const SharedSpan<float> words = shared.array<float>(0, 256);
  copy_async(from + 4 * thread(), words, 4 * thread());
  commit_copies();
  copy_async(from + 128 + 4 * thread(), words, 128 + 4 * thread());
  commit_copies();
  if (miss == Miss::wait) {
    wait_copies<2>();
  } else {
    wait_copies<1>();
  }
  if (miss != Miss::barrier) {
    block_barrier();
  }
  const uint32_t other = 31 - thread();
  for (uint32_t k = 0; k < 4; ++k) {
    to[4 * thread() + k] = words.get(4 * other + k);
  }
  wait_copies<0>();
  block_barrier();
  for (uint32_t k = 0; k < 4; ++k) {
    to[128 + 4 * thread() + k] = words.get(128 + 4 * other + k);
  }
}

}  // namespace

TEST_CASE("products on tensor cores agree with plain loops", "[primitives]") {
  check_products<F16>();
  check_products<Bf16>();
  check_products<Tf32>();
}

TEST_CASE("numbers of tf32 keep ten bits of mantissa, ties away from zero", "[primitives]") {
  const std::pair<uint32_t, uint32_t> numbers[] = {
      {0x3f800000, 0x3f800000}, {0x3f800fff, 0x3f800000}, {0x3f801000, 0x3f802000}, {0xbf801000, 0xbf802000},
      {0x3f803000, 0x3f804000}, {0x3fffffff, 0x40000000}, {0x00000000, 0x00000000}, {0x80000fff, 0x80000000},
      {0x00001000, 0x00002000}, {0x7f7fffff, 0x7f800000}, {0x7f800000, 0x7f800000}, {0xff800000, 0xff800000}};
  for (const auto &[from, to] : numbers) {
    CAPTURE(from);
    CHECK(to_tf32(from) == to);
  }
  for (const uint32_t nan : {0x7f800001u, 0xffffffffu, 0x7fc00000u}) {
    CHECK((to_tf32(nan) & 0x7fffffff) > 0x7f800000);
  }
  // One that was not rounded is found.
  std::vector<float> d(32);
  check_clean({1, 32, 0}, multiply_one, 0x3f802000u, d.data());
  CHECK(d == std::vector<float>(32, 8 * 1.0009765625f));
  check_fault("index 1 of", {1, 32, 0}, multiply_one, 0x3f800001u, d.data());
}

TEST_CASE("matrices come from shared memory lane by lane", "[primitives]") {
  check_load<2>();
  check_load<4>();
}

TEST_CASE("a fragment is transposed", "[primitives]") {
  std::vector<uint16_t> from(64);
  std::vector<uint16_t> expected(64);
  for (uint16_t k = 0; k < 64; ++k) {
    from[k] = static_cast<uint16_t>(k * 1001);
    expected[k % 8 * 8 + k / 8] = from[k];
  }
  std::vector<uint16_t> to(64);
  check_clean({1, 32, 0}, transpose, from.data(), to.data());
  CHECK(to == expected);
}

TEST_CASE("shared memory is read and written in several widths", "[primitives]") {
  check_hand_on<uint16_t, 8, 2>();
  check_hand_on<uint16_t, 1, 8>();
  check_hand_on<float, 4, 1>();
  check_hand_on<float, 2, 4>();
  check_hand_on<uint64_t, 1, 2>();
}

TEST_CASE("what reaches past dynamic shared memory, or lies askew, is found", "[primitives]") {
  const Blocks blocks{1, 1, 64};
  check_clean(blocks, reach, 0u, 16u, 15u, 12u);
  check_clean(blocks, reach, 32u, 8u, 0u, 4u);
  check_fault("index 68 of", blocks, reach, 4u, 16u, 15u, 12u);
  check_fault("index 66 of", blocks, reach, 2u, 16u, 15u, 12u);
  check_fault("index 16 of", blocks, reach, 0u, 16u, 16u, 12u);
  check_fault("index 16 of", blocks, reach, 0u, 16u, 15u, 13u);
  check_fault("index 8 of", blocks, reach, 0u, 16u, 15u, 10u);
}

TEST_CASE("copies are there after their wait and a barrier", "[primitives]") {
  std::vector<float> from;
  for (int k = 0; k < 256; ++k) {
    from.push_back(static_cast<float>(k));
  }
  std::vector<float> to(256);
  check_clean({1, 32, 1024}, copy, from.data(), to.data(), Miss::nothing);
  for (size_t k = 0; k < 256; ++k) {
    REQUIRE(to[k] == from[k / 128 * 128 + (31 - k % 128 / 4) * 4 + k % 4]);
  }
  check_fault("without a barrier between them", {1, 32, 1024}, copy, from.data(), to.data(), Miss::wait);
  check_fault("without a barrier between them", {1, 32, 1024}, copy, from.data(), to.data(), Miss::barrier);
}
