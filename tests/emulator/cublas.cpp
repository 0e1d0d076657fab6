// cuBLAS's entry points over the emulated streams: arguments are checked as documented when a product is asked for, and
// misuse that the real library would not notice is a fault.
#include <cublas_v2.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "product.h"
#include "runtime.h"
#include "stream.h"

struct cublasContext {
  int device = 0;
  cudaStream_t stream = nullptr;
  bool has_workspace = false;  // set since the last cublasSetStream
  char *workspace = nullptr;
  size_t workspace_bytes = 0;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
  std::atomic<bool> busy{false};
};

using rondo_emulator::Matrix;
using rondo_emulator::Product;
using rondo_emulator::report_fault;

namespace {

cublasStatus_t fault(const char *text) {
  report_fault(text);
  return CUBLAS_STATUS_INTERNAL_ERROR;
}

// Runs body with the handle to itself. Two threads in one handle are told apart only where they meet.
template <class Body>
cublasStatus_t with(cublasHandle_t handle, Body &&body) {
  if (handle == nullptr) {
    return CUBLAS_STATUS_NOT_INITIALIZED;
  }
  if (handle->busy.exchange(true)) {
    return fault("a cuBLAS handle is used by two threads at once");
  }
  const cublasStatus_t status = body(*handle);
  handle->busy.store(false);
  return status;
}

bool valid(cublasOperation_t op) { return op == CUBLAS_OP_N || op == CUBLAS_OP_T || op == CUBLAS_OP_C; }

// As the library's reference has it for the sizes and leading dimensions.
bool valid(const Product &p) {
  const int a_rows = p.a.op == CUBLAS_OP_N ? p.m : p.k;
  const int b_rows = p.b.op == CUBLAS_OP_N ? p.k : p.n;
  return p.m >= 0 && p.n >= 0 && p.k >= 0 && p.batch >= 0 && valid(p.a.op) && valid(p.b.op) &&
         p.a.ld >= std::max(1, a_rows) && p.b.ld >= std::max(1, b_rows) && p.c.ld >= std::max(1, p.m);
}

bool aligned(const Matrix &matrix) {
  return reinterpret_cast<uintptr_t>(matrix.data) % rondo_emulator::size_of(matrix.type) == 0;
}

double value_at(const void *pointer, bool f64) {
  return f64 ? *static_cast<const double *>(pointer) : *static_cast<const float *>(pointer);
}

// What the real library may leave in a workspace: anything. Its ends tell whether it is alive and nobody else's.
void spoil(char *workspace, size_t bytes) {
  const size_t part = std::min<size_t>(bytes, 4096);
  if (part != 0) {
    std::memset(workspace, 0xff, part);
    std::memset(workspace + bytes - part, 0xff, part);
  }
}

cublasStatus_t enqueue_product(const cublasContext &handle, const Product &product) {
  const auto work = [product, device = handle.device, workspace = handle.workspace, bytes = handle.workspace_bytes] {
    if (const std::string outside = rondo_emulator::memory_fault(product, device); !outside.empty()) {
      report_fault(outside);
      return;
    }
    spoil(workspace, bytes);
    rondo_emulator::run_product(product);
  };
  return rondo_emulator::enqueue(handle.stream, work, "product") == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                                : CUBLAS_STATUS_EXECUTION_FAILED;
}

cublasStatus_t multiply(const cublasContext &handle, Product product, const void *alpha, const void *beta,
                        cublasComputeType_t compute) {
  if (!valid(product) || alpha == nullptr || beta == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (!rondo_emulator::is_supported(product.a.type, product.b.type, product.c.type, compute)) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  if (!handle.has_workspace) {
    return fault("a cuBLAS product after cublasSetStream without cublasSetWorkspace");
  }
  if (rondo_emulator::mine().device != handle.device) {
    return fault("a cuBLAS handle of another device than the current one");
  }
  if (product.m == 0 || product.n == 0 || product.batch == 0) {
    return CUBLAS_STATUS_SUCCESS;
  }
  if (!aligned(product.a) || !aligned(product.b) || !aligned(product.c)) {
    return fault("a matrix of a cuBLAS product is not aligned to its element");
  }
  product.f64 = product.a.type == CUDA_R_64F;
  product.tf32 = compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                 (compute == CUBLAS_COMPUTE_32F && handle.math == CUBLAS_TF32_TENSOR_OP_MATH);
  product.tf32 = product.tf32 && product.a.type == CUDA_R_32F;
  if (handle.pointers == CUBLAS_POINTER_MODE_HOST) {
    product.alpha = value_at(alpha, product.f64);
    product.beta = value_at(beta, product.f64);
  } else {
    product.alpha_at = alpha;
    product.beta_at = beta;
  }
  return enqueue_product(handle, product);
}

struct StatusText {
  cublasStatus_t status;
  const char *name, *text;
};

#define RONDO_STATUS(name, text) \
  { name, #name, text }
constexpr StatusText kStatuses[] = {
    RONDO_STATUS(CUBLAS_STATUS_SUCCESS, "success"),
    RONDO_STATUS(CUBLAS_STATUS_NOT_INITIALIZED, "the library was not initialized"),
    RONDO_STATUS(CUBLAS_STATUS_ALLOC_FAILED, "the resource allocation failed"),
    RONDO_STATUS(CUBLAS_STATUS_INVALID_VALUE, "an unsupported value or parameter was passed to the function"),
    RONDO_STATUS(CUBLAS_STATUS_ARCH_MISMATCH, "the device lacks a feature the function needs"),
    RONDO_STATUS(CUBLAS_STATUS_MAPPING_ERROR, "an access to GPU memory space failed"),
    RONDO_STATUS(CUBLAS_STATUS_EXECUTION_FAILED, "the GPU program failed to execute"),
    RONDO_STATUS(CUBLAS_STATUS_INTERNAL_ERROR, "an internal operation failed"),
    RONDO_STATUS(CUBLAS_STATUS_NOT_SUPPORTED, "the functionality requested is not supported"),
    RONDO_STATUS(CUBLAS_STATUS_LICENSE_ERROR, "a licence was not found"),
};
#undef RONDO_STATUS

const StatusText *find_status(cublasStatus_t status) {
  for (const StatusText &entry : kStatuses) {
    if (entry.status == status) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace

extern "C" {

const char *cublasGetStatusName(cublasStatus_t status) {
  const StatusText *entry = find_status(status);
  return entry != nullptr ? entry->name : "CUBLAS_STATUS_UNKNOWN";
}

const char *cublasGetStatusString(cublasStatus_t status) {
  // The fault's own text, which the library has no other way to show.
  if (status != CUBLAS_STATUS_SUCCESS && rondo_emulator::faulty()) {
    return rondo_emulator::fault_text();
  }
  const StatusText *entry = find_status(status);
  return entry != nullptr ? entry->text : "unknown status";
}

// Takes device memory, as the real one does, and so fails where that is not allowed.
cublasStatus_t cublasCreate(cublasHandle_t *handle) {
  if (handle == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const cudaError_t error = rondo_emulator::call(
      [](rondo_emulator::State &all) { return all.streams.allow_unsafe(rondo_emulator::mine().mode); });
  if (error != cudaSuccess) {
    return error == cudaErrorStreamCaptureUnsupported ? CUBLAS_STATUS_ALLOC_FAILED : CUBLAS_STATUS_NOT_INITIALIZED;
  }
  *handle = new cublasContext;
  (*handle)->device = rondo_emulator::mine().device;
  const std::lock_guard<std::recursive_mutex> lock(rondo_emulator::state().mutex);
  ++rondo_emulator::state().handles;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  if (handle == nullptr) {
    return CUBLAS_STATUS_NOT_INITIALIZED;
  }
  delete handle;
  const std::lock_guard<std::recursive_mutex> lock(rondo_emulator::state().mutex);
  --rondo_emulator::state().handles;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetVersion(cublasHandle_t, int *version) {
  return rondo_emulator::give(version, CUBLAS_VERSION) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                      : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int *value) {
  const int parts[] = {CUBLAS_VER_MAJOR, CUBLAS_VER_MINOR, CUBLAS_VER_PATCH};
  if (type < MAJOR_VERSION || type > PATCH_LEVEL || value == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  *value = parts[type];
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return with(handle, [&](cublasContext &self) {
    const int device = stream == nullptr ? self.device : rondo_emulator::device_of(stream);
    if (device != self.device) {
      return fault("a cuBLAS handle is given a stream that is not one of its device");
    }
    self.stream = stream;
    self.has_workspace = false;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void *workspace, size_t bytes) {
  return with(handle, [&](cublasContext &self) {
    if (reinterpret_cast<uintptr_t>(workspace) % 256 != 0 || (workspace == nullptr && bytes != 0)) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (bytes != 0 && !rondo_emulator::is_device_memory(workspace, bytes, self.device)) {
      return fault("a cuBLAS workspace is not memory of the handle's device");
    }
    self.workspace = static_cast<char *>(workspace);
    self.workspace_bytes = bytes;
    self.has_workspace = true;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  return with(handle, [&](cublasContext &self) {
    self.math = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t handle, cublasPointerMode_t mode) {
  return with(handle, [&](cublasContext &self) {
    self.pointers = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void *alpha, const void *A, cudaDataType Atype, int lda, const void *B,
                            cudaDataType Btype, int ldb, const void *beta, void *C, cudaDataType Ctype, int ldc,
                            cublasComputeType_t computeType, cublasGemmAlgo_t algo) {
  return cublasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, A, Atype, lda, 0, B, Btype, ldb, 0, beta, C,
                                    Ctype, ldc, 0, 1, computeType, algo);
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                                          int m, int n, int k, const void *alpha, const void *A, cudaDataType Atype,
                                          int lda, long long strideA, const void *B, cudaDataType Btype, int ldb,
                                          long long strideB, const void *beta, void *C, cudaDataType Ctype, int ldc,
                                          long long strideC, int batchCount, cublasComputeType_t computeType,
                                          cublasGemmAlgo_t) {
  return with(handle, [&](cublasContext &self) {
    const Product product{m,
                          n,
                          k,
                          batchCount,
                          {A, Atype, lda, strideA, transa},
                          {B, Btype, ldb, strideB, transb},
                          {C, Ctype, ldc, strideC, CUBLAS_OP_N},
                          false,
                          false,
                          0,
                          0,
                          nullptr,
                          nullptr};
    return multiply(self, product, alpha, beta, computeType);
  });
}

}  // extern "C"
