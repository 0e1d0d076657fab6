// The runner: attributes, plan, memory, calls.
// Workspace is poisoned with NaN before each call and every array has a guard behind it, checked after each call.
#include "runner.h"

#include <cstdlib>
#include <map>
#include <stdexcept>

namespace rondo::test {
namespace {

std::size_t to_size(std::int64_t value) { return static_cast<std::size_t>(value); }

// One context per thread count, for a context costs a team of threads.
const Context &shared_context(std::int64_t threads) {
  static std::map<std::int64_t, Context> contexts;
  Context &context = contexts[threads];
  if (context == nullptr) {
    context = make_context();
    check(rondo_context_set_threads(context.get(), threads));
  }
  return context;
}

std::int64_t wanted_backend() {
  const char *name = std::getenv("RONDO_TEST_BACKEND");
  if (name == nullptr || *name == '\0') return RONDO_BACKEND_AUTO;
  const std::map<std::string, std::int64_t> backends{{"auto", RONDO_BACKEND_AUTO},
                                                     {"cpu", RONDO_BACKEND_CPU},
                                                     {"cudnn", RONDO_BACKEND_CUDNN},
                                                     {"fused", RONDO_BACKEND_FUSED}};
  const auto found = backends.find(name);
  if (found == backends.end()) {
    throw std::runtime_error(std::string("RONDO_TEST_BACKEND is ") + name +
                             ", but auto, cpu, cudnn or fused was expected");
  }
  return found->second;
}

Rnn describe_rnn(const Problem &problem, const RunOptions &options) {
  Rnn rnn = make_rnn();
  const auto set_int = [&](rondo_attribute_t attribute, std::int64_t value) {
    check(rondo_rnn_set_int(rnn.get(), attribute, value));
  };
  set_int(RONDO_ATTR_CELL, static_cast<std::int64_t>(problem.cell));
  set_int(RONDO_ATTR_INPUT_SIZE, problem.I);
  set_int(RONDO_ATTR_HIDDEN_SIZE, problem.H);
  set_int(RONDO_ATTR_PROJ_SIZE, problem.P);
  set_int(RONDO_ATTR_NUM_LAYERS, problem.L);
  set_int(RONDO_ATTR_BIDIRECTIONAL, problem.D == 2 ? 1 : 0);
  set_int(RONDO_ATTR_BIAS, problem.bias ? 1 : 0);
  set_int(RONDO_ATTR_DTYPE, static_cast<std::int64_t>(options.dtype));
  set_int(RONDO_ATTR_CELL_STATE_TYPE, options.cell_state_f32 ? RONDO_AS_F32 : RONDO_AS_STORAGE);
  set_int(RONDO_ATTR_PARAM_GRAD_TYPE, options.param_grad_f32 ? RONDO_AS_F32 : RONDO_AS_STORAGE);
  set_int(RONDO_ATTR_LAYOUT, problem.batch_major ? RONDO_BATCH_MAJOR : RONDO_TIME_MAJOR);
  set_int(RONDO_ATTR_SINGLE_CELL, problem.single_cell ? 1 : 0);
  set_int(RONDO_ATTR_BACKEND, wanted_backend());
  check(rondo_rnn_set_float(rnn.get(), RONDO_ATTR_DROPOUT, problem.dropout));
  check(rondo_rnn_set_float(rnn.get(), RONDO_ATTR_PADDING_VALUE, problem.padding_value));
  return rnn;
}

AlignedBuffer buffer_for(rondo_plan_t plan, rondo_status_t (*size_of_buffer)(rondo_plan_t, std::int64_t *)) {
  std::int64_t bytes = 0;
  check(size_of_buffer(plan, &bytes));
  return AlignedBuffer(to_size(bytes));
}

std::int64_t buffer_size(const AlignedBuffer &buffer) { return static_cast<std::int64_t>(buffer.size()); }

// Absent arrays stay absent.
TypedArray array_of(Dtype dtype, const std::vector<double> &values) {
  return values.empty() ? TypedArray() : TypedArray(dtype, values);
}

}  // namespace

Runner::Runner(const Problem &problem, const RunOptions &options)
    : problem_(problem),
      options_(options),
      cell_state_(options.cell_state_f32 && is_16_bit(options.dtype) ? Dtype::f32 : options.dtype),
      param_grad_(options.param_grad_f32 && is_16_bit(options.dtype) ? Dtype::f32 : options.dtype),
      rnn_(describe_rnn(problem, options)),
      seed_(problem.seed),
      offset_(problem.offset) {
  describe_batch();
  make_plan_and_memory();
}

void Runner::describe_batch() {
  // Reserved, so that no rows or no steps still have an address.
  batch_.lengths.reserve(1);
  batch_.lengths32.reserve(1);
  batch_.batch_sizes.reserve(1);
  batch_.args.T = problem_.T;
  batch_.args.N = problem_.N;
  if (problem_.sequence == Sequence::lengths) {
    batch_.lengths.assign(problem_.lengths.begin(), problem_.lengths.end());
    batch_.lengths32.assign(batch_.lengths.begin(), batch_.lengths.end());
    if (options_.lengths32) {
      batch_.args.lengths32 = batch_.lengths32.data();
    } else {
      batch_.args.lengths = batch_.lengths.data();
    }
  } else if (problem_.sequence == Sequence::packed) {
    batch_.args.S = problem_.positions();
    const std::vector<std::int64_t> batch_sizes = problem_.batch_sizes();
    batch_.batch_sizes.assign(batch_sizes.begin(), batch_sizes.end());
    batch_.sorted_indices = problem_.sorted_indices;
    batch_.args.batch_sizes = batch_.batch_sizes.data();
    if (!batch_.sorted_indices.empty()) batch_.args.sorted_indices = batch_.sorted_indices.data();
  }
}

void Runner::make_plan_and_memory() {
  rondo_plan_args_t args{};
  args.struct_size = sizeof(args);
  args.mode = problem_.training ? RONDO_TRAINING : RONDO_INFERENCE;
  args.sequence = static_cast<rondo_sequence_t>(problem_.sequence);
  args.max_T = problem_.T + options_.extra_T;
  args.max_N = problem_.N + options_.extra_N;
  if (options_.tight_S) {
    for (std::int64_t row = 0; row < problem_.N; ++row) args.max_S += problem_.length(row);
    args.max_S += options_.extra_S;
  }
  plan_ = make_plan(shared_context(options_.threads), rnn_, args);
  rondo_device_t device = RONDO_DEVICE_AUTO;
  check(rondo_plan_device(plan_.get(), &device));
  if (device != RONDO_DEVICE_CPU) throw std::runtime_error("this runner places its arrays in host memory only");
  workspace_ = buffer_for(plan_.get(), rondo_plan_workspace_size);
  reserve_ = buffer_for(plan_.get(), rondo_plan_reserve_size);

  std::int64_t count = 0;
  check(rondo_rnn_param_count(rnn_.get(), &count));
  const std::vector<ParamShape> shapes = problem_.param_shapes();
  if (to_size(count) != shapes.size()) throw std::runtime_error("rondo_rnn_param_count differs from PyTorch's count");
  y_ = TypedArray(options_.dtype, to_size(problem_.positions() * problem_.width()));
  hn_ = TypedArray(options_.dtype, to_size(problem_.state_size()));
  if (problem_.is_lstm()) cn_ = TypedArray(cell_state_, to_size(problem_.cell_state_size()));
}

void Runner::forward(const Values &values) {
  x_ = TypedArray(options_.dtype, values.x);
  h0_ = array_of(options_.dtype, values.h0);
  c0_ = array_of(cell_state_, values.c0);
  dy_ = array_of(options_.dtype, values.dy);
  dhn_ = array_of(options_.dtype, values.dhn);
  dcn_ = array_of(cell_state_, values.dcn);
  params_.clear();
  param_pointers_.clear();
  for (const std::vector<double> &param : values.params) {
    params_.emplace_back(options_.dtype, param);
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
    packed_ = buffer_for(plan_.get(), rondo_plan_packed_size);
    check(rondo_plan_pack_params(plan_.get(), param_pointers_.data(), count, packed_.data(), buffer_size(packed_)));
    args.packed_params = packed_.data();
  } else {
    args.params = param_pointers_.data();
    args.param_count = count;
  }
  args.y = y_.data();
  args.hn = hn_.data();
  args.cn = cn_.data();
  // By pointer, the values beside them must be ignored.
  args.seed = options_.seed_by_pointer ? ~seed_ : seed_;
  args.offset = options_.seed_by_pointer ? ~offset_ : offset_;
  args.seed_ptr = options_.seed_by_pointer ? &seed_ : nullptr;
  args.offset_ptr = options_.seed_by_pointer ? &offset_ : nullptr;
  workspace_.fill(0xFF);
  args.workspace = workspace_.data();
  args.workspace_size = buffer_size(workspace_);
  if (problem_.training) {
    args.reserve = reserve_.data();
    args.reserve_size = buffer_size(reserve_);
  }
  check(rondo_forward(plan_.get(), &args));
  check_guards();
}

void Runner::backward(const GradientChoice &choice) {
  std::vector<void *> dparam_pointers;
  if (!choice.accumulate) {
    dx_ = choice.dx ? TypedArray(options_.dtype, to_size(problem_.positions() * problem_.I)) : TypedArray();
    dh0_ = choice.dh0 ? TypedArray(options_.dtype, to_size(problem_.state_size())) : TypedArray();
    const bool has_dc0 = choice.dc0 && problem_.is_lstm();
    dc0_ = has_dc0 ? TypedArray(cell_state_, to_size(problem_.cell_state_size())) : TypedArray();
    dparams_.clear();
    for (const ParamShape &shape : problem_.param_shapes()) {
      const bool wanted = choice.params.empty() || choice.params[dparams_.size()];
      dparams_.push_back(wanted && choice.dparams ? TypedArray(param_grad_, to_size(shape.size())) : TypedArray());
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
  const std::vector<std::uint8_t> reserve_before = reserve_.bytes();
  check(rondo_backward(plan_.get(), &args));
  check_guards();
  if (reserve_.bytes() != reserve_before) throw std::runtime_error("backward changed the reserve");
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

std::string Runner::backend_name() const { return rondo_plan_backend_name(plan_.get()); }

void Runner::check_guards() const {
  bool intact = workspace_.guard_intact() && reserve_.guard_intact() && packed_.guard_intact();
  for (const TypedArray *array : {&x_, &h0_, &c0_, &dy_, &dhn_, &dcn_, &y_, &hn_, &cn_, &dx_, &dh0_, &dc0_}) {
    intact = intact && array->guard_intact();
  }
  for (const TypedArray &param : params_) intact = intact && param.guard_intact();
  for (const TypedArray &dparam : dparams_) intact = intact && dparam.guard_intact();
  if (!intact) throw std::runtime_error("the library wrote beyond the end of an array");
}

Results run_library(const Problem &problem, const Values &values, const RunOptions &options,
                    const GradientChoice &choice) {
  Runner runner(problem, options);
  runner.forward(values);
  if (problem.training) runner.backward(choice);
  return runner.results();
}

}  // namespace rondo::test
