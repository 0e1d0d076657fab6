// What the cuDNN stand-in computes equals the oracle, whatever the layout, type or place of the weights, and what cuDNN
// leaves undefined is NaN. This proves our use of the interface, never cuDNN.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>

#include "cudnn_fixture.h"
#include "cudnn_use.h"
#include "support/compare.h"

using rondo::test::error_between;
using rondo_test::CudnnNetwork;
using rondo_test::fault_of_work;
using rondo_test::NetworkSettings;

namespace {

NetworkSettings small(cudnnRNNMode_t cell) {
  NetworkSettings settings;
  settings.cell = cell;
  return settings;
}

void check_all(const NetworkSettings &settings, double tolerance) {
  CudnnNetwork network;
  network.make(settings);
  REQUIRE(network.forward() == CUDNN_STATUS_SUCCESS);
  REQUIRE(network.backward_data() == CUDNN_STATUS_SUCCESS);
  REQUIRE(network.backward_weights() == CUDNN_STATUS_SUCCESS);
  CHECK(fault_of_work().empty());
  const auto expected = network.expected();
  CHECK(error_between(network.read("y"), expected.y) <= tolerance);
  CHECK(error_between(network.read("hy"), expected.hn) <= tolerance);
  CHECK(error_between(network.read("cy"), expected.cn) <= tolerance);
  CHECK(error_between(network.read("dx"), expected.dx) <= tolerance);
  CHECK(error_between(network.read("dhx"), expected.dh0) <= tolerance);
  CHECK(error_between(network.read("dcx"), expected.dc0) <= tolerance);
  const auto gradients = network.read_params("dweights");
  for (size_t k = 0; k < gradients.size(); ++k) {
    CAPTURE(k);
    CHECK(error_between(gradients[k], expected.dparams[k]) <= tolerance);
  }
}

bool all_nan(const std::vector<double> &values, size_t from, size_t count) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(from);
  return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(count), [](double value) { return std::isnan(value); });
}

}  // namespace

TEST_CASE("the cuDNN stand-in computes what the oracle does", "[cudnn]") {
  SECTION("cells, layers, directions") {
    for (const auto cell : {CUDNN_LSTM, CUDNN_GRU, CUDNN_RNN_TANH, CUDNN_RNN_RELU}) check_all(small(cell), 1e-12);
  }
  SECTION("projection") {
    NetworkSettings settings = small(CUDNN_LSTM);
    settings.O = 3;
    check_all(settings, 1e-12);
  }
  SECTION("no bias") {
    NetworkSettings settings = small(CUDNN_GRU);
    settings.bias = CUDNN_RNN_NO_BIAS;
    check_all(settings, 1e-12);
  }
  SECTION("packed and batch-major") {
    NetworkSettings settings = small(CUDNN_LSTM);
    settings.layout = CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED;
    check_all(settings, 1e-12);
    settings.layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
    settings.lengths = {3, 2, 2, 1};
    settings.flags = CUDNN_RNN_PADDED_IO_DISABLED;
    check_all(settings, 1e-12);
  }
  SECTION("results are rounded to the data type") {
    NetworkSettings settings = small(CUDNN_LSTM);
    settings.precision = CUDNN_DATA_FLOAT;
    // Backward starts from the same y, so only the last rounding differs.
    for (const auto &[type, tolerance] :
         {std::pair{CUDNN_DATA_FLOAT, 1e-6}, {CUDNN_DATA_HALF, 2e-3}, {CUDNN_DATA_BFLOAT16, 2e-2}}) {
      settings.type = type;
      check_all(settings, tolerance);
    }
  }
}

