// The fixture's parts that are no test: setting up a network on the stand-in as a back end has to.
// Weights are placed gate by gate through cudnnGetRNNWeightParams, the only way there is.
#include <array>
#include <cstring>

#include "cudnn_fixture.h"

namespace rondo_test {

using rondo::test::Dtype;
using rondo::test::Problem;
using rondo::test::Values;

std::string cudnn_words() {
  std::array<char, 512> text{};
  cudnnGetLastErrorString(text.data(), text.size());
  return text.data();
}

std::string fault_of_work() {
  cudaDeviceSynchronize();
  std::string fault = rondo_emulator::faults();
  rondo_emulator::forget_fault();
  cudaGetLastError();
  return fault;
}

CudnnNetwork::CudnnNetwork() {
  REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
  REQUIRE(cudnnCreateRNNDescriptor(&rnn) == CUDNN_STATUS_SUCCESS);
  for (auto *data : {&x, &y}) REQUIRE(cudnnCreateRNNDataDescriptor(data) == CUDNN_STATUS_SUCCESS);
  for (auto *state : {&h, &c}) REQUIRE(cudnnCreateTensorDescriptor(state) == CUDNN_STATUS_SUCCESS);
}

CudnnNetwork::~CudnnNetwork() {
  cudaDeviceSynchronize();
  for (auto *state : {h, c}) cudnnDestroyTensorDescriptor(state);
  for (auto *data : {x, y}) cudnnDestroyRNNDataDescriptor(data);
  cudnnDestroyRNNDescriptor(rnn);
  cudnnDestroy(handle);
}

Dtype CudnnNetwork::type() const {
  switch (settings.type) {
    case CUDNN_DATA_DOUBLE:
      return Dtype::f64;
    case CUDNN_DATA_HALF:
      return Dtype::f16;
    case CUDNN_DATA_BFLOAT16:
      return Dtype::bf16;
    default:
      return Dtype::f32;
  }
}

size_t CudnnNetwork::element() const { return rondo::test::size_of(type()); }

void CudnnNetwork::set_state(cudnnTensorDescriptor_t descriptor, int width) {
  const std::array<int, 3> dims{settings.L * settings.D(), settings.N(), width};
  const std::array<int, 3> strides{dims[1] * dims[2], dims[2], 1};
  REQUIRE(cudnnSetTensorNdDescriptor(descriptor, settings.type, 3, dims.data(), strides.data()) ==
          CUDNN_STATUS_SUCCESS);
}

cudnnStatus_t CudnnNetwork::set(const NetworkSettings &wanted) {
  settings = wanted;
  const NetworkSettings &s = settings;
  const cudnnStatus_t status = cudnnSetRNNDescriptor_v8(rnn, s.algo, s.cell, s.bias, s.direction, s.input, s.type,
                                                        s.precision, s.math, s.I, s.H, s.O, s.L, nullptr, s.flags);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  std::array<unsigned char, 8> fill{};
  const double seven = 7;
  rondo::test::encode(type(), &seven, 1, fill.data());
  const cudnnStatus_t x_status =
      cudnnSetRNNDataDescriptor(x, s.type, s.layout, s.T, s.N(), s.I, s.lengths.data(), nullptr);
  if (x_status != CUDNN_STATUS_SUCCESS) return x_status;
  REQUIRE(cudnnSetRNNDataDescriptor(y, s.type, s.layout, s.T, s.N(), s.D() * s.O, s.lengths.data(),
                                    s.fill ? fill.data() : nullptr) == CUDNN_STATUS_SUCCESS);
  set_state(h, s.O);
  set_state(c, s.H);
  return CUDNN_STATUS_SUCCESS;
}

Problem CudnnNetwork::problem() const {
  static constexpr std::array<rondo::test::Cell, 4> cells{rondo::test::Cell::rnn_relu, rondo::test::Cell::rnn_tanh,
                                                          rondo::test::Cell::lstm, rondo::test::Cell::gru};
  Problem problem;
  problem.cell = cells.at(settings.cell);
  problem.I = settings.I;
  problem.H = settings.H;
  problem.P = settings.O == settings.H ? 0 : settings.O;
  problem.L = settings.L;
  problem.D = settings.D();
  problem.bias = settings.bias != CUDNN_RNN_NO_BIAS;
  problem.batch_major = settings.layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED;
  problem.sequence = settings.layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED ? rondo::test::Sequence::packed
                                                                               : rondo::test::Sequence::lengths;
  problem.T = settings.T;
  problem.N = settings.N();
  problem.lengths.assign(settings.lengths.begin(), settings.lengths.end());
  return problem;
}

void CudnnNetwork::take(const std::string &name, size_t bytes) {
  arrays_.push_back(std::make_unique<DeviceArray>(bytes));
  pointers[name] = arrays_.back()->memory;
  sizes_[name] = bytes;
}

CudnnNetwork::Doubles CudnnNetwork::read(const std::string &name) {
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  Doubles doubles(sizes_.at(name) / element());
  rondo::test::decode(type(), pointers.at(name), doubles.size(), doubles.data());
  return doubles;
}

void CudnnNetwork::write(const std::string &name, const Doubles &doubles) {
  REQUIRE(doubles.size() * element() == sizes_.at(name));
  rondo::test::encode(type(), doubles.data(), doubles.size(), pointers.at(name));
}

std::vector<CudnnNetwork::Gate> CudnnNetwork::gates(const std::string &space) {
  const Problem p = problem();
  const int G = static_cast<int>(p.gates());
  const size_t each = p.param_shapes().size() / static_cast<size_t>(p.L * p.D);
  std::vector<Gate> found;
  cudnnTensorDescriptor_t matrix = nullptr;
  cudnnTensorDescriptor_t bias = nullptr;
  cudnnCreateTensorDescriptor(&matrix);
  cudnnCreateTensorDescriptor(&bias);
  for (int layer = 0; layer < p.L * p.D; ++layer) {
    for (int id = 0; id < 2 * G + (p.P > 0 ? 1 : 0); ++id) {
      void *matrix_address = nullptr;
      void *bias_address = nullptr;
      REQUIRE(cudnnGetRNNWeightParams(handle, rnn, layer, weight_bytes, pointers.at(space), id, matrix, &matrix_address,
                                      bias, &bias_address) == CUDNN_STATUS_SUCCESS);
      const size_t first = static_cast<size_t>(layer) * each;
      const bool projects = id == 2 * G;
      const size_t param = first + (projects ? each - 1 : static_cast<size_t>(id / G));
      const auto gate = projects ? size_t{0} : static_cast<size_t>(id % G);
      cudnnDataType_t told{};
      int dimensions = 0;
      std::array<int, 3> dims{};
      std::array<int, 3> strides{};
      cudnnGetTensorNdDescriptor(matrix, 3, &told, &dimensions, dims.data(), strides.data());
      CHECK(dimensions == 3);
      CHECK(dims[0] == 1);
      const auto count = static_cast<size_t>(dims[1]) * static_cast<size_t>(dims[2]);
      found.push_back({param, gate * count, count, static_cast<char *>(matrix_address)});
      if (bias_address == nullptr) continue;
      const auto H = static_cast<size_t>(p.H);
      found.push_back({param + 2, gate * H, H, static_cast<char *>(bias_address)});
    }
  }
  cudnnDestroyTensorDescriptor(matrix);
  cudnnDestroyTensorDescriptor(bias);
  return found;
}

std::vector<CudnnNetwork::Doubles> CudnnNetwork::read_params(const std::string &name) {
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  std::vector<Doubles> params;
  for (const auto &shape : problem().param_shapes()) params.emplace_back(static_cast<size_t>(shape.size()), 0.0);
  for (const Gate &gate : gates(name)) {
    rondo::test::decode(type(), gate.address, gate.count, params[gate.param].data() + gate.from);
  }
  return params;
}

void CudnnNetwork::allocate() {
  REQUIRE(cudnnGetRNNWeightSpaceSize(handle, rnn, &weight_bytes) == CUDNN_STATUS_SUCCESS);
  REQUIRE(cudnnGetRNNTempSpaceSizes(handle, rnn, CUDNN_FWD_MODE_TRAINING, x, &workspace_bytes, &reserve_bytes) ==
          CUDNN_STATUS_SUCCESS);
  const Problem p = problem();
  take("weights", weight_bytes);
  take("dweights", weight_bytes);
  std::memset(pointers["dweights"], 0, weight_bytes);
  take("workspace", workspace_bytes);
  take("reserve", reserve_bytes);
  double next = 0.1;
  const auto draw = [&](int64_t count) {
    Doubles drawn(static_cast<size_t>(count));
    for (double &value : drawn) {
      next = 3.9 * next * (1 - next);  // the logistic map, for spread values
      value = rondo::test::round_to(type(), next - 0.5);
    }
    return drawn;
  };
  values = {};
  values.x = draw(p.positions() * p.I);
  values.h0 = draw(p.state_size());
  values.dhn = draw(p.state_size());
  values.c0 = draw(p.cell_state_size());
  values.dcn = draw(p.cell_state_size());
  values.dy = draw(p.positions() * p.width());
  for (const auto &shape : p.param_shapes()) values.params.push_back(draw(shape.size()));
  const std::pair<const char *, const Doubles *> inputs[] = {{"x", &values.x},     {"hx", &values.h0},
                                                             {"cx", &values.c0},   {"dy", &values.dy},
                                                             {"dhy", &values.dhn}, {"dcy", &values.dcn}};
  for (const auto &[name, doubles] : inputs) {
    take(name, doubles->size() * element());
    write(name, *doubles);
  }
  for (const char *name : {"hy", "dhx"}) take(name, values.h0.size() * element());
  for (const char *name : {"cy", "dcx"}) take(name, values.c0.size() * element());
  take("y", values.dy.size() * element());
  take("dx", values.x.size() * element());
  for (const Gate &gate : gates("weights")) {
    rondo::test::encode(type(), values.params[gate.param].data() + gate.from, gate.count, gate.address);
  }
}

void CudnnNetwork::make(const NetworkSettings &wanted) {
  REQUIRE(set(wanted) == CUDNN_STATUS_SUCCESS);
  allocate();
}

rondo::test::Results CudnnNetwork::expected() const { return rondo::test::run_oracle(problem(), values); }

cudnnStatus_t CudnnNetwork::forward(cudnnForwardMode_t mode) {
  return cudnnRNNForward(handle, rnn, mode, device_lengths, x, at("x"), y, at("y"), h, at("hx"), at("hy"), c, at("cx"),
                         at("cy"), weight_bytes, at("weights"), workspace_bytes, at("workspace"), reserve_bytes,
                         at("reserve"));
}

cudnnStatus_t CudnnNetwork::backward_data() {
  return cudnnRNNBackwardData_v8(handle, rnn, device_lengths, y, at("y"), at("dy"), x, at("dx"), h, at("hx"), at("dhy"),
                                 at("dhx"), c, at("cx"), at("dcy"), at("dcx"), weight_bytes, at("weights"),
                                 workspace_bytes, at("workspace"), reserve_bytes, at("reserve"));
}

cudnnStatus_t CudnnNetwork::backward_weights(cudnnWgradMode_t mode) {
  return cudnnRNNBackwardWeights_v8(handle, rnn, mode, device_lengths, x, at("x"), h, at("hx"), y, at("y"),
                                    weight_bytes, at("dweights"), workspace_bytes, at("workspace"), reserve_bytes,
                                    at("reserve"));
}

}  // namespace rondo_test
