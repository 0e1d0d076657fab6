// What a CUDA plan refuses at a call, and that a refused call has enqueued nothing and touched no output; what the two
// back ends refuse when a plan is made.
#include <functional>

#include "rig.h"
#include "support/catch.h"

namespace {

using namespace rondo::test;
using namespace rondo::test::gpu;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

alignas(64) unsigned char host_memory[64];

// Something outside the plan's device where an argument's memory should be.
struct Misplaced {
  const char *name;
  std::function<void(Rig &rig, std::vector<const void *> &params, void *elsewhere)> place;
};

std::vector<Misplaced> misplaced_in_forward() {
  return {
      {"x", [](Rig &rig, auto &, void *p) { rig.forward.x = p; }},
      {"h0", [](Rig &rig, auto &, void *p) { rig.forward.h0 = p; }},
      {"c0", [](Rig &rig, auto &, void *p) { rig.forward.c0 = p; }},
      {"y", [](Rig &rig, auto &, void *p) { rig.forward.y = p; }},
      {"hn", [](Rig &rig, auto &, void *p) { rig.forward.hn = p; }},
      {"cn", [](Rig &rig, auto &, void *p) { rig.forward.cn = p; }},
      {"seed_ptr", [](Rig &rig, auto &, void *p) { rig.forward.seed_ptr = static_cast<uint64_t *>(p); }},
      {"offset_ptr", [](Rig &rig, auto &, void *p) { rig.forward.offset_ptr = static_cast<uint64_t *>(p); }},
      {"workspace", [](Rig &rig, auto &, void *p) { rig.forward.workspace = p; }},
      {"reserve", [](Rig &rig, auto &, void *p) { rig.forward.reserve = p; }},
      {"params[3]", [](Rig &, auto &params, void *p) { params[3] = p; }},
  };
}

std::vector<Misplaced> misplaced_in_backward() {
  return {
      {"x", [](Rig &rig, auto &, void *p) { rig.backward.x = p; }},
      {"y", [](Rig &rig, auto &, void *p) { rig.backward.y = p; }},
      {"dy", [](Rig &rig, auto &, void *p) { rig.backward.dy = p; }},
      {"dhn", [](Rig &rig, auto &, void *p) { rig.backward.dhn = p; }},
      {"dcn", [](Rig &rig, auto &, void *p) { rig.backward.dcn = p; }},
      {"dx", [](Rig &rig, auto &, void *p) { rig.backward.dx = p; }},
      {"dh0", [](Rig &rig, auto &, void *p) { rig.backward.dh0 = p; }},
      {"dc0", [](Rig &rig, auto &, void *p) { rig.backward.dc0 = p; }},
      {"workspace", [](Rig &rig, auto &, void *p) { rig.backward.workspace = p; }},
      {"reserve", [](Rig &rig, auto &, void *p) { rig.backward.reserve = p; }},
      {"params[1]", [](Rig &, auto &params, void *p) { params[1] = p; }},
      {"dparams[2]",
       [](Rig &rig, auto &, void *p) {
         static std::vector<void *> pointers;
         pointers.assign(rig.backward.dparams, rig.backward.dparams + rig.backward.param_count);
         pointers[2] = p;
         rig.backward.dparams = pointers.data();
       }},
  };
}

// Every argument in turn; what was misplaced before is put back.
void check_misplaced(rondo_backend_t backend, const std::vector<Misplaced> &arguments, bool forward, void *elsewhere,
                     const std::string &expected) {
  const Context context = make_context();
  Shape shape;
  shape.backend = backend;
  Rig rig(context, shape);
  const Bytes results = rig.results();
  rig.spoil();
  rig.run_forward();
  const Bytes before = rig.outputs();
  const rondo_forward_args_t forward_args = rig.forward;
  const rondo_backward_args_t backward_args = rig.backward;
  for (const Misplaced &argument : arguments) {
    CAPTURE(backend, argument.name);
    std::vector<const void *> params(forward_args.params, forward_args.params + forward_args.param_count);
    rig.forward.params = rig.backward.params = params.data();
    argument.place(rig, params, elsewhere);
    const std::string text = failure(RONDO_ERROR_INVALID_ARGUMENT, forward ? rondo_forward(rig.plan(), &rig.forward)
                                                                           : rondo_backward(rig.plan(), &rig.backward));
    CHECK_THAT(text,
               StartsWith(std::string(forward ? "rondo_forward: " : "rondo_backward: ") + argument.name + " is 0x"));
    CHECK_THAT(text, Contains(expected));
    CHECK(cudaStreamQuery(rig.stream()) == cudaSuccess);
    rig.forward = forward_args;
    rig.backward = backward_args;
  }
  CHECK(rig.outputs() == before);
  rig.run_backward();
  CHECK(rig.outputs() == results);
}

Shape lengths_shape(rondo_backend_t backend) {
  Shape shape;
  shape.backend = backend;
  shape.sequence = RONDO_SEQUENCE_LENGTHS;
  return shape;
}

std::string refused_backward(const Rig &rig) {
  return failure(RONDO_ERROR_STATE, rondo_backward(rig.plan(), &rig.backward));
}

}  // namespace

