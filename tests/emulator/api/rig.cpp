// Arrays of values that differ everywhere, so that a mixed-up one shows; no value is of interest beyond that.
#include "rig.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>

#include "support/catch.h"
#include "support/element.h"

namespace rondo::test::gpu {
namespace {

rondo_plan_args_t plan_args(const Shape &shape) {
  rondo_plan_args_t args{};
  args.struct_size = sizeof args;
  args.mode = shape.mode;
  args.sequence = shape.sequence;
  args.max_T = shape.T;
  args.max_N = shape.N;
  return args;
}

void require(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("the emulator: ") + cudaGetErrorString(error));
}

int64_t positions(const Shape &shape, const std::vector<int64_t> &lengths) {
  if (shape.sequence != RONDO_SEQUENCE_PACKED) return shape.T * shape.N;
  int64_t sum = 0;
  for (const int64_t length : lengths) sum += length;
  return sum;
}

// Rows of different lengths, unsorted.
std::vector<int64_t> mixed_lengths(const Shape &shape) {
  std::vector<int64_t> lengths;
  for (int64_t n = 0; n < shape.N; ++n) lengths.push_back(n == 1 || shape.N == 1 ? shape.T : 1 + (n + 1) % shape.T);
  return lengths;
}

void fill(const DeviceArray &array, rondo_dtype_t dtype, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto type = static_cast<Dtype>(dtype);
  std::vector<double> values(array.size() / size_of(type));
  for (double &value : values) value = static_cast<double>(random() >> 11U) * 0x1p-52 - 1;
  std::vector<unsigned char> bytes(values.size() * size_of(type));
  encode(type, values.data(), values.size(), bytes.data());
  array.write(bytes.data(), bytes.size());
}

}  // namespace

Shape Shape::with(rondo_attribute_t attribute, int64_t value) const {
  Shape other = *this;
  other.attributes.emplace_back(attribute, value);
  return other;
}

Shape Shape::with(rondo_sequence_t other) const {
  Shape changed = *this;
  changed.sequence = other;
  return changed;
}

rondo_dtype_t Shape::dtype() const {
  rondo_dtype_t found = RONDO_F32;
  for (const auto &[attribute, value] : attributes) {
    if (attribute == RONDO_ATTR_DTYPE) found = static_cast<rondo_dtype_t>(value);
  }
  return found;
}

Rnn make_rnn(const Shape &shape) {
  Rnn rnn = test::make_rnn();
  const auto set = [&](rondo_attribute_t attribute, int64_t value) {
    check(rondo_rnn_set_int(rnn.get(), attribute, value));
  };
  set(RONDO_ATTR_BACKEND, shape.backend);
  set(RONDO_ATTR_CELL, shape.cell);
  set(RONDO_ATTR_INPUT_SIZE, shape.I);
  set(RONDO_ATTR_HIDDEN_SIZE, shape.H);
  set(RONDO_ATTR_NUM_LAYERS, shape.L);
  set(RONDO_ATTR_BIDIRECTIONAL, shape.D - 1);
  check(rondo_rnn_set_float(rnn.get(), RONDO_ATTR_DROPOUT, shape.dropout));
  for (const auto &[attribute, value] : shape.attributes) set(attribute, value);
  return rnn;
}

Plan make_plan(const Context &context, const Shape &shape) {
  return test::make_plan(context, make_rnn(shape), plan_args(shape));
}

std::string explained(const Context &context, const Shape &shape) {
  return rondo_plan_explain(make_plan(context, shape).get());
}

DeviceArray::DeviceArray(size_t bytes) : size_(bytes) {
  void *memory = nullptr;
  require(cudaMalloc(&memory, std::max<size_t>(bytes, 1)));
  memory_.reset(memory, [](void *taken) { static_cast<void>(cudaFree(taken)); });
}

void DeviceArray::write(const void *from, size_t bytes, size_t begin) const {
  require(cudaMemcpy(static_cast<unsigned char *>(get()) + begin, from, bytes, cudaMemcpyHostToDevice));
}

void DeviceArray::fill(unsigned char value) const {
  const std::vector<unsigned char> bytes(size_, value);
  write(bytes.data(), size_);
}

