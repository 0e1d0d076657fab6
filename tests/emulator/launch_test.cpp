// What the runtime's stand-in says of launches with clusters, all blocks together, or much shared memory: what fits,
// which error a launch beyond it gets, and capture.
#include "machine.h"
#include "party_cases.h"

namespace {

using namespace rondo_emulator;

void count(uint32_t *to, uint32_t) {
  auto *word = static_cast<uint32_t *>(dynamic_shared());
  if (here().thread == 0) {
    set(word, cluster_rank());
  }
  cluster_barrier();
  if (here().thread == 1) {
    to[here().block[0]] += get(word) + 1;
  }
}

void nothing(uint32_t) {}
void nothing_else(uint32_t) {}

int attribute(cudaDeviceAttr which) {
  int value = -1;
  REQUIRE(cudaDeviceGetAttribute(&value, which, 0) == cudaSuccess);
  return value;
}

}  // namespace

TEST_CASE("devices say what a launch may ask for", "[launch]") {
  const struct {
    int capability, shared, clusters;
  } machines[] = {{80, 166912, 0}, {86, 101376, 0},  {89, 101376, 0},
                  {90, 232448, 1}, {100, 232448, 1}, {120, 101376, 1}};
  for (const auto &machine : machines) {
    const Machine one(machine.capability, 4);
    CHECK(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin) == machine.shared);
    CHECK(attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor) == machine.shared + 1024);
    CHECK(attribute(cudaDevAttrReservedSharedMemoryPerBlock) == 1024);
    CHECK(attribute(cudaDevAttrClusterLaunch) == machine.clusters);
    CHECK(attribute(cudaDevAttrCooperativeLaunch) == 1);
    CHECK(attribute(cudaDevAttrMultiProcessorCount) == 4);
    CHECK(cudaFuncSetAttribute(&nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, machine.shared) == cudaSuccess);
    CHECK(run({1, 32, 1, static_cast<size_t>(machine.shared)}, nothing, 0u) == cudaSuccess);
    CHECK(cudaFuncSetAttribute(&nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, machine.shared + 1) ==
          cudaErrorInvalidValue);
    CHECK(run({2, 32, 2}, nothing, 0u) == (machine.clusters == 1 ? cudaSuccess : cudaErrorNotSupported));
  }
  cudaGetLastError();
}

TEST_CASE("more shared memory than was set is refused", "[launch]") {
  CHECK(run({1, 32, 1, 48 << 10}, nothing_else, 0u) == cudaSuccess);
  CHECK(run({1, 32, 1, (48 << 10) + 1}, nothing_else, 0u) == cudaErrorInvalidValue);
  REQUIRE(cudaFuncSetAttribute(&nothing_else, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10) == cudaSuccess);
  CHECK(run({1, 32, 1, 100 << 10}, nothing_else, 0u) == cudaSuccess);
  CHECK(run({1, 32, 1, (100 << 10) + 1}, nothing_else, 0u) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(static_cast<const void *>(nullptr), cudaFuncAttributeMaxDynamicSharedMemorySize, 1) ==
        cudaErrorInvalidDeviceFunction);
  const Machine smaller(120, 16);
  CHECK(run({1, 32, 1, 100 << 10}, nothing_else, 0u) == cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST_CASE("clusters have sizes", "[launch]") {
  const Machine machine(90, 16);
  CHECK(run({16, 32, 8}, nothing, 0u) == cudaSuccess);
  CHECK(run({12, 32, 8}, nothing, 0u) == cudaErrorInvalidClusterSize);
  CHECK(run({16, 32, 16}, nothing, 0u) == cudaErrorInvalidClusterSize);
  REQUIRE(cudaFuncSetAttribute(&nothing, cudaFuncAttributeNonPortableClusterSizeAllowed, 1) == cudaSuccess);
  CHECK(run({16, 32, 16}, nothing, 0u) == cudaSuccess);
  CHECK(run({32, 32, 32}, nothing, 0u) == cudaErrorInvalidClusterSize);
  CHECK(std::string(cudaGetErrorName(cudaErrorInvalidClusterSize)) == "cudaErrorInvalidClusterSize");
  REQUIRE(cudaFuncSetAttribute(&nothing, cudaFuncAttributeNonPortableClusterSizeAllowed, 0) == cudaSuccess);
  {
    const Machine smaller(120, 16);
    REQUIRE(cudaFuncSetAttribute(&nothing, cudaFuncAttributeNonPortableClusterSizeAllowed, 1) == cudaSuccess);
    CHECK(run({16, 32, 16}, nothing, 0u) == cudaErrorInvalidClusterSize);
    CHECK(run({16, 32, 8}, nothing, 0u) == cudaSuccess);
    REQUIRE(cudaFuncSetAttribute(&nothing, cudaFuncAttributeNonPortableClusterSizeAllowed, 0) == cudaSuccess);
  }
  const Machine few(90, 4);
  REQUIRE(cudaFuncSetAttribute(&nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 200 << 10) == cudaSuccess);
  CHECK(run({8, 32, 4, 200 << 10}, nothing, 0u) == cudaSuccess);
  CHECK(run({8, 32, 8, 200 << 10}, nothing, 0u) == cudaErrorInvalidClusterSize);
  cudaGetLastError();
}

TEST_CASE("what fits at once is known beforehand", "[launch]") {
  const Machine machine(90, 20);
  REQUIRE(cudaFuncSetAttribute(&nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 200 << 10) == cudaSuccess);
  int blocks = 0;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &nothing, 256, 0) == cudaSuccess);
  CHECK(blocks == 8);
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &nothing, 32, 100 << 10) == cudaSuccess);
  CHECK(blocks == 2);
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &nothing, 0, 0) == cudaErrorInvalidValue);
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {8, 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(8);
  config.blockDim = dim3(256);
  config.dynamicSmemBytes = 200 << 10;
  config.attrs = &attribute;
  config.numAttrs = 1;
  int clusters = 0;
  // Sixteen multiprocessors hold two clusters, the last four none.
  CHECK(cudaOccupancyMaxActiveClusters(&clusters, &nothing, &config) == cudaSuccess);
  CHECK(clusters == 2);
  CHECK(cudaOccupancyMaxPotentialClusterSize(&clusters, &nothing, &config) == cudaSuccess);
  CHECK(clusters == 8);
  const PartyShape fits{20, 256, 1, 200 << 10, true}, too_large{21, 256, 1, 200 << 10, true};
  CHECK(run(fits, nothing, 0u) == cudaSuccess);
  CHECK(run(too_large, nothing, 0u) == cudaErrorCooperativeLaunchTooLarge);
  cudaGetLastError();
}

TEST_CASE("a launch with clusters is captured as any other", "[launch]") {
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  OnDevice<uint32_t> to(8);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(start({8, 64, 4, 256}, stream, count, to.get(), 0u) == cudaSuccess);
  CHECK(start({8, 64, 1, 256, true}, stream, count, to.get(), 0u) == cudaSuccess);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaGraphInstantiate(&exec, graph) == cudaSuccess);
  CHECK(to.values()[3] == 0);
  for (int k = 0; k < 3; ++k) {
    CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
  }
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(to.values() == std::vector<uint32_t>{6, 9, 12, 15, 6, 9, 12, 15});
  CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}
