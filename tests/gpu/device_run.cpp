// Plan, arrays and calls of one shape.
// States are absent and their gradients not asked for: the peers of a benchmark then do the same work.
#include "device_run.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace rondo::gpu {
namespace {

using rondo::test::check;

constexpr std::align_val_t host_alignment{256};

int64_t plan_bytes(rondo_plan_t plan, rondo_status_t (*question)(rondo_plan_t, int64_t *)) {
  int64_t bytes = 0;
  check(question(plan, &bytes));
  return bytes;
}

// The library reads the environment when it makes a plan.
class ForcedTier {
 public:
  explicit ForcedTier(const std::string &tier) : forced_(!tier.empty()) {
    if (forced_) setenv(variable, tier.c_str(), 1);
  }
  ForcedTier(const ForcedTier &) = delete;
  ForcedTier &operator=(const ForcedTier &) = delete;
  ~ForcedTier() {
    if (forced_) unsetenv(variable);
  }

 private:
  static constexpr const char *variable = "RONDO_FUSED_TIER";
  const bool forced_;
};

}  // namespace

PlacedBuffer::PlacedBuffer(rondo_device_t device, int64_t bytes) : device_(device), bytes_(bytes) {
  const int64_t some = std::max<int64_t>(bytes, 1);
  if (device_ == RONDO_DEVICE_CUDA) {
    check(rondo_device_alloc(some, &memory_));
  } else {
    memory_ = ::operator new(static_cast<size_t>(some), host_alignment);
  }
}

PlacedBuffer::~PlacedBuffer() {
  if (device_ == RONDO_DEVICE_CUDA) {
    rondo_device_free(memory_);
  } else {
    ::operator delete(memory_, host_alignment);
  }
}

void PlacedBuffer::swap(PlacedBuffer &other) noexcept {
  std::swap(device_, other.device_);
  std::swap(bytes_, other.bytes_);
  std::swap(memory_, other.memory_);
}

void PlacedBuffer::write(const void *from, int64_t bytes, void *stream) const {
  if (bytes == 0) return;
  if (device_ == RONDO_DEVICE_CUDA) {
    check(rondo_copy(memory_, from, bytes, stream));
    check(rondo_stream_synchronize(stream));
  } else {
    std::memcpy(memory_, from, static_cast<size_t>(bytes));
  }
}

void PlacedBuffer::read(void *to, int64_t offset, int64_t bytes, void *stream) const {
  if (bytes == 0) return;
  const auto *from = static_cast<const unsigned char *>(memory_) + offset;
  if (device_ == RONDO_DEVICE_CUDA) {
    check(rondo_copy(to, from, bytes, stream));
    check(rondo_stream_synchronize(stream));
  } else {
    std::memcpy(to, from, static_cast<size_t>(bytes));
  }
}

Stream::Stream(rondo_device_t device) : device_(device) {
  if (device_ == RONDO_DEVICE_CUDA) check(rondo_stream_create(&stream_));
}

Stream::~Stream() {
  if (device_ == RONDO_DEVICE_CUDA) rondo_stream_destroy(stream_);
}

void Stream::synchronize() const {
  if (device_ == RONDO_DEVICE_CUDA) check(rondo_stream_synchronize(stream_));
}

DeviceRun::DeviceRun(const rondo::test::Context &context, const Shape &shape, const RunChoice &choice)
    : shape_(shape),
      pack_params_(choice.pack_params && !shape.is_training()),
      has_dropout_(choice.dropout > 0),
      rnn_(rondo::test::make_rnn()) {
  describe(choice);
  make_plan(context, choice.tier);
  place();
}

void DeviceRun::describe(const RunChoice &choice) {
  const std::pair<rondo_attribute_t, int64_t> attributes[] = {
      {RONDO_ATTR_CELL, shape_.cell},
      {RONDO_ATTR_INPUT_SIZE, shape_.I},
      {RONDO_ATTR_HIDDEN_SIZE, shape_.H},
      {RONDO_ATTR_NUM_LAYERS, shape_.L},
      {RONDO_ATTR_BIDIRECTIONAL, shape_.D - 1},
      {RONDO_ATTR_DTYPE, shape_.dtype},
      {RONDO_ATTR_BACKEND, choice.backend},
      {RONDO_ATTR_PERSISTENT, choice.tier.empty() ? RONDO_PERSISTENT_AUTO : RONDO_PERSISTENT_REQUIRE},
      {RONDO_ATTR_AUTOTUNE, choice.autotune ? 1 : 0},
      {RONDO_ATTR_ALLOW_TF32, choice.allow_tf32 ? 1 : 0},
      {RONDO_ATTR_DETERMINISTIC, choice.deterministic ? 1 : 0},
      {RONDO_ATTR_FIXED_BATCH, 1},
      // cuDNN's own calls consume the reserve, and every peer is used at its best.
      {RONDO_ATTR_CONSUME_RESERVE, 1}};
  for (const auto &[attribute, value] : attributes) check(rondo_rnn_set_int(rnn_.get(), attribute, value));
  check(rondo_rnn_set_float(rnn_.get(), RONDO_ATTR_DROPOUT, choice.dropout));
}