std::vector<unsigned char> DeviceArray::read() const {
  std::vector<unsigned char> bytes(size_);
  require(cudaMemcpy(bytes.data(), get(), size_, cudaMemcpyDeviceToHost));
  return bytes;
}

Rig::Rig(const Context &context, const Shape &shape, uint64_t seed)
    : shape_(shape), rnn_(make_rnn(shape)), plan_(make_plan(context, shape)), lengths_(mixed_lengths(shape)) {
  require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  add_arrays();
  for (const auto &[name, array] : arrays_) fill(array, shape.dtype(), seed + std::hash<std::string>()(name));
  spoil();
  bind_arrays();
  set_lengths(lengths_);
}

Rig::~Rig() { static_cast<void>(cudaStreamDestroy(stream_)); }

void Rig::add(const std::string &name, int64_t bytes, bool output) {
  arrays_.emplace(name, DeviceArray(static_cast<size_t>(bytes)));
  if (output) outputs_.push_back(name);
}

void Rig::add_arrays() {
  const Shape &s = shape_;
  const int64_t element = sizeof(float);
  const int64_t rows = positions(s, lengths_) * element;
  const int64_t states = s.L * s.D * s.N * s.H * element;
  const bool cells = s.cell == RONDO_CELL_LSTM;
  const bool training = s.mode == RONDO_TRAINING;
  int64_t flat = 0, workspace = 0, reserve = 0;
  check(rondo_rnn_flat_size(rnn_.get(), &flat));
  check(rondo_plan_workspace_size(plan(), &workspace));
  check(rondo_plan_reserve_size(plan(), &reserve));
  add("params", flat * element, false);
  add("x", rows * s.I, false);
  add("h0", states, false);
  add("y", rows * s.D * s.H, true);
  add("hn", states, true);
  if (cells) {
    add("c0", states, false);
    add("cn", states, true);
  }
  add("workspace", workspace, false);
  if (s.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS) add("device_lengths", s.N * int64_t{sizeof(int64_t)}, false);
  if (!training) return;
  add("reserve", reserve, false);
  add("dy", rows * s.D * s.H, false);
  add("dhn", states, false);
  add("dx", rows * s.I, true);
  add("dh0", states, true);
  if (cells) {
    add("dcn", states, false);
    add("dc0", states, true);
  }
  add("dparams", flat * element, true);
}

void Rig::bind_arrays() {
  const auto at = [&](const char *name) { return arrays_.count(name) != 0 ? arrays_.at(name).get() : nullptr; };
  forward.struct_size = sizeof forward;
  backward.struct_size = sizeof backward;
  forward.batch.T = shape_.T;
  forward.batch.N = shape_.N;
  forward.stream = backward.stream = stream_;
  forward.x = backward.x = at("x");
  forward.h0 = backward.h0 = at("h0");
  forward.c0 = backward.c0 = at("c0");
  forward.y = at("y");
  forward.hn = at("hn");
  forward.cn = at("cn");
  backward.y = at("y");
  backward.dy = at("dy");
  backward.dhn = at("dhn");
  backward.dcn = at("dcn");
  backward.dx = at("dx");
  backward.dh0 = at("dh0");
  backward.dc0 = at("dc0");
  forward.workspace = backward.workspace = at("workspace");
  forward.workspace_size = backward.workspace_size = static_cast<int64_t>(array("workspace").size());
  forward.reserve = backward.reserve = at("reserve");
  if (forward.reserve != nullptr) {
    forward.reserve_size = backward.reserve_size = static_cast<int64_t>(array("reserve").size());
  }
  forward.batch.device_lengths = static_cast<const int64_t *>(at("device_lengths"));
}

void Rig::bind_host_arrays() {
  host_ = std::make_unique<HostArrays>();
  int64_t count = 0;
  check(rondo_rnn_param_count(rnn_.get(), &count));
  for (int64_t index = 0; index < count; ++index) {
    rondo_param_info_t info{};
    info.struct_size = sizeof info;
    check(rondo_rnn_param_info(rnn_.get(), index, &info));
    host_->params.push_back(static_cast<float *>(array("params").get()) + info.offset);
    if (shape_.mode == RONDO_TRAINING) {
      host_->dparams.push_back(static_cast<float *>(array("dparams").get()) + info.offset);
    }
  }
  forward.params = backward.params = host_->params.data();
  forward.param_count = backward.param_count = count;
  backward.dparams = host_->dparams.data();
}

