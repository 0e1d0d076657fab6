// bf16 products, packing and rounding in AVX512-BF16 intrinsics.
// Functions carry their instruction set, not the file: what standard headers inline here may serve any processor.
#include "kernels/cpu/bf16_dot_avx512.h"

#if defined(__x86_64__)

// GCC 12 takes the intrinsics' "any value" for an oversight; clang has no such warning.
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#define RONDO_AVX512 [[gnu::target("avx512f,avx512bw,avx512bf16")]]

namespace rondo::kernels {
namespace {

// Accumulators that fit the 32 registers beside one row of the panel and one broadcast.
constexpr int kAccumulators = 24;
constexpr int kMaxRows = 12;
constexpr int kManyChains = 4;
// From this many row blocks on, each fetches a share of the panel's next lines: a third more speed on weights in
// memory, none lost on those in cache, where fewer blocks would lose.
constexpr int64_t kFetchingBlocks = 3;

constexpr int block_rows(int vectors, int chains) {
  return std::clamp(kAccumulators / (vectors * chains), 1, kMaxRows);
}

struct Block {
  const Bf16 *a;
  ptrdiff_t a_row;
  const Bf16 *panel;
  ptrdiff_t vector;  // elements from a vector of the panel to the next, where each has a stream of its own
  int64_t pairs;
  float *c;
  ptrdiff_t c_row;
  bool accumulate;
  ptrdiff_t ahead;  // bytes from each row of the panel to the line to fetch meanwhile
};

[[gnu::always_inline]] inline int pair_at(const Bf16 *a) {
  int pair;
  std::memcpy(&pair, a, sizeof pair);
  return pair;
}

RONDO_AVX512 [[gnu::always_inline]] inline __m512 dot(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

// kApart: each vector of the panel has a stream of its own.
template <int kRows, int kVectors, int kChains, bool kApart>
RONDO_AVX512 [[gnu::noinline]] void block(const Block &work) {
  constexpr ptrdiff_t kPair = ptrdiff_t{kBf16Lanes} * 2;
  constexpr ptrdiff_t pair_step = kApart ? kPair : kPair * kVectors;
  const ptrdiff_t vector_step = kApart ? work.vector : kPair;
  const Bf16 *a = work.a;
  const Bf16 *panel = work.panel;
  const ptrdiff_t a_row = work.a_row;
  __m512 sum[kChains][kRows][kVectors];
#pragma GCC unroll 4
  for (int chain = 0; chain < kChains; ++chain) {
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sum[chain][m][v] = _mm512_setzero_ps();
      }
    }
  }
  int64_t pair = 0;
  for (; pair + kChains <= work.pairs; pair += kChains) {
#pragma GCC unroll 4
    for (int chain = 0; chain < kChains; ++chain) {
      __m512i b[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        b[v] = _mm512_loadu_si512(panel + chain * pair_step + v * vector_step);
      }
      if constexpr (kChains == 1) {
        _mm_prefetch(reinterpret_cast<const char *>(panel) + work.ahead, _MM_HINT_T0);
      }
#pragma GCC unroll 16
      for (int m = 0; m < kRows; ++m) {
        const __m512i a_m = _mm512_set1_epi32(pair_at(a + m * a_row + chain * 2));
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          sum[chain][m][v] = dot(sum[chain][m][v], a_m, b[v]);
        }
      }
    }
    a += ptrdiff_t{kChains} * 2;
    panel += kChains * pair_step;
  }
  if constexpr (kChains > 1) {
#pragma GCC unroll 4
    for (int chain = 0; chain < kChains - 1; ++chain) {
      if (pair + chain < work.pairs) {
#pragma GCC unroll 16
        for (int m = 0; m < kRows; ++m) {
          const __m512i a_m = _mm512_set1_epi32(pair_at(a + m * a_row + chain * 2));
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) {
            sum[chain][m][v] =
                dot(sum[chain][m][v], a_m, _mm512_loadu_si512(panel + chain * pair_step + v * vector_step));
          }
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) {
    float *row = work.c + m * work.c_row;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      __m512 total = sum[0][m][v];
      if constexpr (kChains == kManyChains) {
        total = _mm512_add_ps(_mm512_add_ps(total, sum[1][m][v]), _mm512_add_ps(sum[2][m][v], sum[3][m][v]));
      }
      float *to = row + v * kBf16Lanes;
      _mm512_storeu_ps(to, work.accumulate ? _mm512_add_ps(_mm512_loadu_ps(to), total) : total);
    }
  }
}

using BlockFunction = void (*)(const Block &);
using BlockTable = std::array<std::array<BlockFunction, kMaxRows + 1>, kBf16MaxVectors>;

// Row blocks 1 to kMaxRows of one panel width; those beyond block_rows are never asked for.
template <int kVectors, int kChains, bool kApart, int... kRows>
constexpr std::array<BlockFunction, kMaxRows + 1> block_row(std::integer_sequence<int, kRows...> /*rows*/) {
  return {nullptr, &block<std::min(kRows + 1, block_rows(kVectors, kChains)), kVectors, kChains, kApart>...};
}
template <int kChains, bool kApart>
constexpr BlockTable block_table() {
  constexpr auto kRows = std::make_integer_sequence<int, kMaxRows>();
  return {block_row<1, kChains, kApart>(kRows), block_row<2, kChains, kApart>(kRows),
          block_row<3, kChains, kApart>(kRows), block_row<4, kChains, kApart>(kRows)};
}
// By whether vectors lie apart, then by whether there are many chains.
constexpr BlockTable kBlocks[2][2] = {{block_table<1, false>(), block_table<kManyChains, false>()},
                                      {block_table<1, true>(), block_table<kManyChains, true>()}};

void product(const Bf16Product &p) {
  const bool many = p.order == Bf16Order::four_chains;
  const bool apart = p.layout.vector != kBf16Lanes * 2;
  const auto &blocks = kBlocks[apart ? 1 : 0][many ? 1 : 0][static_cast<size_t>(p.vectors - 1)];
  const int64_t most = block_rows(p.vectors, many ? kManyChains : 1);
  // Blocks of nearly equal height: a last one of a row or two would leave the multipliers waiting for its sums.
  const int64_t count = (p.M + most - 1) / most;
  // Past the panel this is, as a rule, the next one; a fetch of what is no memory is no fault.
  const ptrdiff_t next_block = kBf16BlockPairs * p.layout.pair;
  int64_t pair = 0;
  do {
    const int64_t pairs = std::min(kBf16BlockPairs, p.K / 2 - pair);
    int64_t first = 0;
    for (int64_t k = 0; k < count; ++k) {
      const int64_t last = p.M * (k + 1) / count;
      blocks[static_cast<size_t>(last - first)](
          {p.a + first * p.a_row + pair * 2, p.a_row, p.panel + pair * p.layout.pair, p.layout.vector, pairs,
           p.c + first * p.c_row, p.c_row, p.accumulate || pair > 0,
           count < kFetchingBlocks ? 0 : (next_block + k % p.vectors * p.layout.vector) * ptrdiff_t{sizeof(Bf16)}});
      first = last;
    }
    pair += kBf16BlockPairs;
  } while (pair < p.K / 2);
}

// out[k] of 16 vectors holds, of every vector, word k.
RONDO_AVX512 [[gnu::always_inline]] inline void transpose(__m512i (&x)[16]) {
  __m512i y[16];
#pragma GCC unroll 16
  for (int k = 0; k < 16; k += 2) {
    y[k] = _mm512_unpacklo_epi32(x[k], x[k + 1]);
    y[k + 1] = _mm512_unpackhi_epi32(x[k], x[k + 1]);
  }
#pragma GCC unroll 4
  for (int k = 0; k < 16; k += 4) {
    x[k] = _mm512_unpacklo_epi64(y[k], y[k + 2]);
    x[k + 1] = _mm512_unpackhi_epi64(y[k], y[k + 2]);
    x[k + 2] = _mm512_unpacklo_epi64(y[k + 1], y[k + 3]);
    x[k + 3] = _mm512_unpackhi_epi64(y[k + 1], y[k + 3]);
  }
  // Now x[4g + j], quarter q, is word 4q + j of vectors 4g to 4g + 3.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    y[j] = _mm512_shuffle_i32x4(x[j], x[4 + j], 0x88);
    y[4 + j] = _mm512_shuffle_i32x4(x[j], x[4 + j], 0xdd);
    y[8 + j] = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0x88);
    y[12 + j] = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0xdd);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    x[j] = _mm512_shuffle_i32x4(y[j], y[8 + j], 0x88);
    x[8 + j] = _mm512_shuffle_i32x4(y[j], y[8 + j], 0xdd);
    x[4 + j] = _mm512_shuffle_i32x4(y[4 + j], y[12 + j], 0x88);
    x[12 + j] = _mm512_shuffle_i32x4(y[4 + j], y[12 + j], 0xdd);
  }
}

