// cuDNN's rules: each broken one is refused by the stand-in, at the call where cuDNN sees it there, and as a fault of
// the work where only the device could.
#include <cstring>
#include <functional>

#include "cudnn_fixture.h"

using rondo_test::cudnn_words;
using rondo_test::CudnnNetwork;
using rondo_test::fault_of_work;
using rondo_test::NetworkSettings;

namespace {

using Spoil = std::function<void(NetworkSettings *)>;

bool has(const std::string &text, const std::string &part) {
  CAPTURE(text, part);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

void check_descriptor(cudnnStatus_t status, const char *words, const Spoil &spoil) {
  NetworkSettings settings;
  spoil(&settings);
  CudnnNetwork network;
  CAPTURE(words);
  CHECK(network.set(settings) == status);
  has(cudnn_words(), words);
}

NetworkSettings persistent(cudnnRNNAlgo_t algo, int H = 4) {
  NetworkSettings settings;
  settings.algo = algo;
  settings.type = settings.precision = CUDNN_DATA_FLOAT;
  settings.H = settings.O = H;
  settings.L = 1;
  return settings;
}

// A call that must be refused after one thing was changed.
void check_forward(const NetworkSettings &settings, cudnnStatus_t status, const char *words,
                   const std::function<void(CudnnNetwork *)> &spoil,
                   cudnnForwardMode_t mode = CUDNN_FWD_MODE_TRAINING) {
  CudnnNetwork network;
  network.make(settings);
  spoil(&network);
  CAPTURE(words);
  CHECK(network.forward(mode) == status);
  has(cudnn_words(), words);
}

}  // namespace

TEST_CASE("RNN descriptors that cuDNN refuses", "[cudnn]") {
  const auto no = CUDNN_STATUS_NOT_SUPPORTED;
  const auto bad = CUDNN_STATUS_BAD_PARAM;
  check_descriptor(no, "mathPrec", [](auto *s) { s->precision = CUDNN_DATA_FLOAT; });
  check_descriptor(no, "mathPrec", [](auto *s) { s->type = CUDNN_DATA_FLOAT; });
  check_descriptor(no, "mathPrec", [](auto *s) { s->type = s->precision = CUDNN_DATA_BFLOAT16; });
  check_descriptor(no, "dataType", [](auto *s) { s->type = CUDNN_DATA_INT8; });
  check_descriptor(no, "mathType", [](auto *s) { s->math = CUDNN_TENSOR_OP_MATH; });
  check_descriptor(no, "half mathPrec", [](auto *s) {
    *s = persistent(CUDNN_RNN_ALGO_PERSIST_STATIC);
    s->type = s->precision = CUDNN_DATA_HALF;
  });
  for (const auto algo : {CUDNN_RNN_ALGO_PERSIST_STATIC, CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H}) {
    check_descriptor(no, "double needs", [algo](auto *s) { s->algo = algo; });
  }
  check_descriptor(no, "DOUBLE_BIAS", [](auto *s) {
    *s = persistent(CUDNN_RNN_ALGO_PERSIST_DYNAMIC);
    s->bias = CUDNN_RNN_NO_BIAS;
  });
  check_descriptor(no, "projection", [](auto *s) {
    s->algo = CUDNN_RNN_ALGO_PERSIST_DYNAMIC;
    s->O = 2;
  });
  check_descriptor(no, "projection", [](auto *s) {
    s->cell = CUDNN_GRU;
    s->O = 2;
  });
  check_descriptor(bad, "projSize is 0", [](auto *s) { s->O = 0; });
  check_descriptor(bad, "projSize is 5", [](auto *s) { s->O = 5; });
  check_descriptor(bad, "positive", [](auto *s) { s->I = 0; });
  check_descriptor(bad, "flag", [](auto *s) { s->flags = 2; });
  check_descriptor(no, "SKIP_INPUT", [](auto *s) { s->input = CUDNN_SKIP_INPUT; });
}

TEST_CASE("sequences that cuDNN refuses", "[cudnn]") {
  const auto bad = CUDNN_STATUS_BAD_PARAM;
  const auto packed = [](std::vector<int> lengths) {
    return [lengths](NetworkSettings *s) {
      s->layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
      s->lengths = lengths;
    };
  };
  check_descriptor(bad, "sorted", packed({3, 1, 2}));
  check_descriptor(bad, "maxSeqLength", packed({2, 1}));
  check_descriptor(bad, "empty", packed({3, 0}));
  check_descriptor(bad, "seqLengthArray[1] is 4", [](auto *s) { s->lengths = {3, 4}; });
  check_descriptor(bad, "seqLengthArray[1] is -1", [](auto *s) { s->lengths = {3, -1}; });
  check_descriptor(bad, "positive", [](auto *s) { s->T = 0; });
  check_descriptor(CUDNN_STATUS_NOT_SUPPORTED, "65535", [](auto *s) { s->T = 65536; });
  NetworkSettings settings;
  settings.flags = CUDNN_RNN_PADDED_IO_DISABLED;
  CudnnNetwork network;
  REQUIRE(network.set(settings) == CUDNN_STATUS_SUCCESS);
  size_t bytes = 0;
  CHECK(cudnnGetRNNTempSpaceSizes(network.handle, network.rnn, CUDNN_FWD_MODE_TRAINING, network.x, &bytes, &bytes) ==
        bad);
  has(cudnn_words(), "PADDED_IO_ENABLED");
}

TEST_CASE("calls that cuDNN refuses", "[cudnn]") {
  const NetworkSettings settings;
  const auto small = CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
  const int32_t lengths = 3;
  check_forward(settings, small, "workSpaceSize", [](auto *n) { --n->workspace_bytes; });
  check_forward(settings, small, "reserveSpaceSize", [](auto *n) { --n->reserve_bytes; });
  check_forward(settings, small, "weightSpaceSize", [](auto *n) { --n->weight_bytes; });
  check_forward(settings, CUDNN_STATUS_BAD_PARAM, "devSeqLengths", [&](auto *n) { n->device_lengths = &lengths; });
  check_forward(settings, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "x is NULL",
                [](auto *n) { n->pointers["x"] = nullptr; });
  check_forward(settings, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "cDesc", [](auto *n) {
    cudnnDestroyTensorDescriptor(n->c);
    n->c = nullptr;
  });
  check_forward(settings, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "hDesc", [](auto *n) {
    const int dims[] = {2, 2, 4};
    const int strides[] = {8, 4, 1};
    REQUIRE(cudnnSetTensorNdDescriptor(n->h, CUDNN_DATA_DOUBLE, 3, dims, strides) == CUDNN_STATUS_SUCCESS);
  });
  check_forward(settings, CUDNN_STATUS_BAD_PARAM, "fully packed", [](auto *n) {
    const int dims[] = {4, 2, 4};
    const int strides[] = {16, 8, 1};
    REQUIRE(cudnnSetTensorNdDescriptor(n->c, CUDNN_DATA_DOUBLE, 3, dims, strides) == CUDNN_STATUS_SUCCESS);
  });
  check_forward(settings, CUDNN_STATUS_BAD_PARAM, "data type", [](auto *n) {
    const int dims[] = {4, 2, 4};
    const int strides[] = {8, 4, 1};
    REQUIRE(cudnnSetTensorNdDescriptor(n->h, CUDNN_DATA_FLOAT, 3, dims, strides) == CUDNN_STATUS_SUCCESS);
  });
  check_forward(settings, CUDNN_STATUS_BAD_PARAM, "differ", [](auto *n) {
    const int other[] = {3, 2};
    REQUIRE(cudnnSetRNNDataDescriptor(n->y, CUDNN_DATA_DOUBLE, n->settings.layout, 3, 2, 8, other, nullptr) ==
            CUDNN_STATUS_SUCCESS);
  });
  check_forward(settings, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "yDesc", [](auto *n) {
    REQUIRE(cudnnSetRNNDataDescriptor(n->y, CUDNN_DATA_DOUBLE, n->settings.layout, 3, 2, 5, n->settings.lengths.data(),
                                      nullptr) == CUDNN_STATUS_SUCCESS);
  });
  check_forward(
      settings, CUDNN_STATUS_BAD_PARAM, "no reserve", [](auto *) {}, CUDNN_FWD_MODE_INFERENCE);
}

TEST_CASE("persistent algorithms that cuDNN refuses when they run", "[cudnn]") {
  const auto nothing = [](auto *) {};
  const auto no = CUDNN_STATUS_NOT_SUPPORTED;
  NetworkSettings varied = persistent(CUDNN_RNN_ALGO_PERSIST_STATIC);
  varied.lengths = {3, 2};
  check_forward(varied, no, "equal length", nothing);
  const NetworkSettings dynamic = persistent(CUDNN_RNN_ALGO_PERSIST_DYNAMIC);
  check_forward(dynamic, CUDNN_STATUS_BAD_PARAM, "cudnnBuildRNNDynamic", nothing);
  check_forward(dynamic, CUDNN_STATUS_BAD_PARAM, "cudnnBuildRNNDynamic",
                [](auto *n) { CHECK(cudnnBuildRNNDynamic(n->handle, n->rnn, 3) == CUDNN_STATUS_SUCCESS); });
  check_forward(persistent(CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, 193), no, "SMALL_H", nothing);
  CudnnNetwork network;
  network.make(dynamic);
  REQUIRE(cudnnBuildRNNDynamic(network.handle, network.rnn, 2) == CUDNN_STATUS_SUCCESS);
  CHECK(network.forward() == CUDNN_STATUS_SUCCESS);
  CudnnNetwork standard;
  standard.make({});
  CHECK(cudnnBuildRNNDynamic(standard.handle, standard.rnn, 2) == no);
  CudnnNetwork backward;
  backward.make(persistent(CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, 129));
  CHECK(backward.forward() == CUDNN_STATUS_SUCCESS);
  CHECK(backward.backward_data() == no);
  CHECK(fault_of_work().empty());
}

TEST_CASE("weights that cuDNN does not have", "[cudnn]") {
  NetworkSettings settings;
  settings.bias = CUDNN_RNN_SINGLE_INP_BIAS;
  CudnnNetwork network;
  network.make(settings);
  void *matrix = &network;
  void *bias = &network;
  const auto ask = [&](int layer, int id) {
    return cudnnGetRNNWeightParams(network.handle, network.rnn, layer, network.weight_bytes, network.at("weights"), id,
                                   network.h, &matrix, network.c, &bias);
  };
  REQUIRE(ask(3, 4) == CUDNN_STATUS_SUCCESS);
  CHECK(matrix != nullptr);
  CHECK(bias == nullptr);
  REQUIRE(ask(3, 8) == CUDNN_STATUS_SUCCESS);
  CHECK(matrix == nullptr);
  int dimensions = -1;
  int sizes[3] = {};
  int strides[3] = {};
  cudnnDataType_t type{};
  REQUIRE(cudnnGetTensorNdDescriptor(network.h, 3, &type, &dimensions, sizes, strides) == CUDNN_STATUS_SUCCESS);
  CHECK(dimensions == 0);
  CHECK(ask(4, 0) == CUDNN_STATUS_BAD_PARAM);
  CHECK(ask(0, 9) == CUDNN_STATUS_BAD_PARAM);
  --network.weight_bytes;
  CHECK(ask(0, 0) == CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
}

TEST_CASE("work in the wrong order, or on changed memory, is a fault", "[cudnn]") {
  CudnnNetwork network;
  network.make({});
  const auto data = [&] { REQUIRE(network.backward_data() == CUDNN_STATUS_SUCCESS); };
  const auto weights = [&] { REQUIRE(network.backward_weights() == CUDNN_STATUS_SUCCESS); };
  const auto changed = [&](const char *name) { *static_cast<double *>(network.at(name)) += 1; };
  SECTION("no forward") {
    data();
    has(fault_of_work(), "was not written by cudnnRNNForward");
  }
  SECTION("inference") {
    void *reserve = network.at("reserve");
    const size_t bytes = network.reserve_bytes;
    network.pointers["reserve"] = nullptr;
    network.reserve_bytes = 0;
    REQUIRE(network.forward(CUDNN_FWD_MODE_INFERENCE) == CUDNN_STATUS_SUCCESS);
    network.pointers["reserve"] = reserve;
    network.reserve_bytes = bytes;
    data();
    has(fault_of_work(), "was not written by cudnnRNNForward");
  }
  REQUIRE(network.forward() == CUDNN_STATUS_SUCCESS);
  REQUIRE(fault_of_work().empty());
  SECTION("weights before data") {
    weights();
    has(fault_of_work(), "did not run on this reserve");
  }
  SECTION("data twice") {
    data();
    data();
    has(fault_of_work(), "has changed this reserve");
  }
  SECTION("another descriptor, or other lengths") {
    NetworkSettings other;
    other.cell = CUDNN_LSTM;
    other.lengths = {3, 2};
    REQUIRE(network.set(other) == CUDNN_STATUS_SUCCESS);
    data();
    has(fault_of_work(), "other lengths");
  }
  SECTION("the reserve was written to") {
    static_cast<char *>(network.at("reserve"))[network.reserve_bytes / 2] ^= 1;
    data();
    has(fault_of_work(), "changed since cuDNN wrote it");
  }
  for (const char *name : {"y", "hx", "cx"}) {
    SECTION(std::string("data with another ") + name) {
      changed(name);
      data();
      has(fault_of_work(), name);
    }
  }
  SECTION("data with other weights") {
    std::memset(network.at("weights"), 0, network.weight_bytes);
    data();
    has(fault_of_work(), "weights");
  }
  for (const char *name : {"x", "hx", "y"}) {
    SECTION(std::string("weights with another ") + name) {
      data();
      REQUIRE(fault_of_work().empty());
      changed(name);
      weights();
      has(fault_of_work(), name);
    }
  }
  SECTION("gradients cannot be set") {
    CHECK(network.backward_weights(CUDNN_WGRAD_MODE_SET) == CUDNN_STATUS_NOT_SUPPORTED);
  }
}

TEST_CASE("host memory is a fault, another device's handle an error", "[cudnn]") {
  CudnnNetwork network;
  network.make({});
  std::vector<double> host(network.values.x.size());
  network.pointers["x"] = host.data();
  network.forward();
  has(fault_of_work(), "x is not");
  CudnnNetwork other;
  other.make({});
  REQUIRE(cudaSetDevice(1) == cudaSuccess);
  CHECK(other.forward() == CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH);
  REQUIRE(cudaSetDevice(0) == cudaSuccess);
}

TEST_CASE("sizes may be uneven in T, as cuDNN documents", "[cudnn]") {
  REQUIRE(setenv("RONDO_EMULATOR_CUDNN_SIZES", "uneven", 1) == 0);
  const auto size_at = [](int T) {
    NetworkSettings settings;
    settings.T = T;
    settings.lengths = {T};
    CudnnNetwork network;
    REQUIRE(network.set(settings) == CUDNN_STATUS_SUCCESS);
    size_t workspace = 0;
    size_t reserve = 0;
    REQUIRE(cudnnGetRNNTempSpaceSizes(network.handle, network.rnn, CUDNN_FWD_MODE_TRAINING, network.x, &workspace,
                                      &reserve) == CUDNN_STATUS_SUCCESS);
    return reserve;
  };
  CHECK(size_at(2) > size_at(3));
  unsetenv("RONDO_EMULATOR_CUDNN_SIZES");
  CHECK(size_at(2) < size_at(3));
}