void DeviceRun::make_plan(const rondo::test::Context &context, const std::string &tier) {
  const ForcedTier forced(tier);
  rondo_plan_args_t args{};
  args.struct_size = sizeof args;
  args.mode = shape_.mode;
  args.sequence = shape_.sequence;
  args.max_T = shape_.T;
  args.max_N = shape_.N;
  args.max_S = shape_.sequence == RONDO_SEQUENCE_PACKED ? shape_.positions() : 0;
  plan_ = rondo::test::make_plan(context, rnn_, args);
  check(rondo_plan_device(plan_.get(), &device_));
}

PlacedBuffer DeviceRun::buffer(int64_t elements) const {
  return {device_, elements * static_cast<int64_t>(element_size(shape_.dtype))};
}

void DeviceRun::place() {
  lengths_ = shape_.lengths();
  batch_.T = shape_.T;
  batch_.N = shape_.N;
  if (shape_.sequence == RONDO_SEQUENCE_LENGTHS) batch_.lengths = lengths_.data();
  if (shape_.sequence == RONDO_SEQUENCE_PACKED) {
    batch_sizes_ = shape_.batch_sizes();
    batch_.S = shape_.positions();
    batch_.batch_sizes = batch_sizes_.data();
  }
  if (shape_.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS) {
    device_lengths_ = PlacedBuffer(device_, shape_.N * static_cast<int64_t>(sizeof(int64_t)));
    batch_.device_lengths = static_cast<const int64_t *>(device_lengths_.data());
  }
  if (has_dropout_) seed_and_offset_ = PlacedBuffer(device_, 2 * sizeof(uint64_t));
  x_ = buffer(shape_.positions() * shape_.I);
  y_ = buffer(shape_.positions() * shape_.D * shape_.H);
  hn_ = buffer(shape_.state_size());
  if (shape_.is_lstm()) cn_ = buffer(shape_.state_size());
  if (shape_.is_training()) {
    dy_ = buffer(shape_.positions() * shape_.D * shape_.H);
    dx_ = buffer(shape_.positions() * shape_.I);
    reserve_ = PlacedBuffer(device_, plan_bytes(plan_.get(), rondo_plan_reserve_size));
  }
  workspace_ = PlacedBuffer(device_, plan_bytes(plan_.get(), rondo_plan_workspace_size));
  int64_t count = 0;
  check(rondo_rnn_param_count(rnn_.get(), &count));
  for (int64_t index = 0; index < count; ++index) {
    rondo_param_info_t info{};
    info.struct_size = sizeof info;
    check(rondo_rnn_param_info(rnn_.get(), index, &info));
    params_.push_back(buffer(info.rows * info.columns));
    param_pointers_.push_back(params_.back().data());
    if (shape_.is_training()) {
      dparams_.push_back(buffer(info.rows * info.columns));
      dparam_pointers_.push_back(dparams_.back().data());
    }
  }
  if (pack_params_) packed_ = PlacedBuffer(device_, plan_bytes(plan_.get(), rondo_plan_packed_size));
}

void DeviceRun::fill(const Stream &stream) {
  const auto element = static_cast<int64_t>(element_size(shape_.dtype));
  int64_t array = first_param_array;
  for (PlacedBuffer &param : params_) {
    const auto values = pool_values(shape_.dtype, param.size() / element, param_bound(shape_), array++);
    param.write(values.data(), param.size(), stream.get());
  }
  if (pack_params_) {
    check(rondo_plan_pack_params(plan_.get(), param_pointers_.data(), static_cast<int64_t>(param_pointers_.size()),
                                 packed_.data(), packed_.size()));
  }
  refill(0, stream);
}

void DeviceRun::refill(int64_t variant, const Stream &stream) {
  const auto element = static_cast<int64_t>(element_size(shape_.dtype));
  const auto draw = [&](PlacedBuffer &buffer, int64_t array) {
    const auto values = pool_values(shape_.dtype, buffer.size() / element, data_bound, array + 1000 * variant);
    buffer.write(values.data(), buffer.size(), stream.get());
  };
  draw(x_, x_array);
  if (shape_.is_training()) draw(dy_, dy_array);
  if (shape_.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS) write_lengths(variant, stream);
  if (has_dropout_) write_seed(variant, stream);
}

