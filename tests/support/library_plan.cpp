// Attributes and maxima of a problem. One context serves all plans of a thread count, for it costs a team of threads.
// A forced back end must be the one that the plan names: the suite proves nothing about it otherwise.
#include "library_plan.h"

#include <map>
#include <stdexcept>
#include <string>

#include "environment.h"
#include "tally.h"

namespace rondo::test {
namespace {

const Context &shared_context(std::int64_t threads) {
  static std::map<std::int64_t, Context> contexts;
  Context &context = contexts[threads];
  if (context == nullptr) {
    context = make_context();
    check(rondo_context_set_threads(context.get(), threads));
  }
  return context;
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
  set_int(RONDO_ATTR_CONSUME_RESERVE, options.consume_reserve ? 1 : 0);
  set_int(RONDO_ATTR_BACKEND, backend_under_test());
  set_int(RONDO_ATTR_PERSISTENT, persistent_tests() ? RONDO_PERSISTENT_REQUIRE : RONDO_PERSISTENT_AUTO);
  set_int(RONDO_ATTR_ALLOW_TF32, tf32_tests() ? 1 : 0);
  check(rondo_rnn_set_float(rnn.get(), RONDO_ATTR_DROPOUT, problem.dropout));
  check(rondo_rnn_set_float(rnn.get(), RONDO_ATTR_PADDING_VALUE, problem.padding_value));
  return rnn;
}

rondo_plan_args_t args_of(const Problem &problem, const RunOptions &options) {
  rondo_plan_args_t args{};
  args.struct_size = sizeof(args);
  args.mode = problem.training ? RONDO_TRAINING : RONDO_INFERENCE;
  args.sequence =
      options.device_lengths ? RONDO_SEQUENCE_DEVICE_LENGTHS : static_cast<rondo_sequence_t>(problem.sequence);
  args.max_T = problem.T + options.extra_T;
  args.max_N = problem.N + options.extra_N;
  if (options.tight_S && !options.device_lengths) {
    for (std::int64_t row = 0; row < problem.N; ++row) args.max_S += problem.length(row);
    args.max_S += options.extra_S;
  }
  return args;
}

std::string name_of(rondo_backend_t backend) {
  for (std::int32_t index = 0; index < rondo_backend_count(); ++index) {
    rondo_backend_info_t info{};
    info.struct_size = sizeof(info);
    check(rondo_backend_info(index, &info));
    if (info.id == backend) return info.name;
  }
  throw std::runtime_error("the library does not list back end " + std::to_string(backend));
}

}  // namespace

LibraryPlan plan_of(const Problem &problem, const RunOptions &options) {
  LibraryPlan made;
  made.rnn = describe_rnn(problem, options);
  made.plan = make_plan(shared_context(options.threads), made.rnn, args_of(problem, options));
  const std::string name = rondo_plan_backend_name(made.plan.get());
  const rondo_backend_t wanted = backend_under_test();
  if (wanted != RONDO_BACKEND_AUTO && name != name_of(wanted)) {
    throw std::runtime_error("the plan runs on " + name + ", but " + name_of(wanted) + " was forced");
  }
  Tally::instance().ran_on(name);
  return made;
}

}  // namespace rondo::test
