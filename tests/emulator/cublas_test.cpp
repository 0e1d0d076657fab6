// cuBLAS's stand-in against a plain product, and what it refuses. The plain product works in double on values that the
// element types hold exactly, so that nothing depends on the order of sums.
#include <cublas_v2.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "control.h"
#include "kernels/cell/half.h"
#include "support/catch.h"

namespace {

size_t bytes_of(cudaDataType type) { return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2; }

std::vector<char> encoded(const std::vector<double> &values, cudaDataType type) {
  std::vector<char> bytes(values.size() * bytes_of(type));
  for (size_t k = 0; k < values.size(); ++k) {
    const auto single = static_cast<float>(values[k]);
    const auto f16 = rondo::kernels::to_f16(single);
    const auto bf16 = rondo::kernels::to_bf16(single);
    const void *from = type == CUDA_R_64F   ? static_cast<const void *>(&values[k])
                       : type == CUDA_R_32F ? static_cast<const void *>(&single)
                       : type == CUDA_R_16F ? static_cast<const void *>(&f16)
                                            : static_cast<const void *>(&bf16);
    std::memcpy(bytes.data() + k * bytes_of(type), from, bytes_of(type));
  }
  return bytes;
}

struct Array {
  void *data = nullptr;
  std::vector<double> values;
  cudaDataType type;
  Array(std::vector<double> host, cudaDataType of) : values(std::move(host)), type(of) {
    const std::vector<char> bytes = encoded(values, type);
    REQUIRE(cudaMalloc(&data, bytes.size()) == cudaSuccess);
    REQUIRE(cudaMemcpy(data, bytes.data(), bytes.size(), cudaMemcpyHostToDevice) == cudaSuccess);
  }
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array() { cudaFree(data); }
  std::vector<char> now() const {
    std::vector<char> bytes(values.size() * bytes_of(type));
    REQUIRE(cudaMemcpy(bytes.data(), data, bytes.size(), cudaMemcpyDeviceToHost) == cudaSuccess);
    return bytes;
  }
};

std::vector<double> small_numbers(size_t count, int seed) {
  std::vector<double> values(count);
  for (size_t k = 0; k < count; ++k) {
    values[k] = static_cast<double>((k * 7 + static_cast<size_t>(seed) * 5) % 13) / 4 - 1.5;
  }
  return values;
}

struct Handle {
  cublasHandle_t handle = nullptr;
  void *workspace = nullptr;
  Handle() {
    REQUIRE(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cudaMalloc(&workspace, 1 << 16) == cudaSuccess);
    REQUIRE(cublasSetStream(handle, nullptr) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasSetWorkspace(handle, workspace, 1 << 16) == CUBLAS_STATUS_SUCCESS);
  }
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  ~Handle() {
    cublasDestroy(handle);
    cudaFree(workspace);
  }
};

struct Types {
  cudaDataType in, out;
  cublasComputeType_t compute;
};

constexpr int kM = 5, kN = 4, kK = 3, kBatch = 3;
constexpr int kLdA = 7, kLdB = 6, kLdC = 8;
constexpr long long kStrideA = 60, kStrideB = 50, kStrideC = 40;

// C before the product where it must not be touched.
std::vector<double> expected(const Array &a, const Array &b, const Array &c, bool ta, bool tb, double alpha,
                             double beta) {
  std::vector<double> result = c.values;
  for (int batch = 0; batch < kBatch; ++batch) {
    for (int j = 0; j < kN; ++j) {
      for (int i = 0; i < kM; ++i) {
        double sum = 0;
        for (int k = 0; k < kK; ++k) {
          const long long at_a = batch * kStrideA + (ta ? i * kLdA + k : k * kLdA + i);
          const long long at_b = batch * kStrideB + (tb ? k * kLdB + j : j * kLdB + k);
          sum += a.values[static_cast<size_t>(at_a)] * b.values[static_cast<size_t>(at_b)];
        }
        double &to = result[static_cast<size_t>(batch * kStrideC + j * kLdC + i)];
        to = alpha * sum + (beta == 0 ? 0 : beta * to);
      }
    }
  }
  return result;
}

void scales(bool f64, double alpha, double beta, double (&d)[2], float (&f)[2], const void *(&at)[2]) {
  d[0] = alpha, d[1] = beta;
  f[0] = static_cast<float>(alpha), f[1] = static_cast<float>(beta);
  for (int k = 0; k < 2; ++k) {
    at[k] = f64 ? static_cast<const void *>(&d[k]) : static_cast<const void *>(&f[k]);
  }
}

cublasStatus_t plain(cublasHandle_t handle, const Array &a, const Array &b, Array &c, int lda = kLdA,
                     const float *alpha = nullptr, int m = kM) {
  static const float one = 1;
  return cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, m, kN, kK, alpha != nullptr ? alpha : &one, a.data, a.type, lda,
                      b.data, b.type, kLdB, &one, c.data, c.type, kLdC, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

}  // namespace

TEST_CASE("products of all types and transposes are those of a plain loop", "[cublas]") {
  const Types types =
      GENERATE(Types{CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F}, Types{CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F},
               Types{CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32},
               Types{CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F}, Types{CUDA_R_16F, CUDA_R_16F, CUBLAS_COMPUTE_32F},
               Types{CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F}, Types{CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F});
  const Handle handle;
  const Array a(small_numbers(3 * kStrideA, 1), types.in);
  const Array b(small_numbers(3 * kStrideB, 2), types.in);
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const double beta : {0.0, 0.5}) {
        CAPTURE(types.in, types.out, types.compute, ta, tb, beta);
        Array c(small_numbers(3 * kStrideC, 3), types.out);
        double d[2];
        float f[2];
        const void *at[2];
        scales(types.in == CUDA_R_64F, 2, beta, d, f, at);
        REQUIRE(cublasGemmStridedBatchedEx(
                    handle.handle, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_C : CUBLAS_OP_N, kM, kN, kK, at[0],
                    a.data, a.type, kLdA, kStrideA, b.data, b.type, kLdB, kStrideB, at[1], c.data, c.type, kLdC,
                    kStrideC, kBatch, types.compute, CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
        d[0] = d[1] = 99;  // read at the call
        f[0] = f[1] = 99;
        CHECK(c.now() == encoded(expected(a, b, c, ta, tb, 2, beta), types.out));
      }
    }
  }
}