// The first n of 32 elements, the rest zero; n may be beyond either end.
[[gnu::always_inline]] inline uint32_t first_of_32(int64_t n) { return n >= 32 ? ~0u : n <= 0 ? 0u : (1u << n) - 1; }

RONDO_AVX512 void pack_columns(const Bf16 *const *columns, int64_t K, ptrdiff_t pair_step, Bf16 *panel) {
  for (int64_t k = 0; k < K; k += 32) {
    const __mmask32 valid = first_of_32(K - k);
    __m512i x[16];
#pragma GCC unroll 16
    for (int n = 0; n < 16; ++n) {
      x[n] = columns[n] == nullptr ? _mm512_setzero_si512() : _mm512_maskz_loadu_epi16(valid, columns[n] + k);
    }
    transpose(x);
    Bf16 *to = panel + k / 2 * pair_step;
    const int64_t pairs = std::min<int64_t>(16, (K - k + 1) / 2);
#pragma GCC unroll 16
    for (int pair = 0; pair < 16; ++pair) {
      if (pair < pairs) {
        _mm512_storeu_si512(to + pair * pair_step, x[pair]);
      }
    }
  }
}

RONDO_AVX512 void store(const float *from, Bf16 *to, int64_t n) {
  int64_t k = 0;
  for (; k + 16 <= n; k += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to + k), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(from + k)));
  }
  if (k < n) {
    const auto mask = static_cast<__mmask16>(first_of_32(n - k));
    const auto rounded = (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + k));
    _mm512_mask_storeu_epi16(to + k, mask, _mm512_castsi256_si512(rounded));
  }
}

}  // namespace

const Bf16Kernels &bf16_avx512_kernels() {
  static constexpr Bf16Kernels kKernels{false, &product, &pack_columns, &store};
  return kKernels;
}

}  // namespace rondo::kernels

#endif