TEST_CASE("undefined places are NaN, padding is filled as asked and never read", "[cudnn]") {
  NetworkSettings settings;
  settings.lengths = {2, 0, 3};  // unsorted, one empty
  CudnnNetwork network;
  network.make(settings);
  const auto width = static_cast<size_t>(settings.D() * settings.O);
  const auto I = static_cast<size_t>(settings.I);
  auto dy = network.values.dy;
  auto x = network.values.x;
  for (const size_t position : {1, 4, 6, 7}) {  // t * N + row beyond the lengths
    std::fill_n(dy.begin() + static_cast<std::ptrdiff_t>(position * width), width, std::nan(""));
    std::fill_n(x.begin() + static_cast<std::ptrdiff_t>(position * I), I, std::nan(""));
  }
  network.write("dy", dy);
  network.write("x", x);
  REQUIRE(network.forward() == CUDNN_STATUS_SUCCESS);
  REQUIRE(network.backward_data() == CUDNN_STATUS_SUCCESS);
  REQUIRE(network.backward_weights() == CUDNN_STATUS_SUCCESS);
  CHECK(fault_of_work().empty());
  const auto y = network.read("y");
  const auto dx = network.read("dx");
  for (const size_t position : {1, 4, 6, 7}) {
    CHECK(y[position * width] == 7);
    CHECK(all_nan(dx, position * I, I));
  }
  CHECK(!std::isnan(y[3 * width]));
  const auto O = static_cast<size_t>(settings.O);
  for (const char *name : {"hy", "cy", "dhx", "dcx"}) {
    CAPTURE(name);
    CHECK(all_nan(network.read(name), O, O));
    CHECK(!std::isnan(network.read(name)[0]));
  }
  CHECK(all_nan(network.read("workspace"), 0, network.workspace_bytes / sizeof(double)));
  const auto expected = network.expected();
  CHECK(error_between(network.read_params("dweights").front(), expected.dparams.front()) <= 1e-12);
}

TEST_CASE("without a padding fill, padding of y is undefined", "[cudnn]") {
  NetworkSettings settings;
  settings.lengths = {3, 1};
  settings.fill = false;
  CudnnNetwork network;
  network.make(settings);
  REQUIRE(network.forward() == CUDNN_STATUS_SUCCESS);
  CHECK(std::isnan(network.read("y").back()));
}

TEST_CASE("absent states are zeros, absent results are left out", "[cudnn]") {
  CudnnNetwork network;
  network.make({});
  for (const char *name : {"hx", "cx", "hy", "cy", "dhy", "dcy", "dhx", "dcx"}) network.pointers[name] = nullptr;
  network.values.h0.clear();
  network.values.c0.clear();
  network.values.dhn.clear();
  network.values.dcn.clear();
  REQUIRE(network.forward() == CUDNN_STATUS_SUCCESS);
  REQUIRE(network.backward_data() == CUDNN_STATUS_SUCCESS);
  REQUIRE(network.backward_weights() == CUDNN_STATUS_SUCCESS);
  CHECK(fault_of_work().empty());
  const auto expected = network.expected();
  CHECK(error_between(network.read("y"), expected.y) <= 1e-12);
  CHECK(error_between(network.read("dx"), expected.dx) <= 1e-12);
}

TEST_CASE("weight gradients are added, and gaps overwritten", "[cudnn]") {
  CudnnNetwork network;
  network.make({});
  std::vector<char> saved(network.reserve_bytes);
  REQUIRE(network.forward() == CUDNN_STATUS_SUCCESS);
  REQUIRE(fault_of_work().empty());
  std::memcpy(saved.data(), network.at("reserve"), saved.size());
  for (int run = 0; run < 2; ++run) {
    // A copy of the reserve, and of another place, serves as the reserve itself does.
    std::memcpy(network.at("reserve"), saved.data(), saved.size());
    REQUIRE(network.backward_data() == CUDNN_STATUS_SUCCESS);
    REQUIRE(network.backward_weights() == CUDNN_STATUS_SUCCESS);
    CHECK(fault_of_work().empty());
  }
  auto twice = network.expected().dparams;
  for (auto &param : twice) {
    for (double &value : param) value *= 2;
  }
  const auto gradients = network.read_params("dweights");
  for (size_t k = 0; k < twice.size(); ++k) CHECK(error_between(gradients[k], twice[k]) <= 1e-12);
  const auto all = network.read("dweights");
  CHECK(std::any_of(all.begin(), all.end(), [](double value) { return std::isnan(value); }));
}