void Rig::set_lengths(const std::vector<int64_t> &lengths) {
  lengths_ = lengths;
  bind_host_arrays();
  rondo_batch_t &batch = forward.batch;
  const auto N = static_cast<int64_t>(lengths.size());
  if (shape_.sequence == RONDO_SEQUENCE_LENGTHS) {
    host_->lengths = lengths;
    batch.lengths = host_->lengths.data();
  } else if (shape_.sequence == RONDO_SEQUENCE_PACKED) {
    host_->batch_sizes.resize(static_cast<size_t>(shape_.T));
    host_->sorted_indices.resize(lengths.size());
    check(rondo_batch_sizes_from_lengths(lengths.data(), N, 0, host_->batch_sizes.data(), shape_.T, &batch.T, &batch.S,
                                         host_->sorted_indices.data(), nullptr));
    batch.batch_sizes = host_->batch_sizes.data();
    batch.sorted_indices = host_->sorted_indices.data();
  } else if (shape_.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS) {
    array("device_lengths").write(lengths.data(), lengths.size() * sizeof(int64_t));
  }
  backward.batch = batch;
}

void Rig::take_host_arrays_away() {
  const auto spoil_all = [](auto &values) {
    if (!values.empty()) std::memset(static_cast<void *>(values.data()), 0x5c, values.size() * sizeof values[0]);
  };
  spoil_all(host_->lengths);
  spoil_all(host_->batch_sizes);
  spoil_all(host_->sorted_indices);
  spoil_all(host_->params);
  spoil_all(host_->dparams);
  host_.reset();
}

Bytes Rig::results() {
  spoil();
  run_forward();
  if (shape_.mode == RONDO_TRAINING) run_backward();
  return outputs();
}

void Rig::synchronize() const { require(cudaStreamSynchronize(stream_)); }

Bytes Rig::outputs() const {
  synchronize();
  Bytes bytes;
  for (const std::string &name : outputs_) bytes[name] = array(name).read();
  return bytes;
}

void Rig::spoil() const {
  synchronize();
  for (const std::string &name : outputs_) array(name).fill(0xa5);
  array("workspace").fill(0xff);
  if (shape_.mode == RONDO_TRAINING) array("reserve").fill(0xff);
}

Graph::Graph(cudaStream_t stream, const std::function<void()> &body) {
  cudaGraph_t graph = nullptr;
  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  body();
  require(cudaStreamEndCapture(stream, &graph));
  require(cudaGraphInstantiate(&exec_, graph, 0));
  require(cudaGraphDestroy(graph));
}

Graph::~Graph() { static_cast<void>(cudaGraphExecDestroy(exec_)); }

void Graph::replay(cudaStream_t stream) const {
  require(cudaGraphLaunch(exec_, stream));
  require(cudaStreamSynchronize(stream));
}

std::string failure(rondo_status_t expected, rondo_status_t given) {
  return given == expected ? rondo_last_error() : std::string("the status is ") + rondo_status_name(given);
}

std::string refused_plan(rondo_status_t status, const Shape &shape) {
  const Context context = make_context();
  const Rnn rnn = make_rnn(shape);
  const rondo_plan_args_t args = plan_args(shape);
  rondo_plan_t plan = nullptr;
  std::string text = failure(status, rondo_plan_create(context.get(), rnn.get(), &args, &plan));
  CHECK(plan == nullptr);
  return text;
}

void check_interleaved(Rig &one, Rig &other) {
  const Bytes one_alone = one.results();
  const Bytes other_alone = other.results();
  one.spoil();
  other.spoil();
  one.run_forward();
  other.run_forward();
  one.run_backward();
  other.run_backward();
  CHECK(other.outputs() == other_alone);
  CHECK(one.outputs() == one_alone);
}

Variable::Variable(std::string name, const std::string &value) : name_(std::move(name)) {
  const char *before = std::getenv(name_.c_str());
  was_set_ = before != nullptr;
  before_ = was_set_ ? before : "";
  setenv(name_.c_str(), value.c_str(), 1);
}

Variable::~Variable() {
  if (was_set_) {
    setenv(name_.c_str(), before_.c_str(), 1);
  } else {
    unsetenv(name_.c_str());
  }
}

}  // namespace rondo::test::gpu
