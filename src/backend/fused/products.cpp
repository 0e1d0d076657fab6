// cuBLAS is column-major: what it takes for a matrix is the transpose of ours. to = a b becomes to^T = b^T a^T, so the
// operands change places and each keeps its own "transposed"; only Products::run and run_step know.
#include "backend/fused/products.h"

#include "backend/cuda/error.h"

namespace rondo::fused {
namespace {

cudaDataType_t data_type(kernels::Storage storage) {
  switch (storage) {
    case kernels::Storage::f64:
      return CUDA_R_64F;
    case kernels::Storage::f16:
      return CUDA_R_16F;
    case kernels::Storage::bf16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

cublasComputeType_t compute_type(const Facts &facts) {
  if (facts.storage == kernels::Storage::f64) {
    return CUBLAS_COMPUTE_64F;
  }
  return facts.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

// Products of 16-bit operands accumulate in f32 from end to end, split sums included.
cublasMath_t math_mode(const Facts &facts) {
  const bool narrow = facts.storage == kernels::Storage::f16 || facts.storage == kernels::Storage::bf16;
  return narrow ? static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)
                : CUBLAS_DEFAULT_MATH;
}

cublasOperation_t operation(const Operand &operand) { return operand.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; }

// Sizes of a plan that fit; product_refusal looked at them.
int narrowed(int64_t size) { return static_cast<int>(size); }

int64_t elements_between(const void *first, const void *second, kernels::Storage storage) {
  return (static_cast<const char *>(second) - static_cast<const char *>(first)) / storage_bytes(storage);
}

}  // namespace

Status cublas_failure(const char *call, cublasStatus_t status) {
  const auto code = status == CUBLAS_STATUS_ALLOC_FAILED ? RONDO_ERROR_OUT_OF_MEMORY : RONDO_ERROR_DEVICE;
  return fail(code, "%.*s failed: %s", static_cast<int>(std::string_view(call).find('(')), call,
              cublasGetStatusString(status));
}

std::string cublas_version() {
  int major = 0;
  int minor = 0;
  if (cublasGetProperty(MAJOR_VERSION, &major) != CUBLAS_STATUS_SUCCESS ||
      cublasGetProperty(MINOR_VERSION, &minor) != CUBLAS_STATUS_SUCCESS) {
    return "of unknown version";
  }
  return std::to_string(major) + "." + std::to_string(minor);
}

Status Handle::create(int device, std::shared_ptr<Handle> *handle) {
  std::shared_ptr<Handle> made(new Handle(device));
  RONDO_CUBLAS(cublasCreate(&made->cublas_));
  *handle = std::move(made);
  return {};
}

// In whatever thread lets go of the last plan, so on whatever device that has; nobody is left to hear of a failure. At
// the end of a process the runtime may be gone, and the handle's memory with it.
Handle::~Handle() {
  int current = 0;
  if (cublas_ == nullptr || cudaGetDevice(&current) != cudaSuccess) {
    return;
  }
  static_cast<void>(cudaSetDevice(device_));
  static_cast<void>(cublasDestroy(cublas_));
  static_cast<void>(cudaSetDevice(current));
}

Status Products::begin(cudaStream_t stream, void *workspace) const {
  RONDO_CUBLAS(cublasSetStream(cublas_, stream));
  RONDO_CUBLAS(cublasSetWorkspace(cublas_, workspace, static_cast<size_t>(facts_.cublas_bytes())));
  RONDO_CUBLAS(cublasSetMathMode(cublas_, math_mode(facts_)));
  return {};
}

const void *Products::scalar(bool one) const {
  static constexpr float f32[] = {0, 1};
  static constexpr double f64[] = {0, 1};
  return facts_.arithmetic == kernels::Storage::f64 ? static_cast<const void *>(&f64[one ? 1 : 0]) : &f32[one ? 1 : 0];
}

Status Products::run(const Product &p) const {
  if (p.M == 0) {
    return {};
  }
  const cudaDataType_t type = data_type(facts_.storage);
  RONDO_CUBLAS(cublasGemmEx(cublas_, operation(p.b), operation(p.a), narrowed(p.N), narrowed(p.M), narrowed(p.K),
                            scalar(true), p.b.data, type, narrowed(p.b.row), p.a.data, type, narrowed(p.a.row),
                            scalar(p.add), p.to, data_type(facts_.arithmetic), narrowed(p.to_row), compute_type(facts_),
                            CUBLAS_GEMM_DEFAULT));
  return {};
}

Status Products::run_step(const Product (&products)[2], int64_t directions) const {
  const Product &p = products[0];
  const Product &q = products[1];
  if (directions == 1 || p.M != q.M) {
    RONDO_TRY(run(p));
    return directions == 1 ? Status() : run(q);
  }
  if (p.M == 0) {
    return {};
  }
  const cudaDataType_t type = data_type(facts_.storage);
  RONDO_CUBLAS(cublasGemmStridedBatchedEx(
      cublas_, operation(p.b), operation(p.a), narrowed(p.N), narrowed(p.M), narrowed(p.K), scalar(true), p.b.data,
      type, narrowed(p.b.row), elements_between(p.b.data, q.b.data, facts_.storage), p.a.data, type, narrowed(p.a.row),
      elements_between(p.a.data, q.a.data, facts_.storage), scalar(p.add), p.to, data_type(facts_.arithmetic),
      narrowed(p.to_row), elements_between(p.to, q.to, facts_.arithmetic), 2, compute_type(facts_),
      CUBLAS_GEMM_DEFAULT));
  return {};
}

}  // namespace rondo::fused
