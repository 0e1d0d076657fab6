// Capture: work goes to the graph and runs at each replay; what a capture forbids fails and spoils it.
#include <cuda_runtime.h>

#include <cublas_v2.h>

#include <thread>

#include "control.h"
#include "stream.h"
#include "support/catch.h"

namespace {

struct Captured {
  cudaStream_t stream = nullptr, other = nullptr;
  int runs = 0;

  Captured() {
    REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    REQUIRE(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking) == cudaSuccess);
  }
  Captured(const Captured &) = delete;
  Captured &operator=(const Captured &) = delete;
  ~Captured() {
    cudaStreamDestroy(stream);
    cudaStreamDestroy(other);
    cudaGetLastError();
  }
  void begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) const {
    REQUIRE(cudaStreamBeginCapture(stream, mode) == cudaSuccess);
  }
  void work(cudaStream_t to) {
    CHECK(rondo_emulator::enqueue(to, [this] { ++runs; }) == cudaSuccess);
  }
  cudaStreamCaptureStatus status() const {
    cudaStreamCaptureStatus status{};
    CHECK(cudaStreamIsCapturing(stream, &status) == cudaSuccess);
    return status;
  }
};

}  // namespace

TEST_CASE("a graph runs what was captured, at every launch", "[graph]") {
  Captured test;
  test.begin();
  CHECK(test.status() == cudaStreamCaptureStatusActive);
  test.work(test.stream);
  test.work(test.stream);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamEndCapture(test.stream, &graph) == cudaSuccess);
  CHECK(test.status() == cudaStreamCaptureStatusNone);
  CHECK(cudaStreamSynchronize(test.stream) == cudaSuccess);
  CHECK(test.runs == 0);
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaGraphLaunch(exec, test.stream) == cudaSuccess);
  CHECK(cudaGraphLaunch(exec, test.other) == cudaSuccess);
  CHECK(test.runs == 0);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(test.runs == 4);
  CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
  CHECK(rondo_emulator::live().graphs == 0);
}

TEST_CASE("what waits or takes memory is refused while a thread captures, and spoils the capture", "[graph]") {
  Captured test;
  test.begin();
  void *memory = nullptr;
  cublasHandle_t handle = nullptr;
  SECTION("memory") { CHECK(cudaMalloc(&memory, 16) == cudaErrorStreamCaptureUnsupported); }
  SECTION("the stream") { CHECK(cudaStreamSynchronize(test.stream) == cudaErrorStreamCaptureUnsupported); }
  SECTION("asking") { CHECK(cudaStreamQuery(test.stream) == cudaErrorStreamCaptureUnsupported); }
  SECTION("the device") { CHECK(cudaDeviceSynchronize() == cudaErrorStreamCaptureUnsupported); }
  SECTION("a handle of cuBLAS") { CHECK(cublasCreate(&handle) != CUBLAS_STATUS_SUCCESS); }
  SECTION("memory, in another thread") {
    std::thread([&] { CHECK(cudaMalloc(&memory, 16) == cudaErrorStreamCaptureUnsupported); }).join();
  }
  CHECK(test.status() == cudaStreamCaptureStatusInvalidated);
  CHECK(rondo_emulator::enqueue(test.stream, [] {}) == cudaErrorStreamCaptureInvalidated);
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamEndCapture(test.stream, &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(graph == nullptr);
  CHECK(test.status() == cudaStreamCaptureStatusNone);
}

TEST_CASE("modes of capture say whom it forbids", "[graph]") {
  Captured test;
  void *memory = nullptr;
  const auto take = [&] {
    const cudaError_t error = cudaMalloc(&memory, 16);
    return error != cudaSuccess ? error : cudaFree(memory);
  };
  SECTION("a thread's own leaves other threads alone") {
    test.begin(cudaStreamCaptureModeThreadLocal);
    cudaError_t own_mode = cudaSuccess;
    std::thread([&] {
      cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal;
      cudaThreadExchangeStreamCaptureMode(&mode);
      own_mode = take();
    }).join();
    CHECK(own_mode == cudaSuccess);
  }
  SECTION("a relaxed one forbids nothing") {
    test.begin(cudaStreamCaptureModeRelaxed);
    CHECK(take() == cudaSuccess);
  }
  SECTION("a relaxed thread may") {
    test.begin();
    cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    CHECK(cudaThreadExchangeStreamCaptureMode(&mode) == cudaSuccess);
    CHECK(mode == cudaStreamCaptureModeGlobal);
    CHECK(take() == cudaSuccess);
    CHECK(cudaThreadExchangeStreamCaptureMode(&mode) == cudaSuccess);
  }
  CHECK(test.status() == cudaStreamCaptureStatusActive);
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamEndCapture(test.stream, &graph) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
}

TEST_CASE("the default stream cannot take part", "[graph]") {
  CHECK(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal) == cudaErrorStreamCaptureUnsupported);
  cudaStream_t blocking = nullptr;
  REQUIRE(cudaStreamCreate(&blocking) == cudaSuccess);
  REQUIRE(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeRelaxed) == cudaSuccess);
  cudaStreamCaptureStatus status{};
  CHECK(cudaStreamIsCapturing(nullptr, &status) == cudaErrorStreamCaptureImplicit);
  CHECK(rondo_emulator::enqueue(nullptr, [] {}) == cudaErrorStreamCaptureImplicit);
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamEndCapture(blocking, &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamDestroy(blocking) == cudaSuccess);
  cudaGetLastError();
}

TEST_CASE("a captured event brings another stream into the capture", "[graph]") {
  Captured test;
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreate(&event) == cudaSuccess);
  test.begin();
  CHECK(cudaEventRecord(event, test.stream) == cudaSuccess);
  CHECK(cudaStreamWaitEvent(test.other, event) == cudaSuccess);
  CHECK(cudaEventSynchronize(event) == cudaErrorCapturedEvent);
  test.work(test.other);
  CHECK(cudaEventRecord(event, test.other) == cudaSuccess);
  CHECK(cudaStreamWaitEvent(test.stream, event) == cudaSuccess);
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamEndCapture(test.other, &graph) == cudaErrorStreamCaptureUnmatched);
  CHECK(cudaStreamEndCapture(test.stream, &graph) == cudaSuccess);
  CHECK(cudaStreamSynchronize(test.other) == cudaSuccess);
  CHECK(test.runs == 0);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaEventDestroy(event) == cudaSuccess);
}
