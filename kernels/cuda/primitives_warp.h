// What the 32 threads of a warp do together: matrices of 8 rows of 16 bytes from shared memory, and their product on
// tensor cores. primitives.h includes this at its end; no other file does.
#pragma once

namespace rondo::kernels::cuda {

// All lanes of the warp must come to each function below but lane, warp and the places, and none may have returned.
RONDO_DEVICE uint32_t lane() { return thread() % 32; }
RONDO_DEVICE uint32_t warp() { return thread() / 32; }

// f32 in memory whose products are of tf32: 8 bits of exponent, 10 of mantissa, in the upper bits of a register.
struct Tf32 {
  float value;
};
template <class C>
RONDO_DEVICE C widen(Tf32 value) {
  return static_cast<C>(value.value);
}
RONDO_DEVICE void narrow(float value, Tf32 *to) { to->value = value; }

// A fragment is a matrix of 8x8 16-bit numbers over a warp, one register a lane: lane l has row l / 4, columns
// 2 * (l % 4) in the lower half and the one after it in the upper. Of tf32 it is 8x4, column l % 4, and in what follows
// k counts half.
//
// The product D += A B: A [16, 16], B [16, 8], D [16, 8]. Registers and the part of the matrix each holds:
//   a[0], a[1]: rows 0 and 8 on, k 0 on; a[2], a[3]: the same rows, k 8 on
//   b[0], b[1]: k 0 and 8 on; a fragment's rows are B's columns, so B lies in memory as [n, k]
//   d[0], d[1]: row l / 4, columns 2 * (l % 4) and the next; d[2], d[3]: row l / 4 + 8
//
// Where a lane's row begins for load_matrices, in elements from the block's first, in memory with `row` elements from
// one row to the next:
//   place_16x16: A [16, 16], to a
//   place_8x32: B [8 n, 32 k], two steps of k, to their two b; with one b, the first step
//   place_two_8x16: B [16 n, 16 k], two tiles of 8 columns, to their two b
// There are no bank conflicts where rows are an odd number of 16 bytes apart.
template <class S>
inline constexpr uint32_t kMatrixRow = 16 / sizeof(S);
template <class S = F16>
RONDO_DEVICE uint32_t place_16x16(uint32_t row) {
  return lane() % 16 * row + lane() / 16 * kMatrixRow<S>;
}
template <class S = F16>
RONDO_DEVICE uint32_t place_8x32(uint32_t row) {
  return lane() % 8 * row + lane() / 8 * kMatrixRow<S>;
}
template <class S = F16>
RONDO_DEVICE uint32_t place_two_8x16(uint32_t row) {
  return (lane() / 16 * 8 + lane() % 8) * row + lane() / 8 % 2 * kMatrixRow<S>;
}

#ifdef __CUDACC__

RONDO_DEVICE void warp_barrier() { __syncwarp(); }

// Lane 8 * m + r names the first element of row r of matrix m, at a multiple of 16 bytes; with two matrices lanes from
// 16 on name nothing. Register m is the fragment of matrix m.
// Volatile, or the compiler takes equal addresses for equal values and moves loads across barriers.
template <class S>
RONDO_DEVICE void load_matrices(const SharedSpan<S> &from, uint32_t element, uint32_t (&to)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(from.place(element, kMatrixRow<S>)));
}
template <class S>
RONDO_DEVICE void load_matrices(const SharedSpan<S> &from, uint32_t element, uint32_t (&to)[2]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(to[0]), "=r"(to[1])
               : "r"(from.place(element, kMatrixRow<S>)));
}

// f32 to the nearest tf32, ties away from zero.
RONDO_DEVICE uint32_t to_tf32(uint32_t f32) {
  uint32_t to = 0;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(to) : "f"(__uint_as_float(f32)));
#else
  __trap();
#endif
  return to;
}
RONDO_DEVICE Tf32 to_tf32(Tf32 number) { return {__uint_as_float(to_tf32(__float_as_uint(number.value)))}; }

// Exact products, summed in f32 in an order that the hardware does not tell, and rounded in its own way. Numbers of
// tf32 have been rounded.
template <class S>
RONDO_DEVICE void multiply_add(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  if constexpr (std::is_same_v<S, Tf32>) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else if constexpr (std::is_same_v<S, F16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
#else
  __trap();
#endif
}

// The fragment of the transposed matrix.
RONDO_DEVICE uint32_t transposed(uint32_t fragment) {
  uint32_t to;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(to) : "r"(fragment));
  return to;
}

