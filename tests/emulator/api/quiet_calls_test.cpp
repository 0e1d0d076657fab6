// A call only launches: it takes no device memory, waits for nothing, touches no other stream, and needs none of the
// host memory that it was given once it has returned.
#include "emulator/control.h"
#include "emulator/stream.h"
#include "rig.h"
#include "support/catch.h"

namespace {

using namespace rondo::test;
using namespace rondo::test::gpu;

std::vector<int64_t> everything_live() {
  const rondo_emulator::Live live = rondo_emulator::live();
  return {live.allocations, live.bytes, live.streams, live.events, live.graphs, live.handles};
}

Shape shape_for(rondo_backend_t backend, rondo_sequence_t sequence) {
  Shape shape;
  shape.backend = backend;
  shape.sequence = sequence;
  shape.L = 2;
  shape.dropout = 0.5;
  return shape;
}

}  // namespace

TEST_CASE("calls take no memory, wait for nothing, and leave host arrays to their owner", "[quiet]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const auto sequence =
      GENERATE(values<rondo_sequence_t>({RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}));
  CAPTURE(backend, sequence);
  const Context context = make_context();
  Rig rig(context, shape_for(backend, sequence));
  const Bytes expected = rig.results();
  rig.spoil();
  const std::vector<int64_t> live = everything_live();
  const int64_t operations = rondo_emulator::operations_run();
  rig.run_forward();
  rig.run_backward();
  rig.take_host_arrays_away();
  CHECK(rondo_emulator::operations_run() == operations);
  CHECK(everything_live() == live);
  CHECK(rig.outputs() == expected);
  CHECK(rondo_emulator::operations_run() > operations);
  CHECK(everything_live() == live);
}

TEST_CASE("a call's arguments may be reused for the next call before the stream has come to the first", "[quiet]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, shape_for(backend, RONDO_SEQUENCE_LENGTHS));
  rig.set_lengths({4, 1, 2});
  rig.forward.seed = 5;
  const Bytes second = rig.results();
  rig.set_lengths({2, 4, 0});
  rig.forward.seed = 6;
  rig.spoil();
  rig.run_forward();
  rig.run_backward();
  rig.take_host_arrays_away();
  rig.give_host_arrays_back();
  rig.set_lengths({4, 1, 2});
  rig.forward.seed = 5;
  rig.run_forward();
  rig.run_backward();
  CHECK(rig.outputs() == second);
}

TEST_CASE("work that stands in other streams stands there still after a call and its wait", "[quiet]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, shape_for(backend, RONDO_SEQUENCE_FULL));
  const Rig bystander(context, shape_for(backend, RONDO_SEQUENCE_FULL));
  bool ran = false;
  REQUIRE(rondo_emulator::enqueue(bystander.stream(), [&] { ran = true; }) == cudaSuccess);
  rig.run_forward();
  rig.run_backward();
  rig.synchronize();
  CHECK_FALSE(ran);
  bystander.synchronize();
  CHECK(ran);
}

TEST_CASE("packed parameters are there when the call returns, and serve after the parameters have changed", "[quiet]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Shape shape = shape_for(backend, RONDO_SEQUENCE_FULL);
  shape.mode = RONDO_INFERENCE;
  Rig rig(context, shape);
  const Bytes expected = rig.results();
  int64_t bytes = 0;
  check(rondo_plan_packed_size(rig.plan(), &bytes));
  const DeviceArray packed(static_cast<size_t>(bytes));
  check(rondo_plan_pack_params(rig.plan(), rig.forward.params, rig.forward.param_count, packed.get(), bytes));
  const int64_t operations = rondo_emulator::operations_run();
  rig.synchronize();
  CHECK(rondo_emulator::operations_run() == operations);
  rig.array("params").fill(0xff);
  rig.take_host_arrays_away();
  rig.forward.params = nullptr;
  rig.forward.param_count = 0;
  rig.forward.packed_params = packed.get();
  CHECK(rig.results() == expected);
}
