// What every plan on a GPU refuses before its back end launches anything, and rondo.h's device calls.
#include <memory>

#include "backend/cuda/error.h"
#include "backend/cuda/executor.h"
#include "backend/cuda/proof.h"
#include "core/parameters.h"
#include "device_values.h"

namespace {

using rondo::BackwardCall;
using rondo::ForwardCall;
using rondo::MemoryNeeds;
using rondo::Problem;
using rondo::Spec;
using rondo::Status;
using rondo::kernels::cuda::Target;
using rondo_test::DeviceValues;
using rondo_test::failed;

constexpr int64_t block = 256;

Spec small_spec() {
  Spec spec;
  spec.input_size = 2;
  spec.hidden_size = 2;
  spec.consume_reserve = 1;
  return spec;
}

// Counts what reaches a back end.
class CountingExecutor final : public rondo::cuda::CudaExecutor {
 public:
  static std::unique_ptr<CountingExecutor> make(uint64_t format = 1) {
    rondo::cuda::Device device{};
    REQUIRE(current_device(&device).ok());
    return std::make_unique<CountingExecutor>(device, format);
  }
  CountingExecutor(const rondo::cuda::Device &device, uint64_t format)
      : CudaExecutor(small_spec(), {true, RONDO_SEQUENCE_LENGTHS, 8, 8, 64, false}, device), format_(format) {}

  MemoryNeeds needs() const override { return {block, block, block}; }
  uint64_t packed_format() const override { return format_; }
  std::string description() const override { return "counts\n"; }
  mutable int runs = 0;

 protected:
  Status run_pack(const void *const *, void *, const Target &target) const override { return run(target); }
  Status run_forward(const ForwardCall &, const Target &target) const override { return run(target); }
  Status run_backward(const BackwardCall &, const Target &target) const override { return run(target); }

 private:
  Status run(const Target &target) const {
    CHECK(target.overlaps == device().overlaps);
    ++runs;
    return {};
  }
  uint64_t format_;
};

// One training step's arrays, all in one block of device memory: nothing here computes.
struct Step {
  DeviceValues<char> memory{std::vector<char>(4 * block)};
  std::vector<int64_t> lengths{3, 1};
  std::vector<const void *> params =
      std::vector<const void *>(static_cast<size_t>(rondo::param_count(small_spec())), memory.data());
  std::vector<void *> dparams = std::vector<void *>(params.size(), memory.data());
  char *reserve = memory.data() + 2 * block;

