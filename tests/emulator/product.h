// The cuBLAS stand-in's arithmetic: C = alpha op(A) op(B) + beta C by columns, over the element types that it takes.
// C is not read where beta is 0, and its rows and columns beyond m and n are not touched.
#pragma once

#include <cublas_v2.h>

#include <string>

namespace rondo_emulator {

struct Matrix {
  const void *data;
  cudaDataType type;
  int ld;
  long long stride;
  cublasOperation_t op;
};

struct Product {
  int m, n, k, batch;
  Matrix a, b, c;  // c's data is written
  bool f64;
  bool tf32;  // factors are rounded to 10 bits of mantissa
  // Of the compute type; read from device memory when the product runs, where alpha_at is not NULL.
  double alpha, beta;
  const void *alpha_at, *beta_at;
};

size_t size_of(cudaDataType type);
bool is_supported(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute);
// What of the product lies outside the device's memory, empty where all is inside.
std::string memory_fault(const Product &product, int device);
void run_product(const Product &product);

}  // namespace rondo_emulator