#else

RONDO_DEVICE void warp_barrier() { rondo_emulator::warp_barrier(); }

// Each lane reads its own row, so that the checks of shared memory see who read what.
template <class S, int kMatrices>
RONDO_DEVICE void load_matrices(const SharedSpan<S> &from, uint32_t element, uint32_t (&to)[kMatrices]) {
  static_assert(kMatrices == 2 || kMatrices == 4);
  uint32_t mine[4] = {};
  uint32_t rows[32][4];
  if (lane() < 8 * kMatrices) {
    const S *row = from.place(element, kMatrixRow<S>);
    rondo_emulator::on_read(row, sizeof mine);
    std::memcpy(mine, row, sizeof mine);
  }
  rondo_emulator::warp_exchange(mine, sizeof mine, rows);
  for (uint32_t m = 0; m < kMatrices; ++m) {
    to[m] = rows[8 * m + lane() / 4][lane() % 4];
  }
}

RONDO_DEVICE uint32_t to_tf32(uint32_t f32) {
  constexpr uint32_t kInfinity = 0x7f800000;
  const uint32_t size = f32 & 0x7fffffff;
  const uint32_t rounded = size > kInfinity ? 0x7fffe000 : (size + 0x1000) & ~uint32_t{0x1fff};
  return (f32 & 0x80000000) | rounded;
}
RONDO_DEVICE Tf32 to_tf32(Tf32 number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  bits = to_tf32(bits);
  std::memcpy(&number, &bits, sizeof bits);
  return number;
}

// What a register holds, in the order of k. Hardware leaves the lower bits of tf32 out, so a number that has not been
// rounded is a mistake; it shows as an index past 1.
template <class S>
RONDO_DEVICE void widen_register(uint32_t from, float (&to)[2]) {
  to[0] = to_float(S{static_cast<uint16_t>(from)});
  to[1] = to_float(S{static_cast<uint16_t>(from >> 16)});
}
template <class S>
RONDO_DEVICE void widen_register(uint32_t from, float (&to)[1]) {
  rondo_emulator::check_index(from & 0x1fff, 1);
  std::memcpy(to, &from, sizeof from);
}

// The order of a real tensor core's sum is not specified; this one goes by ascending k.
template <class S>
RONDO_DEVICE void multiply_add(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  constexpr uint32_t kOf = 4 / sizeof(S);  // numbers of a register
  struct Numbers {
    float a[4][kOf], b[2][kOf];
  };
  Numbers mine;
  Numbers all[32];
  for (uint32_t k = 0; k < 4; ++k) {
    widen_register<S>(a[k], mine.a[k]);
  }
  for (uint32_t k = 0; k < 2; ++k) {
    widen_register<S>(b[k], mine.b[k]);
  }
  rondo_emulator::warp_exchange(&mine, sizeof mine, all);
  const Numbers *row = all + lane() / 4 * 4;          // the four lanes that hold it, kOf of every 4 * kOf k each
  const Numbers *columns = all + lane() % 4 * 2 * 4;  // two columns, one behind the other
  for (uint32_t item = 0; item < 4; ++item) {
    const Numbers *column = columns + item % 2 * 4;
    for (uint32_t k = 0; k < 8 * kOf; ++k) {
      const uint32_t of = k % (4 * kOf) / kOf;
      const uint32_t half = k / (4 * kOf);
      d[item] += row[of].a[half * 2 + item / 2][k % kOf] * column[of].b[half][k % kOf];
    }
  }
}

RONDO_DEVICE uint32_t transposed(uint32_t fragment) {
  uint16_t all[32][2];
  rondo_emulator::warp_exchange(&fragment, sizeof fragment, all);
  const uint32_t row = lane() / 4;
  const uint32_t column = lane() % 4 * 2;
  const uint32_t lower = all[column * 4 + row / 2][row % 2];
  const uint32_t upper = all[(column + 1) * 4 + row / 2][row % 2];
  return lower | upper << 16;
}

#endif

// Four matrices as two operands b.
template <class S>
RONDO_DEVICE void load_matrices(const SharedSpan<S> &from, uint32_t element, uint32_t (&first)[2],
                                uint32_t (&second)[2]) {
  uint32_t all[4];
  load_matrices(from, element, all);
  first[0] = all[0];
  first[1] = all[1];
  second[0] = all[2];
  second[1] = all[3];
}

}  // namespace rondo::kernels::cuda
