// Products: row-major matrix products on a call's stream, by cuBLAS. A handle belongs to a context and a device, and is
// locked for as long as a call enqueues, because stream and workspace are set on it.
#pragma once

#include <cublas_v2.h>

#include "backend/cuda/handles.h"
#include "backend/fused/facts.h"
#include "core/context.h"

namespace rondo::fused {

Status cublas_failure(const char *call, cublasStatus_t status);
// As "13.1".
std::string cublas_version();

class Handle {
 public:
  // On the current device, whose index is given.
  static Status create(int device, std::shared_ptr<Handle> *handle);
  ~Handle();
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;

 private:
  friend class Products;
  explicit Handle(int device) : device_(device) {}

  std::mutex mutex_;
  cublasHandle_t cublas_ = nullptr;
  const int device_;
};

using Handles = cuda::Handles<Handle>;

// Rows of `row` elements of storage; `transposed`: memory holds the transpose of the operand.
struct Operand {
  const void *data;
  int64_t row;
  bool transposed = false;
};

// to [M,N] = a [M,K] b [K,N], added to what it holds with `add`. to is of the type of arithmetic. K is 1 or more.
struct Product {
  int64_t M, N, K;
  Operand a, b;
  void *to;
  int64_t to_row;
  bool add;
};

class Products {
 public:
  // Keeps the handle to itself until it is destroyed.
  Products(Handle &handle, const Facts &facts) : lock_(handle.mutex_), cublas_(handle.cublas_), facts_(facts) {}
  // workspace: facts.cublas_bytes() at a multiple of 256 bytes.
  Status begin(cudaStream_t stream, void *workspace) const;

  Status run(const Product &product) const;
  // One step's product in each direction, which differ in their places and M only. As one where M is equal: a, b and
  // to of the second then lie in the same blocks of memory as the first's, and not before them.
  Status run_step(const Product (&products)[2], int64_t directions) const;

 private:
  const void *scalar(bool one) const;

  std::lock_guard<std::mutex> lock_;
  cublasHandle_t cublas_;
  const Facts &facts_;
};

}  // namespace rondo::fused

#define RONDO_CUBLAS(call)                                                         \
  do {                                                                             \
    if (const cublasStatus_t status_ = (call); status_ != CUBLAS_STATUS_SUCCESS) { \
      return ::rondo::fused::cublas_failure(#call, status_);                       \
    }                                                                              \
  } while (false)