void DeviceRun::write_seed(int64_t variant, const Stream &stream) {
  const auto number = static_cast<uint64_t>(variant);
  const uint64_t seed_and_offset[] = {42 + number, 8 * number};
  seed_and_offset_.write(seed_and_offset, seed_and_offset_.size(), stream.get());
}

void DeviceRun::write_lengths(int64_t variant, const Stream &stream) {
  std::vector<int64_t> lengths = shape_.lengths();
  std::rotate(lengths.begin(), lengths.begin() + variant % shape_.N, lengths.end());
  for (int64_t &length : lengths) length = std::max<int64_t>(0, length - variant);
  device_lengths_.write(lengths.data(), device_lengths_.size(), stream.get());
}

void DeviceRun::forward(const Stream &stream) {
  rondo_forward_args_t args{};
  args.struct_size = sizeof args;
  args.batch = batch_;
  args.x = x_.data();
  if (pack_params_) {
    args.packed_params = packed_.data();
  } else {
    args.params = param_pointers_.data();
    args.param_count = static_cast<int64_t>(param_pointers_.size());
  }
  args.y = y_.data();
  args.hn = hn_.data();
  args.cn = cn_.data();
  if (has_dropout_) {
    args.seed_ptr = static_cast<const uint64_t *>(seed_and_offset_.data());
    args.offset_ptr = args.seed_ptr + 1;
  }
  args.workspace = workspace_.data();
  args.workspace_size = workspace_.size();
  args.reserve = shape_.is_training() ? reserve_.data() : nullptr;
  args.reserve_size = reserve_.size();
  args.stream = stream.get();
  check(rondo_forward(plan_.get(), &args));
}

void DeviceRun::backward(const Stream &stream) {
  rondo_backward_args_t args{};
  args.struct_size = sizeof args;
  args.batch = batch_;
  args.x = x_.data();
  args.params = param_pointers_.data();
  args.param_count = static_cast<int64_t>(param_pointers_.size());
  args.y = y_.data();
  args.dy = dy_.data();
  args.dx = dx_.data();
  args.dparams = dparam_pointers_.data();
  args.workspace = workspace_.data();
  args.workspace_size = workspace_.size();
  args.reserve = reserve_.data();
  args.reserve_size = reserve_.size();
  args.stream = stream.get();
  check(rondo_backward(plan_.get(), &args));
}

void DeviceRun::call(const Stream &stream) {
  forward(stream);
  if (shape_.is_training()) backward(stream);
}

std::vector<const PlacedBuffer *> DeviceRun::written() const {
  std::vector<const PlacedBuffer *> all{&y_, &hn_};
  if (shape_.is_lstm()) all.push_back(&cn_);
  if (shape_.is_training()) all.push_back(&dx_);
  for (const PlacedBuffer &dparam : dparams_) all.push_back(&dparam);
  return all;
}

std::vector<unsigned char> DeviceRun::outputs(const Stream &stream) const {
  std::vector<unsigned char> all;
  for (const PlacedBuffer *buffer : written()) {
    const size_t start = all.size();
    all.resize(start + static_cast<size_t>(buffer->size()));
    buffer->read(all.data() + start, 0, buffer->size(), stream.get());
  }
  return all;
}

void DeviceRun::poison(const Stream &stream) {
  for (const PlacedBuffer *buffer : written()) {
    const std::vector<unsigned char> nan(static_cast<size_t>(buffer->size()), 0xFF);
    buffer->write(nan.data(), buffer->size(), stream.get());
  }
}

std::vector<double> DeviceRun::probe(const Stream &stream) const {
  const auto element = static_cast<int64_t>(element_size(shape_.dtype));
  std::vector<double> values(static_cast<size_t>(probe_count));
  for (int64_t k = 0; k < probe_count; ++k) {
    unsigned char bytes[8];
    y_.read(bytes, probe_index(k, y_.size() / element) * element, element, stream.get());
    rondo::test::decode(test_dtype(shape_.dtype), bytes, 1, &values[static_cast<size_t>(k)]);
  }
  const bool finite = std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  const bool moved = std::any_of(values.begin(), values.end(), [](double value) { return value != 0; });
  if (!finite || !moved) throw std::runtime_error(finite ? "y is all zeros" : "y is not finite");
  return values;
}

}  // namespace rondo::gpu
