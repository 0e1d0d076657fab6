// Makes plan and arrays of a problem, and fills in the structs of the calls.
// Nothing here knows where arrays lie: tensors and buffers are made in the plan's space.
#include "cli/execution.h"

#include "cli/element.h"
#include "cli/errors.h"

namespace rondo::cli {

Execution::Execution(rondo_context_t context, const Problem &problem, const ExecutionOptions &options)
    : problem_(problem), options_(options), batch_(problem_), rnn_(make_rnn(problem_)) {
  rondo_plan_args_t args{};
  args.struct_size = sizeof args;
  args.mode = problem_.mode;
  args.sequence = problem_.sequence;
  args.max_T = problem_.T + (problem_.single_cell ? 0 : options_.spare);
  args.max_N = problem_.N + options_.spare;
  args.max_S = options_.spare == 0 && problem_.sequence != RONDO_SEQUENCE_FULL ? problem_.S() : 0;
  plan_ = make_plan(context, rnn_.get(), args);
  rondo_device_t device = RONDO_DEVICE_AUTO;
  check(rondo_plan_device(plan_.get(), &device));
  space_ = MemorySpace(device);
}

int64_t Execution::plan_bytes(rondo_status_t (*question)(rondo_plan_t, int64_t *)) const {
  int64_t bytes = 0;
  check(question(plan_.get(), &bytes));
  return bytes;
}

std::vector<int64_t> Execution::data_shape(int64_t features) const {
  if (problem_.sequence == RONDO_SEQUENCE_PACKED) {
    return {problem_.S(), features};
  }
  if (problem_.single_cell) {
    return {problem_.N, features};
  }
  return problem_.layout == RONDO_TIME_MAJOR ? std::vector<int64_t>{problem_.T, problem_.N, features}
                                             : std::vector<int64_t>{problem_.N, problem_.T, features};
}

double Execution::bytes_needed() const {
  const Problem &p = problem_;
  int64_t flat = 0;
  check(rondo_rnn_flat_size(rnn_.get(), &flat));
  const double rows = static_cast<double>(p.sequence == RONDO_SEQUENCE_PACKED ? p.S() : p.T * p.N);
  const double copies = p.is_training() ? 2.0 : 1.0;  // a gradient beside each
  double bytes = static_cast<double>(flat) * static_cast<double>(size_of(p.dtype));
  bytes += rows * static_cast<double>(p.I + p.D() * p.O()) * static_cast<double>(size_of(p.dtype));
  bytes *= copies;
  bytes += static_cast<double>(plan_bytes(rondo_plan_workspace_size));
  bytes += p.is_training() ? static_cast<double>(plan_bytes(rondo_plan_reserve_size)) : 0.0;
  bytes += options_.packed_params ? static_cast<double>(plan_bytes(rondo_plan_packed_size)) : 0.0;
  return bytes;
}

void Execution::allocate() {
  const Problem &p = problem_;
  const std::vector<int64_t> h_shape = {p.L * p.D(), p.N, p.O()};
  const std::vector<int64_t> c_shape = {p.L * p.D(), p.N, p.H};
  const bool cells = p.has_cell_state();
  const bool training = p.is_training();
  const auto optional = [this](bool wanted, const char *name, rondo_dtype_t dtype, const std::vector<int64_t> &shape) {
    return wanted ? Tensor(space_, name, dtype, shape) : Tensor();
  };
  x = Tensor(space_, "x", p.dtype, data_shape(p.I));
  y = Tensor(space_, "y", p.dtype, data_shape(p.D() * p.O()));
  hn = Tensor(space_, "hn", p.dtype, h_shape);
  cn = optional(cells, "cn", p.cell_state_dtype(), c_shape);
  h0 = optional(options_.states, "h0", p.dtype, h_shape);
  c0 = optional(options_.states && cells, "c0", p.cell_state_dtype(), c_shape);
  dx = optional(training, "dx", p.dtype, data_shape(p.I));
  dy = optional(training, "dy", p.dtype, data_shape(p.D() * p.O()));
  dhn = optional(training && options_.states, "dhn", p.dtype, h_shape);
  dcn = optional(training && options_.states && cells, "dcn", p.cell_state_dtype(), c_shape);
  dh0 = optional(training && options_.states, "dh0", p.dtype, h_shape);
  dc0 = optional(training && options_.states && cells, "dc0", p.cell_state_dtype(), c_shape);

  int64_t count = 0;
  check(rondo_rnn_param_count(rnn_.get(), &count));
  for (int64_t index = 0; index < count; ++index) {
    rondo_param_info_t info{};
    info.struct_size = sizeof info;
    check(rondo_rnn_param_info(rnn_.get(), index, &info));
    const std::vector<int64_t> shape =
        info.rank == 1 ? std::vector<int64_t>{info.rows} : std::vector<int64_t>{info.rows, info.columns};
    params.emplace_back(space_, info.name, p.dtype, shape);
    param_pointers_.push_back(params.back().data());
    if (training) {
      dparams.emplace_back(space_, std::string("d") + info.name, p.param_grad_dtype(), shape);
      dparam_pointers_.push_back(dparams.back().data());
    }
  }
  workspace_ = AlignedBuffer(space_, plan_bytes(rondo_plan_workspace_size));
  if (training) {
    reserve_ = AlignedBuffer(space_, plan_bytes(rondo_plan_reserve_size));
  }
}

void Execution::pack_params() {
  packed_ = AlignedBuffer(space_, plan_bytes(rondo_plan_packed_size));
  check(rondo_plan_pack_params(plan_.get(), param_pointers_.data(), static_cast<int64_t>(param_pointers_.size()),
                               packed_.data(), packed_.size()));
}

void Execution::forward() {
  rondo_forward_args_t args{};
  args.struct_size = sizeof args;
  args.batch = batch_.args();
  args.x = x.data();
  args.h0 = h0.data();
  args.c0 = c0.data();
  if (options_.packed_params) {
    args.packed_params = packed_.data();
  } else {
    args.params = param_pointers_.data();
    args.param_count = static_cast<int64_t>(param_pointers_.size());
  }
  args.y = y.data();
  args.hn = hn.data();
  args.cn = cn.data();
  args.seed = options_.dropout_seed;
  args.offset = options_.dropout_offset;
  args.workspace = workspace_.data();
  args.workspace_size = workspace_.size();
  args.reserve = reserve_.data();
  args.reserve_size = reserve_.size();
  args.stream = space_.stream();
  check(rondo_forward(plan_.get(), &args));
}

void Execution::backward(bool accumulate) {
  rondo_backward_args_t args{};
  args.struct_size = sizeof args;
  args.batch = batch_.args();
  args.x = x.data();
  args.h0 = h0.data();
  args.c0 = c0.data();
  args.params = param_pointers_.data();
  args.param_count = static_cast<int64_t>(param_pointers_.size());
  args.y = y.data();
  args.dy = dy.data();
  args.dhn = dhn.data();
  args.dcn = dcn.data();
  args.dx = dx.data();
  args.dh0 = dh0.data();
  args.dc0 = dc0.data();
  args.dparams = dparam_pointers_.data();
  args.accumulate = accumulate ? 1 : 0;
  args.workspace = workspace_.data();
  args.workspace_size = workspace_.size();
  args.reserve = reserve_.data();
  args.reserve_size = reserve_.size();
  args.stream = space_.stream();
  check(rondo_backward(plan_.get(), &args));
}

std::vector<const Tensor *> Execution::outputs() const {
  std::vector<const Tensor *> list;
  for (const Tensor *tensor : {&y, &hn, &cn, &dx, &dh0, &dc0}) {
    if (!tensor->is_absent()) {
      list.push_back(tensor);
    }
  }
  for (const Tensor &gradient : dparams) {
    list.push_back(&gradient);
  }
  return list;
}

}  // namespace rondo::cli
