// The runtime's stand-in: nothing asynchronous happens before somebody waits, streams keep the order they promise and
// no other, and device memory is counted.
#include <cuda_runtime.h>

#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "control.h"
#include "stream.h"
#include "support/catch.h"

namespace {

struct Made {
  cudaStream_t stream = nullptr;
  explicit Made(unsigned flags) { REQUIRE(cudaStreamCreateWithFlags(&stream, flags) == cudaSuccess); }
  Made(const Made &) = delete;
  Made &operator=(const Made &) = delete;
  ~Made() { cudaStreamDestroy(stream); }
  operator cudaStream_t() const { return stream; }
};

struct Event {
  cudaEvent_t event = nullptr;
  Event() { REQUIRE(cudaEventCreate(&event) == cudaSuccess); }
  Event(const Event &) = delete;
  Event &operator=(const Event &) = delete;
  ~Event() { cudaEventDestroy(event); }
  operator cudaEvent_t() const { return event; }
};

// Work that writes its letter down when it runs.
void note(std::string *to, cudaStream_t stream, char letter) {
  REQUIRE(rondo_emulator::enqueue(stream, [to, letter] { to->push_back(letter); }) == cudaSuccess);
}

}  // namespace

TEST_CASE("work stands until its stream is waited for", "[runtime]") {
  const Made one(cudaStreamNonBlocking);
  const Made other(cudaStreamNonBlocking);
  std::string order;
  note(&order, one, 'a');
  note(&order, other, 'b');
  note(&order, one, 'c');
  CHECK(order.empty());
  CHECK(cudaStreamQuery(one) == cudaErrorNotReady);
  CHECK(cudaStreamSynchronize(one) == cudaSuccess);
  CHECK(order == "ac");
  CHECK(cudaStreamQuery(one) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(order == "acb");
  CHECK(cudaGetLastError() == cudaErrorNotReady);
}

TEST_CASE("copies read host memory when they run, not when asked for", "[runtime]") {
  const Made stream(cudaStreamDefault);
  void *device = nullptr;
  REQUIRE(cudaMalloc(&device, 4) == cudaSuccess);
  int from = 1, to = 0;
  CHECK(cudaMemcpyAsync(device, &from, 4, cudaMemcpyHostToDevice, stream) == cudaSuccess);
  from = 2;
  CHECK(cudaMemcpyAsync(&to, device, 4, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(to == 0);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(to == 2);
  CHECK(cudaFree(device) == cudaSuccess);
}

TEST_CASE("the default stream comes after blocking streams and before what they do next", "[runtime]") {
  const Made blocking(cudaStreamDefault);
  const Made free_running(cudaStreamNonBlocking);
  std::string order;
  note(&order, blocking, 'a');
  note(&order, free_running, 'x');
  note(&order, nullptr, 'b');
  note(&order, blocking, 'c');
  SECTION("waiting for the default stream") {
    CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
    CHECK(order == "abc");
  }
  SECTION("waiting for the blocking stream") {
    CHECK(cudaStreamSynchronize(blocking) == cudaSuccess);
    CHECK(order == "abc");
  }
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(order == "abcx");
}

TEST_CASE("an event ties streams together where it was recorded", "[runtime]") {
  const Made one(cudaStreamNonBlocking);
  const Made other(cudaStreamNonBlocking);
  const Event event;
  std::string order;
  note(&order, one, 'a');
  CHECK(cudaEventRecord(event, one) == cudaSuccess);
  note(&order, one, 'b');
  note(&order, other, 'c');
  CHECK(cudaStreamWaitEvent(other, event) == cudaSuccess);
  note(&order, other, 'd');
  CHECK(cudaStreamSynchronize(other) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaSuccess);
  CHECK(order == "cad");
  CHECK(cudaStreamSynchronize(one) == cudaSuccess);
  CHECK(order == "cadb");
}

TEST_CASE("a stream that is destroyed finishes its work", "[runtime]") {
  std::string order;
  {
    const Made stream(cudaStreamNonBlocking);
    note(&order, stream, 'a');
  }
  CHECK(order.empty());
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(order == "a");
}

TEST_CASE("time is what the operations between two events cost", "[runtime]") {
  const Made stream(cudaStreamNonBlocking);
  const Event start;
  const Event end;
  CHECK(cudaEventRecord(start, stream) == cudaSuccess);
  CHECK(rondo_emulator::enqueue(stream, [] { rondo_emulator::add_cost(500); }) == cudaSuccess);
  CHECK(rondo_emulator::enqueue(
            stream, [] {}, "slow") == cudaSuccess);
  CHECK(cudaEventRecord(end, stream) == cudaSuccess);
  float milliseconds = 0;
  CHECK(cudaEventElapsedTime(&milliseconds, start, end) == cudaErrorNotReady);
  rondo_emulator::set_cost([](const char *label) { return label == std::string("slow") ? 1000.0 : 0.0; });
  CHECK(cudaEventSynchronize(end) == cudaSuccess);
  rondo_emulator::set_cost(nullptr);
  CHECK(cudaEventElapsedTime(&milliseconds, start, end) == cudaSuccess);
  CHECK(milliseconds == 1.5f);
  cudaGetLastError();
}

TEST_CASE("device memory is counted, poisoned and told from the host's", "[runtime]") {
  const auto before = rondo_emulator::live();
  size_t free_before = 0, free_now = 0, total = 0;
  REQUIRE(cudaMemGetInfo(&free_before, &total) == cudaSuccess);
  float *device = nullptr;
  REQUIRE(cudaMalloc(&device, 1000 * sizeof(float)) == cudaSuccess);
  CHECK(reinterpret_cast<uintptr_t>(device) % 256 == 0);
  REQUIRE(cudaMemGetInfo(&free_now, &total) == cudaSuccess);
  CHECK(free_before - free_now == 4096);
  CHECK(rondo_emulator::live().allocations == before.allocations + 1);
  std::vector<float> host(1000, 0.0f);
  CHECK(cudaMemcpy(host.data(), device, 4000, cudaMemcpyDeviceToHost) == cudaSuccess);
  CHECK((std::isnan(host[0]) && std::isnan(host[999])));
  cudaPointerAttributes attributes{};
  CHECK(cudaPointerGetAttributes(&attributes, device + 999) == cudaSuccess);
  CHECK((attributes.type == cudaMemoryTypeDevice && attributes.device == 0));
  CHECK(cudaPointerGetAttributes(&attributes, host.data()) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
  CHECK(cudaMemcpy(device, host.data(), 4001, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host.data(), host.data(), 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaFree(device + 1) == cudaErrorInvalidValue);
  CHECK(cudaFree(device) == cudaSuccess);
  CHECK(rondo_emulator::live().bytes == before.bytes);
  CHECK(cudaMalloc(&device, total + 1) == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
}

TEST_CASE("freeing waits for the device", "[runtime]") {
  const Made stream(cudaStreamNonBlocking);
  void *device = nullptr;
  REQUIRE(cudaMalloc(&device, 16) == cudaSuccess);
  int to = 0;
  CHECK(cudaMemsetAsync(device, 1, 16, stream) == cudaSuccess);
  CHECK(cudaMemcpyAsync(&to, device, 4, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(cudaFree(device) == cudaSuccess);
  CHECK(to == 0x01010101);
}

TEST_CASE("machines without a driver or a device say so", "[runtime]") {
  const rondo_emulator::Settings before = rondo_emulator::settings();
  rondo_emulator::Settings settings = before;
  int count = 7;
  settings.devices = 0;
  rondo_emulator::configure(settings);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
  CHECK(count == 0);
  settings = before;
  settings.driver = 12080;
  rondo_emulator::configure(settings);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver);
  CHECK(cudaDriverGetVersion(&count) == cudaSuccess);
  CHECK(count == 12080);
  settings = before;
  settings.capability = 75;
  rondo_emulator::configure(settings);
  CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrComputeCapabilityMinor, 1) == cudaSuccess);
  CHECK(count == 5);
  CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
  rondo_emulator::configure(before);
  cudaGetLastError();
}

TEST_CASE("the current device belongs to the thread", "[runtime]") {
  int other = -1;
  std::thread([&] {
    cudaSetDevice(1);
    cudaGetDevice(&other);
  }).join();
  int own = -1;
  CHECK(cudaGetDevice(&own) == cudaSuccess);
  CHECK((own == 0 && other == 1));
}

TEST_CASE("threads may use streams of their own at once", "[runtime]") {
  std::vector<std::thread> threads;
  std::vector<int> sums(4, 0);
  for (int &sum : sums) {
    threads.emplace_back([&sum] {
      cudaStream_t stream = nullptr;
      cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
      for (int k = 0; k < 200; ++k) {
        rondo_emulator::enqueue(stream, [&sum] { ++sum; });
        if (k % 7 == 0) {
          cudaStreamSynchronize(stream);
        }
      }
      cudaStreamSynchronize(stream);
      cudaStreamDestroy(stream);
    });
  }
  for (std::thread &thread : threads) {
    thread.join();
  }
  CHECK(sums == std::vector<int>(4, 200));
}

TEST_CASE("a fault ends everything until it is forgotten", "[runtime]") {
  const Made stream(cudaStreamNonBlocking);
  std::string order;
  CHECK(rondo_emulator::enqueue(stream, [] { rondo_emulator::report_fault("the first"); }) == cudaSuccess);
  note(&order, stream, 'a');
  CHECK(cudaStreamSynchronize(stream) == cudaErrorLaunchFailure);
  rondo_emulator::report_fault("the second");
  CHECK(std::string(cudaGetErrorString(cudaErrorLaunchFailure)).find("the first") != std::string::npos);
  void *device = nullptr;
  CHECK(cudaMalloc(&device, 4) == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  rondo_emulator::forget_fault();
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(order.empty());
}