TEST_CASE("without beta C may hold anything, and k of 0 leaves only beta C", "[cublas]") {
  const Handle handle;
  const Array a(std::vector<double>(9, 1), CUDA_R_32F);
  const Array c(std::vector<double>(9, NAN), CUDA_R_32F);
  const float one = 1, zero = 0;
  const auto product = [&](int k, const float *beta) {
    return cublasGemmEx(handle.handle, CUBLAS_OP_N, CUBLAS_OP_N, 3, 3, k, &one, a.data, a.type, 3, a.data, a.type, 3,
                        beta, c.data, c.type, 3, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  };
  CHECK(product(3, &zero) == CUBLAS_STATUS_SUCCESS);
  CHECK(c.now() == encoded(std::vector<double>(9, 3), CUDA_R_32F));
  CHECK(product(0, &one) == CUBLAS_STATUS_SUCCESS);
  CHECK(c.now() == encoded(std::vector<double>(9, 3), CUDA_R_32F));
  CHECK(product(0, &zero) == CUBLAS_STATUS_SUCCESS);
  CHECK(c.now() == encoded(std::vector<double>(9, 0), CUDA_R_32F));
}

TEST_CASE("tf32 keeps ten bits of the factors", "[cublas]") {
  const Handle handle;
  const Array a({1.0 + 0x1p-10}, CUDA_R_32F);
  const Array fine({1.0 + 0x1p-12}, CUDA_R_32F);
  const Array c({0.0}, CUDA_R_32F);
  const float one = 1, zero = 0;
  const auto product = [&](cublasComputeType_t compute) {
    REQUIRE(cublasGemmEx(handle.handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a.data, a.type, 1, fine.data,
                         fine.type, 1, &zero, c.data, c.type, 1, compute,
                         CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
    return c.now();
  };
  const auto rounded = encoded({1.0 + 0x1p-10}, CUDA_R_32F);
  CHECK(product(CUBLAS_COMPUTE_32F_FAST_TF32) == rounded);
  CHECK(product(CUBLAS_COMPUTE_32F) != rounded);
  REQUIRE(cublasSetMathMode(handle.handle, CUBLAS_TF32_TENSOR_OP_MATH) == CUBLAS_STATUS_SUCCESS);
  CHECK(product(CUBLAS_COMPUTE_32F) == rounded);
}

TEST_CASE("wrong arguments are refused", "[cublas]") {
  const Handle handle;
  const Array a(small_numbers(kStrideA, 1), CUDA_R_32F);
  const Array b(small_numbers(kStrideB, 1), CUDA_R_32F);
  Array c(small_numbers(kStrideC, 1), CUDA_R_32F);
  Array wrong_type(small_numbers(kStrideC, 1), CUDA_R_16F);
  CHECK(plain(nullptr, a, b, c) == CUBLAS_STATUS_NOT_INITIALIZED);
  CHECK(plain(handle.handle, a, b, c, kM - 1) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(plain(handle.handle, a, b, c, kLdA, nullptr, -1) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(plain(handle.handle, a, b, wrong_type) == CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK(plain(handle.handle, a, b, c) == CUBLAS_STATUS_SUCCESS);
  CHECK(cublasSetWorkspace(handle.handle, static_cast<char *>(handle.workspace) + 8, 8) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

TEST_CASE("a product needs its workspace after each stream", "[cublas]") {
  const Handle handle;
  const Array a(small_numbers(kStrideA, 1), CUDA_R_32F);
  const Array b(small_numbers(kStrideB, 1), CUDA_R_32F);
  Array c(small_numbers(kStrideC, 1), CUDA_R_32F);
  CHECK(cublasSetStream(handle.handle, nullptr) == CUBLAS_STATUS_SUCCESS);
  CHECK(plain(handle.handle, a, b, c) == CUBLAS_STATUS_INTERNAL_ERROR);
  CHECK(rondo_emulator::faults().find("cublasSetWorkspace") != std::string::npos);
  rondo_emulator::forget_fault();
  CHECK(cublasSetWorkspace(handle.handle, handle.workspace, 1 << 16) == CUBLAS_STATUS_SUCCESS);
  CHECK(plain(handle.handle, a, b, c) == CUBLAS_STATUS_SUCCESS);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

TEST_CASE("a product that leaves device memory is a fault", "[cublas]") {
  const Handle handle;
  const Array a(small_numbers(kLdA * 2, 1), CUDA_R_32F);  // needs two columns and a part of the third
  const Array b(small_numbers(kStrideB, 1), CUDA_R_32F);
  Array c(small_numbers(kStrideC, 1), CUDA_R_32F);
  CHECK(plain(handle.handle, a, b, c) == CUBLAS_STATUS_SUCCESS);
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  CHECK(rondo_emulator::faults().find("matrix A") != std::string::npos);
  rondo_emulator::forget_fault();
}