  ForwardCall forward() {
    ForwardCall call{};
    call.batch.sequence = RONDO_SEQUENCE_LENGTHS;
    call.batch.T = 3;
    call.batch.N = 2;
    call.batch.S = 4;
    call.batch.lengths = lengths.data();
    call.args.x = call.args.h0 = memory.data();
    call.args.params = params.data();
    call.args.y = memory.data();
    call.args.workspace = memory.data();
    call.args.reserve = reserve;
    return call;
  }
  BackwardCall backward() {
    BackwardCall call{};
    call.batch = forward().batch;
    call.args.x = call.args.y = call.args.dy = memory.data();
    call.args.params = params.data();
    call.args.dparams = dparams.data();
    call.args.workspace = memory.data();
    call.args.reserve = reserve;
    return call;
  }
};

TEST_CASE("host pointers are refused by name", "[host_layer]") {
  const auto plan = CountingExecutor::make();
  Step step;
  char host[block];
  ForwardCall forward = step.forward();
  REQUIRE(plan->forward(forward).ok());
  const char *expected = ", expected device memory (cudaMalloc or rondo_device_alloc): the plan runs on cuda";
  const auto refused = [&](const char *name) {
    CHECK(failed(plan->forward(forward), RONDO_ERROR_INVALID_ARGUMENT, std::string(name) + " is 0x"));
    CHECK(failed(plan->forward(forward), RONDO_ERROR_INVALID_ARGUMENT, expected));
    forward = step.forward();
  };
  forward.args.x = host;
  refused("x");
  forward.args.hn = host;
  refused("hn");
  forward.args.seed_ptr = reinterpret_cast<const uint64_t *>(host);
  refused("seed_ptr");
  forward.args.workspace = host;
  refused("workspace");
  forward.args.reserve = host;
  refused("reserve");
  forward.args.packed_params = host;
  refused("packed_params");
  step.params[3] = host;
  refused("params[3]");
  CHECK(plan->runs == 1);
  CHECK(cudaGetLastError() == cudaSuccess);

  step.params[3] = step.memory.data();
  BackwardCall backward = step.backward();
  step.dparams[1] = host;
  CHECK(failed(plan->backward(backward), RONDO_ERROR_INVALID_ARGUMENT, "dparams[1] is 0x"));
  step.dparams[1] = nullptr;
  backward.args.dx = host;
  CHECK(failed(plan->backward(backward), RONDO_ERROR_INVALID_ARGUMENT, "dx is 0x"));
  CHECK(failed(plan->pack(step.params.data(), host), RONDO_ERROR_INVALID_ARGUMENT, "packed is 0x"));
}

TEST_CASE("an array without elements may lie anywhere", "[host_layer]") {
  const auto plan = CountingExecutor::make();
  Step step;
  char host[block];
  ForwardCall forward = step.forward();
  forward.batch.T = 0;
  forward.args.x = host;
  CHECK(plan->forward(forward).ok());
  forward.args.h0 = host;
  CHECK(failed(plan->forward(forward), RONDO_ERROR_INVALID_ARGUMENT, "h0"));
  forward.batch.N = 0;
  CHECK(plan->forward(forward).ok());
}

TEST_CASE("a plan belongs to its device", "[host_layer]") {
  int devices = 0;
  REQUIRE(cudaGetDeviceCount(&devices) == cudaSuccess);
  if (devices < 2) {
    return;
  }
  const auto plan = CountingExecutor::make();
  Step step;
  ForwardCall forward = step.forward();
  REQUIRE(cudaSetDevice(1) == cudaSuccess);
  {
    const DeviceValues<char> elsewhere{std::vector<char>(block)};
    CHECK(failed(plan->forward(forward), RONDO_ERROR_DEVICE,
                 "the current CUDA device is 1, expected 0, on which the plan was made"));
    forward.args.x = elsewhere.data();
    REQUIRE(cudaSetDevice(0) == cudaSuccess);
    CHECK(failed(plan->forward(forward), RONDO_ERROR_INVALID_ARGUMENT,
                 "memory of device 1, expected memory of device 0"));
    REQUIRE(cudaSetDevice(1) == cudaSuccess);
  }
  REQUIRE(cudaSetDevice(0) == cudaSuccess);
}

TEST_CASE("a reserve serves the plan and call that wrote it", "[host_layer]") {
  const auto plan = CountingExecutor::make();
  auto other = CountingExecutor::make();
  Step step;
  BackwardCall backward = step.backward();
  const auto refused = [&](const char *text) { return failed(plan->backward(backward), RONDO_ERROR_STATE, text); };

  REQUIRE(plan->forward(step.forward()).ok());
  SECTION("not another's") {
    REQUIRE(other->forward(step.forward()).ok());
    CHECK(refused("reserve was written by another plan, expected this plan's"));
    // What a plan that is gone wrote is as unknown as a copy.
    other.reset();
    CHECK(plan->backward(backward).ok());
  }
  SECTION("nor another call's") {
    backward.batch.T = 4;
    CHECK(refused("T is 4, but forward's was 3"));
    backward = step.backward();
    backward.batch.N = 1;
    CHECK(refused("N is 1, but forward's was 2"));
    backward = step.backward();
    const std::vector<int64_t> swapped{1, 3};
    backward.batch.lengths = swapped.data();
    CHECK(refused("lengths are not those that forward had"));
  }
  SECTION("once, where backward may use it up") {
    CHECK(plan->backward(backward).ok());
    CHECK(refused("reserve was used up by an earlier backward"));
    REQUIRE(plan->forward(step.forward()).ok());
    CHECK(plan->backward(backward).ok());
  }
  SECTION("as often as a graph replays it") {
    cudaStream_t stream = nullptr;
    cudaGraph_t graph = nullptr;
    REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    backward.args.stream = stream;
    CHECK(plan->backward(backward).ok());
    CHECK(plan->backward(backward).ok());
    REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    REQUIRE(cudaGraphDestroy(graph) == cudaSuccess);
    REQUIRE(cudaStreamDestroy(stream) == cudaSuccess);
  }
  SECTION("a copy is not doubted") {
    REQUIRE(other->forward(step.forward()).ok());
    REQUIRE(rondo::cuda::device_calls().copy(step.reserve, step.memory.data(), block, nullptr).ok());
    CHECK(plan->backward(backward).ok());
  }
  SECTION("nor what another reserve lay over") {
    REQUIRE(other->forward(step.forward()).ok());
    ForwardCall before = step.forward();
    before.args.reserve = step.reserve - 64;
    REQUIRE(plan->forward(before).ok());
    CHECK(plan->backward(backward).ok());
  }
}

TEST_CASE("packed parameters of another format are refused", "[host_layer]") {
  const auto plan = CountingExecutor::make(1);
  const auto same = CountingExecutor::make(1);
  const auto other = CountingExecutor::make(2);
  Step step;
  ForwardCall forward = step.forward();
  forward.args.packed_params = step.memory.data() + block;
  forward.args.params = nullptr;
  CHECK(plan->forward(forward).ok());
  REQUIRE(plan->pack(step.params.data(), step.memory.data() + block).ok());
  CHECK(same->forward(forward).ok());
  CHECK(failed(other->forward(forward), RONDO_ERROR_STATE, "packed_params are not parameters packed in this plan's"));
}

TEST_CASE("device calls", "[host_layer]") {
  const rondo::DeviceCalls &calls = rondo::cuda::device_calls();
  void *memory = nullptr;
  REQUIRE(calls.alloc(0, &memory).ok());
  CHECK(memory != nullptr);
  CHECK(calls.free(memory).ok());
  CHECK(calls.free(nullptr).ok());
  CHECK(calls.stream_destroy(nullptr).ok());
  CHECK(failed(calls.alloc(-1, &memory), RONDO_ERROR_INVALID_ARGUMENT, "bytes is -1, expected 0 or more"));
  CHECK(failed(calls.copy(memory, memory, -1, nullptr), RONDO_ERROR_INVALID_ARGUMENT, "bytes is -1"));
  CHECK(failed(calls.copy(nullptr, memory, 1, nullptr), RONDO_ERROR_INVALID_ARGUMENT, "to is NULL"));
  CHECK(calls.copy(nullptr, nullptr, 0, nullptr).ok());

  int64_t free_bytes = 0;
  int64_t total_bytes = 0;
  REQUIRE(calls.memory(&free_bytes, &total_bytes).ok());
  CHECK(free_bytes > 0);
  CHECK(total_bytes >= free_bytes);
  CHECK(failed(calls.alloc(total_bytes + 1, &memory), RONDO_ERROR_OUT_OF_MEMORY,
               "bytes is " + std::to_string(total_bytes + 1)));

  void *stream = nullptr;
  REQUIRE(calls.stream_create(&stream).ok());
  const DeviceValues<int32_t> from({4, 5, 6});
  const DeviceValues<int32_t> to({0, 0, 0});
  REQUIRE(calls.copy(to.data(), from.data(), 12, stream).ok());
  REQUIRE(calls.stream_synchronize(stream).ok());
  CHECK(to.values() == std::vector<int32_t>{4, 5, 6});
  CHECK(calls.stream_destroy(stream).ok());
}

TEST_CASE("the text of a failure names the function", "[host_layer]") {
  CHECK(failed(rondo::cuda::cuda_failure("kernels::cuda::launch_upload(target, 1)", cudaErrorInvalidValue),
               RONDO_ERROR_DEVICE, ": launch_upload failed: "));
  CHECK(failed(rondo::cuda::cuda_failure("cudaMalloc(&memory, 1)", cudaErrorMemoryAllocation),
               RONDO_ERROR_OUT_OF_MEMORY, "(cudaErrorMemoryAllocation)"));
}

TEST_CASE("devices are told of in words", "[host_layer]") {
  CHECK(rondo::cuda::device_fault().empty());
  rondo::cuda::Device device{};
  REQUIRE(current_device(&device).ok());
  CHECK(rondo::cuda::devices_text().find(device.name + " (sm_") != std::string::npos);
  CHECK(rondo::cuda::unsupported_device().empty());
  bool capturing = true;
  REQUIRE(rondo::cuda::is_capturing(nullptr, &capturing).ok());
  CHECK_FALSE(capturing);
}

TEST_CASE("what no result file names is not proven", "[host_layer]") {
  CHECK(rondo::cuda::unproven_variant("no such", 90) ==
        "no result file of GPU tests proves no such kernels on compute capability 9.0");
}

}  // namespace
