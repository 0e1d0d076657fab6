// Products as loops: both factors are widened into rows of k first, so that the inner loop is the same for all types.
#include "product.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cell/half.h"
#include "stream.h"

namespace rondo_emulator {
namespace {

using rondo::kernels::Bf16;
using rondo::kernels::F16;

template <class T>
double load(const void *data, long long at) {
  const T value = static_cast<const T *>(data)[at];
  if constexpr (std::is_same_v<T, F16> || std::is_same_v<T, Bf16>) {
    return rondo::kernels::to_float(value);
  } else {
    return value;
  }
}

double load(const void *data, cudaDataType type, long long at) {
  switch (type) {
    case CUDA_R_64F:
      return load<double>(data, at);
    case CUDA_R_16F:
      return load<F16>(data, at);
    case CUDA_R_16BF:
      return load<Bf16>(data, at);
    default:
      return load<float>(data, at);
  }
}

void store(void *data, cudaDataType type, long long at, double value) {
  switch (type) {
    case CUDA_R_64F:
      static_cast<double *>(data)[at] = value;
      break;
    case CUDA_R_16F:
      static_cast<F16 *>(data)[at] = rondo::kernels::to_f16(static_cast<float>(value));
      break;
    case CUDA_R_16BF:
      static_cast<Bf16 *>(data)[at] = rondo::kernels::to_bf16(static_cast<float>(value));
      break;
    default:
      static_cast<float *>(data)[at] = static_cast<float>(value);
  }
}

// Nearest, ties to even, as for 13 bits dropped.
double to_tf32(double value) {
  const uint32_t bits = rondo::kernels::bits_of(static_cast<float>(value));
  if ((bits & 0x7f800000u) == 0x7f800000u) {
    return value;
  }
  return rondo::kernels::float_of((bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu);
}

// The factor's rows of k values, `rows` of them; `along` is the step in memory from one k to the next.
template <class Compute>
std::vector<Compute> widened(const Matrix &matrix, long long base, int rows, int k, bool k_is_row, bool tf32) {
  std::vector<Compute> values(static_cast<size_t>(rows) * static_cast<size_t>(k));
  size_t to = 0;
  for (long long row = 0; row < rows; ++row) {
    for (long long at = 0; at < k; ++at) {
      const long long from = k_is_row ? row * matrix.ld + at : at * matrix.ld + row;
      const double value = load(matrix.data, matrix.type, base + from);
      values[to++] = static_cast<Compute>(tf32 ? to_tf32(value) : value);
    }
  }
  return values;
}

template <class Compute>
void run(const Product &p, Compute alpha, Compute beta) {
  for (long long batch = 0; batch < p.batch; ++batch) {
    const auto a = widened<Compute>(p.a, batch * p.a.stride, p.m, p.k, p.a.op != CUBLAS_OP_N, p.tf32);
    const auto b = widened<Compute>(p.b, batch * p.b.stride, p.n, p.k, p.b.op == CUBLAS_OP_N, p.tf32);
    void *c = const_cast<void *>(p.c.data);
    for (long long j = 0; j < p.n; ++j) {
      for (long long i = 0; i < p.m; ++i) {
        const Compute *row = a.data() + i * p.k;
        const Compute *column = b.data() + j * p.k;
        Compute sum = 0;
        for (int k = 0; k < p.k; ++k) {
          sum += row[k] * column[k];
        }
        const long long at = batch * p.c.stride + j * p.c.ld + i;
        const Compute before = beta == 0 ? 0 : static_cast<Compute>(load(p.c.data, p.c.type, at));
        store(c, p.c.type, at, beta == 0 ? alpha * sum : alpha * sum + beta * before);
      }
    }
  }
}

template <class Compute>
Compute scale(double value, const void *at) {
  return at != nullptr ? *static_cast<const Compute *>(at) : static_cast<Compute>(value);
}

// Whether the matrices of all batches lie in the device's memory: those of the first and the last do, in one block.
bool is_inside(const Matrix &matrix, int rows, int columns, int batch, int device) {
  if (rows == 0 || columns == 0) {
    return true;
  }
  const auto size = static_cast<long long>(size_of(matrix.type));
  const long long one = (columns - 1LL) * matrix.ld + rows;
  const long long last = (batch - 1LL) * matrix.stride;
  const long long begin = std::min(0LL, last);
  const long long end = std::max(0LL, last) + one;
  return is_device_memory(static_cast<const char *>(matrix.data) + begin * size,
                          static_cast<size_t>((end - begin) * size), device);
}

}  // namespace

size_t size_of(cudaDataType type) { return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2; }

bool is_supported(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute) {
  if (a != b) {
    return false;
  }
  switch (compute) {
    case CUBLAS_COMPUTE_64F:
    case CUBLAS_COMPUTE_64F_PEDANTIC:
      return a == CUDA_R_64F && c == a;
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      return (a == CUDA_R_32F && c == a) || ((a == CUDA_R_16F || a == CUDA_R_16BF) && (c == a || c == CUDA_R_32F));
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      return a == CUDA_R_32F && c == a;
    default:
      return false;
  }
}

std::string memory_fault(const Product &p, int device) {
  const bool reads = p.k != 0;
  const auto outside = [&](const Matrix &matrix, int rows, int columns) {
    return !is_inside(matrix, rows, columns, p.batch, device);
  };
  if (reads && (p.a.op == CUBLAS_OP_N ? outside(p.a, p.m, p.k) : outside(p.a, p.k, p.m))) {
    return "matrix A of a product leaves the device's memory";
  }
  if (reads && (p.b.op == CUBLAS_OP_N ? outside(p.b, p.k, p.n) : outside(p.b, p.n, p.k))) {
    return "matrix B of a product leaves the device's memory";
  }
  return outside(p.c, p.m, p.n) ? "matrix C of a product leaves the device's memory" : "";
}

void run_product(const Product &p) {
  if (p.f64) {
    run<double>(p, scale<double>(p.alpha, p.alpha_at), scale<double>(p.beta, p.beta_at));
  } else {
    run<float>(p, scale<float>(p.alpha, p.alpha_at), scale<float>(p.beta, p.beta_at));
  }
}

}  // namespace rondo_emulator