TEST_CASE("host memory handed to a CUDA plan is refused by the argument's name", "[refusals]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  check_misplaced(backend, misplaced_in_forward(), true, host_memory, "expected device memory");
  check_misplaced(backend, misplaced_in_backward(), false, host_memory, "expected device memory");
}

TEST_CASE("memory of another device is refused by the argument's name", "[refusals]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  REQUIRE(cudaSetDevice(1) == cudaSuccess);
  const DeviceArray other(1 << 16);
  REQUIRE(cudaSetDevice(0) == cudaSuccess);
  const std::string expected = "memory of device 1, expected memory of device 0";
  check_misplaced(backend, misplaced_in_forward(), true, other.get(), expected);
  check_misplaced(backend, misplaced_in_backward(), false, other.get(), expected);
}

TEST_CASE("parameters to pack and room for them must be device memory", "[refusals]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Shape shape;
  shape.backend = backend;
  const Rig rig(context, shape);
  std::vector<const void *> params(rig.forward.params, rig.forward.params + rig.forward.param_count);
  int64_t bytes = 0;
  check(rondo_plan_packed_size(rig.plan(), &bytes));
  const auto pack = [&](void *packed) {
    return failure(RONDO_ERROR_INVALID_ARGUMENT,
                   rondo_plan_pack_params(rig.plan(), params.data(), rig.forward.param_count, packed, bytes));
  };
  CHECK_THAT(pack(host_memory),
             StartsWith("rondo_plan_pack_params: packed is 0x") && Contains("expected device memory"));
  const DeviceArray packed(static_cast<size_t>(bytes));
  params[2] = host_memory;
  CHECK_THAT(pack(packed.get()),
             StartsWith("rondo_plan_pack_params: params[2] is 0x") && Contains("expected device memory"));
}

TEST_CASE("backward refuses a reserve of another plan or another call", "[refusals]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, lengths_shape(backend));
  const Rig other(context, lengths_shape(backend));
  rig.set_lengths({2, 4, 1});
  rig.spoil();
  rig.run_forward();
  const Bytes before = rig.outputs();
  SECTION("another plan's") {
    CHECK_THAT(failure(RONDO_ERROR_STATE, rondo_backward(other.plan(), &rig.backward)),
               Contains("reserve was written by another plan, expected this plan's"));
  }
  SECTION("of another T") {
    rig.set_lengths({2, 2, 1});
    rig.backward.batch.T = 3;
    CHECK_THAT(refused_backward(rig), Contains("T is 3, but forward's was 4"));
  }
  SECTION("of another N") {
    rig.backward.batch.N = 2;
    CHECK_THAT(refused_backward(rig), Contains("N is 2, but forward's was 3"));
  }
  SECTION("of other lengths") {
    rig.set_lengths({2, 4, 2});
    CHECK_THAT(refused_backward(rig), Contains("lengths are not those that forward had"));
  }
  CHECK(cudaStreamQuery(rig.stream()) == cudaSuccess);
  CHECK(rig.outputs() == before);
}

TEST_CASE("a reserve that was used up is refused until the next forward", "[refusals]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, lengths_shape(backend).with(RONDO_ATTR_CONSUME_RESERVE, 1));
  const Bytes expected = rig.results();
  CHECK_THAT(refused_backward(rig), Contains("reserve was used up by an earlier backward"));
  CHECK(rig.results() == expected);
}

