// The runner: memory and calls of a plan.
// Workspace is poisoned with NaN before each call and every array has a guard behind it, checked after each call.
#include "runner.h"

#include <cstring>
#include <stdexcept>

namespace rondo::test {
namespace {

// The word of faults is added to, so it does not start at 0.
constexpr std::uint32_t faults_before = 1000;

std::size_t to_size(std::int64_t value) { return static_cast<std::size_t>(value); }

MemorySpace space_of(rondo_plan_t plan) {
  rondo_device_t device = RONDO_DEVICE_AUTO;
  check(rondo_plan_device(plan, &device));
  return MemorySpace(device);
}

AlignedBuffer buffer_for(const MemorySpace &space, rondo_plan_t plan,
                         rondo_status_t (*size_of_buffer)(rondo_plan_t, std::int64_t *)) {
  std::int64_t bytes = 0;
  check(size_of_buffer(plan, &bytes));
  return {space, to_size(bytes)};
}

std::int64_t buffer_size(const AlignedBuffer &buffer) { return static_cast<std::int64_t>(buffer.size()); }

// Absent arrays stay absent.
TypedArray array_of(const MemorySpace &space, Dtype dtype, const std::vector<double> &values) {
  return values.empty() ? TypedArray() : TypedArray(space, dtype, values);
}

}  // namespace

Runner::Runner(const Problem &problem, const RunOptions &options)
    : problem_(problem),
      options_(options),
      cell_state_(options.cell_state_f32 && is_16_bit(options.dtype) ? Dtype::f32 : options.dtype),
      param_grad_(options.param_grad_f32 && is_16_bit(options.dtype) ? Dtype::f32 : options.dtype),
      library_(plan_of(problem, options)),
      space_(space_of(library_.plan.get())) {
  describe_batch();
  allocate();
}

void Runner::describe_batch() {
  // Reserved, so that no rows or no steps still have an address.
  batch_.lengths.reserve(1);
  batch_.lengths32.reserve(1);
  batch_.batch_sizes.reserve(1);
  batch_.args.T = problem_.T;
  batch_.args.N = problem_.N;
  if (problem_.sequence == Sequence::lengths) {
    describe_lengths();
  } else if (problem_.sequence == Sequence::packed) {
    batch_.args.S = problem_.positions();
    const std::vector<std::int64_t> batch_sizes = problem_.batch_sizes();
    batch_.batch_sizes.assign(batch_sizes.begin(), batch_sizes.end());
    batch_.sorted_indices = problem_.sorted_indices;
    batch_.args.batch_sizes = batch_.batch_sizes.data();
    if (!batch_.sorted_indices.empty()) batch_.args.sorted_indices = batch_.sorted_indices.data();
  }
}

void Runner::describe_lengths() {
  batch_.lengths = options_.given_lengths.empty() ? problem_.lengths : options_.given_lengths;
  batch_.lengths32.assign(batch_.lengths.begin(), batch_.lengths.end());
  if (options_.device_lengths) {
    const std::size_t element = options_.lengths32 ? sizeof(std::int32_t) : sizeof(std::int64_t);
    batch_.device_lengths = AlignedBuffer(space_, batch_.lengths.size() * element);
    batch_.device_faults = AlignedBuffer(space_, sizeof(std::uint32_t));
    batch_.device_faults.write(&faults_before);
    if (options_.lengths32) {
      batch_.args.device_lengths32 = static_cast<const std::int32_t *>(batch_.device_lengths.data());
    } else {
      batch_.args.device_lengths = static_cast<const std::int64_t *>(batch_.device_lengths.data());
    }
    batch_.args.device_faults = static_cast<std::uint32_t *>(batch_.device_faults.data());
  } else if (options_.lengths32) {
    batch_.args.lengths32 = batch_.lengths32.data();
  } else {
    batch_.args.lengths = batch_.lengths.data();
  }
}

void Runner::write_device_lengths() {
  if (!options_.device_lengths) return;
  const void *lengths = batch_.lengths.data();
  batch_.device_lengths.write(options_.lengths32 ? batch_.lengths32.data() : lengths);
}

void Runner::allocate() {
  const std::uint64_t seed_and_offset[] = {problem_.seed, problem_.offset};
  seed_and_offset_ = AlignedBuffer(space_, sizeof(seed_and_offset));
  seed_and_offset_.write(seed_and_offset);
  workspace_ = buffer_for(space_, library_.plan.get(), rondo_plan_workspace_size);
  reserve_ = buffer_for(space_, library_.plan.get(), rondo_plan_reserve_size);

  std::int64_t count = 0;
  check(rondo_rnn_param_count(library_.rnn.get(), &count));
  const std::vector<ParamShape> shapes = problem_.param_shapes();
  if (to_size(count) != shapes.size()) throw std::runtime_error("rondo_rnn_param_count differs from PyTorch's count");
  y_ = TypedArray(space_, options_.dtype, to_size(problem_.positions() * problem_.width()));
  hn_ = TypedArray(space_, options_.dtype, to_size(problem_.state_size()));
  if (problem_.is_lstm()) cn_ = TypedArray(space_, cell_state_, to_size(problem_.cell_state_size()));
}

void Runner::forward(const Values &values) {
  x_ = TypedArray(space_, options_.dtype, values.x);
  h0_ = array_of(space_, options_.dtype, values.h0);
  c0_ = array_of(space_, cell_state_, values.c0);
  dy_ = array_of(space_, options_.dtype, values.dy);
  dhn_ = array_of(space_, options_.dtype, values.dhn);
  dcn_ = array_of(space_, cell_state_, values.dcn);
  params_.clear();
  param_pointers_.clear();
  for (const std::vector<double> &param : values.params) {
    params_.emplace_back(space_, options_.dtype, param);
    param_pointers_.push_back(params_.back().data());
  }
  const auto count = static_cast<std::int64_t>(param_pointers_.size());

  rondo_forward_args_t args{};
  args.struct_size = sizeof(args);
  args.batch = batch_.args;
  args.x = x_.data();
  args.h0 = h0_.data();
  args.c0 = c0_.data();
  if (options_.pack_params) {
    packed_ = buffer_for(space_, library_.plan.get(), rondo_plan_packed_size);
    space_.synchronize();  // packing has another stream
    check(rondo_plan_pack_params(library_.plan.get(), param_pointers_.data(), count, packed_.data(),
                                 buffer_size(packed_)));
    args.packed_params = packed_.data();
  } else {
    args.params = param_pointers_.data();
    args.param_count = count;
  }
  args.y = y_.data();
  args.hn = hn_.data();
  args.cn = cn_.data();
  // By pointer, the values beside them must be ignored.
  const auto *pointer = static_cast<const std::uint64_t *>(seed_and_offset_.data());
  args.seed = options_.seed_by_pointer ? ~problem_.seed : problem_.seed;
  args.offset = options_.seed_by_pointer ? ~problem_.offset : problem_.offset;
  args.seed_ptr = options_.seed_by_pointer ? pointer : nullptr;
  args.offset_ptr = options_.seed_by_pointer ? pointer + 1 : nullptr;
  workspace_.fill(0xFF);
  args.workspace = workspace_.data();
  args.workspace_size = buffer_size(workspace_);
  if (problem_.training) {
    args.reserve = reserve_.data();
    args.reserve_size = buffer_size(reserve_);
  }
  args.stream = space_.stream();
  write_device_lengths();
  check(rondo_forward(library_.plan.get(), &args));
  // Backward has its own copy.
  if (options_.device_lengths) batch_.device_lengths.fill(0xFF);
  check_guards();
}

void Runner::backward(const GradientChoice &choice) {
  std::vector<void *> dparam_pointers;
  if (!choice.accumulate) {
    dx_ = choice.dx ? TypedArray(space_, options_.dtype, to_size(problem_.positions() * problem_.I)) : TypedArray();
    dh0_ = choice.dh0 ? TypedArray(space_, options_.dtype, to_size(problem_.state_size())) : TypedArray();
    const bool has_dc0 = choice.dc0 && problem_.is_lstm();
    dc0_ = has_dc0 ? TypedArray(space_, cell_state_, to_size(problem_.cell_state_size())) : TypedArray();
    dparams_.clear();
    for (const ParamShape &shape : problem_.param_shapes()) {
      const bool wanted = choice.params.empty() || choice.params[dparams_.size()];
      dparams_.push_back(wanted && choice.dparams ? TypedArray(space_, param_grad_, to_size(shape.size()))
                                                  : TypedArray());
    }
  }
  for (TypedArray &dparam : dparams_) dparam_pointers.push_back(dparam.data());

  rondo_backward_args_t args{};
  args.struct_size = sizeof(args);
  args.batch = batch_.args;
  args.x = x_.data();
  args.h0 = h0_.data();
  args.c0 = c0_.data();
  args.params = param_pointers_.data();
  args.param_count = static_cast<std::int64_t>(param_pointers_.size());
  args.y = y_.data();
  args.dy = dy_.data();
  args.dhn = dhn_.data();
  args.dcn = dcn_.data();
  args.dx = dx_.data();
  args.dh0 = dh0_.data();
  args.dc0 = dc0_.data();
  args.dparams = choice.dparams ? dparam_pointers.data() : nullptr;
  args.accumulate = choice.accumulate ? 1 : 0;
  workspace_.fill(0xFF);
  args.workspace = workspace_.data();
  args.workspace_size = buffer_size(workspace_);
  args.reserve = reserve_.data();
  args.reserve_size = buffer_size(reserve_);
  args.stream = space_.stream();
  std::vector<std::uint8_t> reserve_before;
  if (!options_.consume_reserve) reserve_before = reserve_.bytes();
  check(rondo_backward(library_.plan.get(), &args));
  check_guards();
  if (!options_.consume_reserve && reserve_.bytes() != reserve_before) {
    throw std::runtime_error("backward changed the reserve");
  }
}

Results Runner::results() const {
  Results results;
  results.y = y_.values();
  results.hn = hn_.values();
  results.cn = cn_.values();
  results.dx = dx_.values();
  results.dh0 = dh0_.values();
  results.dc0 = dc0_.values();
  for (const TypedArray &dparam : dparams_) results.dparams.push_back(dparam.values());
  return results;
}

std::vector<std::uint8_t> Runner::bytes() const {
  std::vector<std::uint8_t> all;
  const auto append = [&](const TypedArray &array) {
    const std::vector<std::uint8_t> bytes = array.bytes();
    all.insert(all.end(), bytes.begin(), bytes.end());
  };
  for (const TypedArray *array : {&y_, &hn_, &cn_, &dx_, &dh0_, &dc0_}) append(*array);
  for (const TypedArray &dparam : dparams_) append(dparam);
  return all;
}

std::string Runner::backend_name() const { return rondo_plan_backend_name(library_.plan.get()); }

std::uint32_t Runner::device_faults() const {
  std::uint32_t faults = 0;
  std::memcpy(&faults, batch_.device_faults.bytes().data(), sizeof(faults));
  return faults - faults_before;
}

// Waits for the call, and for its errors.
void Runner::check_guards() const {
  std::vector<const AlignedBuffer *> buffers{
      &workspace_, &reserve_, &packed_, &seed_and_offset_, &batch_.device_lengths, &batch_.device_faults};
  for (const TypedArray *array : {&x_, &h0_, &c0_, &dy_, &dhn_, &dcn_, &y_, &hn_, &cn_, &dx_, &dh0_, &dc0_}) {
    buffers.push_back(&array->buffer());
  }
  for (const TypedArray &param : params_) buffers.push_back(&param.buffer());
  for (const TypedArray &dparam : dparams_) buffers.push_back(&dparam.buffer());
  if (!guards_intact(space_, buffers)) throw std::runtime_error("the library wrote beyond the end of an array");
}

Results run_library(const Problem &problem, const Values &values, const RunOptions &options,
                    const GradientChoice &choice) {
  Runner runner(problem, options);
  runner.forward(values);
  if (problem.training) runner.backward(choice);
  return runner.results();
}

}  // namespace rondo::test