TEST_CASE("weights lie elsewhere for every seed", "[cudnn]") {
  const char *before = std::getenv("RONDO_EMULATOR_SEED");
  const std::string kept = before != nullptr ? before : "";
  std::set<std::ptrdiff_t> places;
  for (const char *seed : {"1", "2", "3", "4", "5", "6"}) {
    REQUIRE(setenv("RONDO_EMULATOR_SEED", seed, 1) == 0);
    check_all({}, 1e-12);
    CudnnNetwork network;
    REQUIRE(network.set({}) == CUDNN_STATUS_SUCCESS);
    size_t bytes = 0;
    REQUIRE(cudnnGetRNNWeightSpaceSize(network.handle, network.rnn, &bytes) == CUDNN_STATUS_SUCCESS);
    char base = 0;  // the space's memory is not looked at
    void *matrix = nullptr;
    void *bias = nullptr;
    REQUIRE(cudnnGetRNNWeightParams(network.handle, network.rnn, 0, bytes, &base, 0, network.h, &matrix, network.c,
                                    &bias) == CUDNN_STATUS_SUCCESS);
    places.insert(reinterpret_cast<std::intptr_t>(matrix) - reinterpret_cast<std::intptr_t>(&base));
  }
  if (before != nullptr) {
    setenv("RONDO_EMULATOR_SEED", kept.c_str(), 1);
  } else {
    unsetenv("RONDO_EMULATOR_SEED");
  }
  CHECK(places.size() > 1);
}

TEST_CASE("cuDNN's version can be played, calls are counted", "[cudnn]") {
  CHECK(cudnnGetVersion() == 91900);
  REQUIRE(setenv("RONDO_EMULATOR_CUDNN_VERSION", "80907", 1) == 0);
  CHECK(cudnnGetVersion() == 80907);
  unsetenv("RONDO_EMULATOR_CUDNN_VERSION");
  CHECK(rondo_emulator::cudnn_calls().at("cudnnGetVersion") >= 2);
}

TEST_CASE("the algorithm that the environment names is the fastest", "[cudnn]") {
  REQUIRE(setenv("RONDO_EMULATOR_FASTEST", "persist_static", 1) == 0);
  std::vector<float> times;
  for (const auto algo :
       {CUDNN_RNN_ALGO_STANDARD, CUDNN_RNN_ALGO_PERSIST_STATIC, CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H}) {
    NetworkSettings settings;
    settings.algo = algo;
    settings.type = settings.precision = CUDNN_DATA_FLOAT;
    CudnnNetwork network;
    network.make(settings);
    cudaEvent_t start = nullptr;
    cudaEvent_t end = nullptr;
    REQUIRE(cudaEventCreate(&start) == cudaSuccess);
    REQUIRE(cudaEventCreate(&end) == cudaSuccess);
    REQUIRE(cudaEventRecord(start) == cudaSuccess);
    REQUIRE(network.forward() == CUDNN_STATUS_SUCCESS);
    REQUIRE(cudaEventRecord(end) == cudaSuccess);
    REQUIRE(cudaEventSynchronize(end) == cudaSuccess);
    times.emplace_back();
    REQUIRE(cudaEventElapsedTime(&times.back(), start, end) == cudaSuccess);
    cudaEventDestroy(start);
    cudaEventDestroy(end);
  }
  unsetenv("RONDO_EMULATOR_FASTEST");
  CHECK(times[1] < times[0]);
  CHECK(times[1] < times[2]);
  CHECK(times[2] < times[0]);
}