TEST_CASE("a reserve that was saved and brought back with rondo_copy is as forward left it", "[refusals]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, lengths_shape(backend).with(RONDO_ATTR_CONSUME_RESERVE, 1));
  const DeviceArray &reserve = rig.array("reserve");
  const DeviceArray saved(reserve.size());
  const auto copy = [&](const DeviceArray &to, const DeviceArray &from) {
    check(rondo_copy(to.get(), from.get(), static_cast<int64_t>(to.size()), rig.stream()));
  };
  rig.run_forward();
  copy(saved, reserve);
  rig.run_backward();
  const Bytes expected = rig.outputs();
  copy(reserve, saved);
  rig.run_backward();
  CHECK(rig.outputs() == expected);
}

TEST_CASE("packed parameters of another format are refused", "[refusals]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Shape shape;
  shape.backend = backend;
  Rig rig(context, shape);
  shape.I += 1;
  const Rig wider(context, shape);
  int64_t bytes = 0;
  check(rondo_plan_packed_size(wider.plan(), &bytes));
  const DeviceArray packed(static_cast<size_t>(bytes));
  check(rondo_plan_pack_params(wider.plan(), wider.forward.params, wider.forward.param_count, packed.get(), bytes));
  rig.forward.params = nullptr;
  rig.forward.param_count = 0;
  rig.forward.packed_params = packed.get();
  CHECK_THAT(failure(RONDO_ERROR_STATE, rondo_forward(rig.plan(), &rig.forward)),
             Contains("packed_params are not parameters packed in this plan's format"));
}

TEST_CASE("what cuDNN cannot do is refused when the plan is made, with its reason", "[refusals]") {
  Shape shape;
  shape.backend = RONDO_BACKEND_CUDNN;
  CHECK_THAT(refused_plan(RONDO_ERROR_UNSUPPORTED, shape.with(RONDO_SEQUENCE_DEVICE_LENGTHS)),
             Contains("cudnn, which cannot serve: cuDNN takes lengths from host memory only"));
  const auto storage = GENERATE(values<rondo_dtype_t>({RONDO_F16, RONDO_BF16}));
  const Shape half = shape.with(RONDO_ATTR_DTYPE, storage);
  CHECK_THAT(refused_plan(RONDO_ERROR_UNSUPPORTED, half.with(RONDO_ATTR_CELL_STATE_TYPE, RONDO_AS_F32)),
             Contains("cell_state_type asks for f32"));
  CHECK_THAT(refused_plan(RONDO_ERROR_UNSUPPORTED, half.with(RONDO_ATTR_PARAM_GRAD_TYPE, RONDO_AS_F32)),
             Contains("param_grad_type asks for f32"));
}

TEST_CASE("persistent kernels that are required and not there are refused", "[refusals]") {
  Shape shape;
  shape.backend = RONDO_BACKEND_CPU;
  CHECK_THAT(refused_plan(RONDO_ERROR_UNSUPPORTED, shape.with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_REQUIRE)),
             Contains("no persistent kernels"));
}

TEST_CASE("autotune and deterministic exclude each other", "[refusals]") {
  Shape shape;
  shape.backend = RONDO_BACKEND_CUDNN;
  CHECK_THAT(
      refused_plan(RONDO_ERROR_INVALID_ARGUMENT, shape.with(RONDO_ATTR_AUTOTUNE, 1).with(RONDO_ATTR_DETERMINISTIC, 1)),
      Contains("autotune") && Contains("deterministic"));
}

TEST_CASE("work that cuDNN wants more memory for than its plan has is refused before any output changes",
          "[refusals]") {
  const Variable uneven("RONDO_EMULATOR_CUDNN_SIZES", "uneven");
  const auto sequence = GENERATE(values<rondo_sequence_t>({RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS}));
  const double dropout = GENERATE(0.0, 0.5);
  const Context context = make_context();
  Shape shape;
  shape.backend = RONDO_BACKEND_CUDNN;
  shape.sequence = sequence;
  shape.L = 2;
  shape.dropout = dropout;
  Rig rig(context, shape);
  const Bytes expected = rig.results();
  rig.spoil();
  const Bytes before = rig.outputs();
  rig.forward.batch.T = 2;
  if (sequence == RONDO_SEQUENCE_LENGTHS) rig.set_lengths({1, 2, 2});
  const std::string text = failure(RONDO_ERROR_UNSUPPORTED, rondo_forward(rig.plan(), &rig.forward));
  CHECK_THAT(text, StartsWith("rondo_forward: cuDNN wants ") && Contains("for T 2 and N 3, expected at most "));
  CHECK(rig.outputs() == before);
  rig.forward.batch.T = 4;
  rig.set_lengths(std::vector<int64_t>{2, 4, 1});
  CHECK(rig.results().size() == expected.size());
}
