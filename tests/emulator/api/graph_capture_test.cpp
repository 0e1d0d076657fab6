// Calls captured in a graph: replays give the bytes of eager calls, keep the host lengths that the capture saw, and
// take what lies in device memory as it is at each replay.
#include "rig.h"
#include "support/catch.h"

namespace {

using namespace rondo::test;
using namespace rondo::test::gpu;

Shape shape_for(rondo_backend_t backend) {
  Shape shape;
  shape.backend = backend;
  shape.L = 2;
  shape.D = 2;
  return shape;
}

void run_both(const Rig &rig) {
  rig.run_forward();
  rig.run_backward();
}

Bytes replayed(const Rig &rig, const Graph &graph) {
  rig.spoil();
  graph.replay(rig.stream());
  return rig.outputs();
}

}  // namespace

TEST_CASE("a captured forward and backward give the eager bytes at every replay, with host arrays long gone",
          "[capture]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const auto sequence =
      GENERATE(values<rondo_sequence_t>({RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}));
  CAPTURE(backend, sequence);
  const Context context = make_context();
  Rig rig(context, shape_for(backend).with(sequence));
  const Bytes eager = rig.results();
  rig.spoil();
  const Bytes spoiled = rig.outputs();
  const Graph graph(rig.stream(), [&] { run_both(rig); });
  CHECK(rig.outputs() == spoiled);
  rig.take_host_arrays_away();
  for (int replay = 0; replay < 3; ++replay) CHECK(replayed(rig, graph) == eager);
}

TEST_CASE("a capture keeps the lengths that it saw", "[capture]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, shape_for(backend).with(RONDO_SEQUENCE_LENGTHS));
  const Bytes eager = rig.results();
  const Graph graph(rig.stream(), [&] { run_both(rig); });
  rig.set_lengths({0, 3, 4});
  CHECK(rig.results() != eager);
  CHECK(replayed(rig, graph) == eager);
}

TEST_CASE("a replay reads its inputs as they are then", "[capture]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, shape_for(backend));
  const Rig other(context, shape_for(backend), 77);
  const Bytes before = rig.results();
  const Graph graph(rig.stream(), [&] { run_both(rig); });
  for (const char *name : {"x", "params"}) {
    const std::vector<unsigned char> values = other.array(name).read();
    rig.array(name).write(values.data(), values.size());
  }
  const Bytes after = replayed(rig, graph);
  CHECK(after != before);
  CHECK(after == rig.results());
}

TEST_CASE("lengths in device memory may change between replays, and faulty ones are counted at each", "[capture]") {
  const Context context = make_context();
  Rig rig(context, shape_for(RONDO_BACKEND_FUSED).with(RONDO_SEQUENCE_DEVICE_LENGTHS));
  const DeviceArray faults = device_array(std::vector<uint32_t>{0});
  rig.forward.batch.device_faults = static_cast<uint32_t *>(faults.get());
  const Graph graph(rig.stream(), [&] { run_both(rig); });
  std::vector<Bytes> seen;
  for (const std::vector<int64_t> &lengths : {std::vector<int64_t>{4, 2, 1}, {0, 4, 3}, {9, -2, 3}}) {
    rig.set_lengths(lengths);
    seen.push_back(replayed(rig, graph));
    // Backward alone reads the copy that forward kept.
    rig.set_lengths({1, 1, 1});
    CHECK(rig.outputs() == seen.back());
    rig.run_backward();
    CHECK(rig.outputs() == seen.back());
    rig.set_lengths(lengths);
    rig.forward.batch.device_faults = nullptr;
    CHECK(rig.results() == seen.back());
    rig.forward.batch.device_faults = static_cast<uint32_t *>(faults.get());
  }
  CHECK(seen[0] != seen[1]);
  CHECK(seen[1] != seen[2]);
  CHECK(faults.read() == std::vector<unsigned char>{2, 0, 0, 0});
}

TEST_CASE("lengths in device memory give what the same lengths in host memory give", "[capture]") {
  const Context context = make_context();
  Rig device(context, shape_for(RONDO_BACKEND_FUSED).with(RONDO_SEQUENCE_DEVICE_LENGTHS));
  Rig host(context, shape_for(RONDO_BACKEND_FUSED).with(RONDO_SEQUENCE_LENGTHS));
  const Bytes expected = host.results();
  const Bytes given = device.results();
  for (const char *name : {"y", "hn", "cn"}) CHECK(given.at(name) == expected.at(name));
}

TEST_CASE("seed and offset in device memory may change between replays", "[capture]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const auto sequence = GENERATE(values<rondo_sequence_t>({RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_PACKED}));
  CAPTURE(backend, sequence);
  const Context context = make_context();
  Shape shape = shape_for(backend).with(sequence);
  shape.dropout = 0.5;
  Rig rig(context, shape);
  const DeviceArray seed(sizeof(uint64_t));
  const DeviceArray offset(sizeof(uint64_t));
  rig.forward.seed_ptr = static_cast<const uint64_t *>(seed.get());
  rig.forward.offset_ptr = static_cast<const uint64_t *>(offset.get());
  const Graph graph(rig.stream(), [&] { run_both(rig); });
  std::vector<Bytes> seen;
  for (const auto &[key, counter] : std::vector<std::pair<uint64_t, uint64_t>>{{1, 0}, {2, 0}, {1, 7}, {1, 0}}) {
    seed.write(&key, sizeof key);
    offset.write(&counter, sizeof counter);
    seen.push_back(replayed(rig, graph));
    rig.forward.seed_ptr = rig.forward.offset_ptr = nullptr;
    rig.forward.seed = key;
    rig.forward.offset = counter;
    CHECK(rig.results() == seen.back());
  }
  CHECK(seen[0] != seen[1]);
  CHECK(seen[0] != seen[2]);
  CHECK(seen[0] == seen[3]);
}

TEST_CASE("a plan may be made while another stream captures, even the first of its context, and spoils no capture",
          "[capture]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const int64_t autotune = GENERATE(0, 1);
  CAPTURE(backend, autotune);
  const Variable no_cache("RONDO_AUTOTUNE_CACHE", "/dev/null/none");
  const Context context = make_context();
  const Context other = make_context();
  Rig rig(context, shape_for(backend));
  const Bytes expected = rig.results();
  Plan made;
  const Graph graph(rig.stream(), [&] {
    rig.run_forward();
    made = make_plan(other, shape_for(backend).with(RONDO_ATTR_AUTOTUNE, autotune));
    rig.run_backward();
  });
  CHECK(made != nullptr);
  CHECK(replayed(rig, graph) == expected);
}

TEST_CASE("packing is refused where it would break a capture, and serves beside one otherwise", "[capture]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const unsigned flags = GENERATE(unsigned{cudaStreamNonBlocking}, unsigned{cudaStreamDefault});
  CAPTURE(backend, flags);
  const Context context = make_context();
  Rig rig(context, shape_for(backend));
  const Bytes expected = rig.results();
  int64_t bytes = 0;
  check(rondo_plan_packed_size(rig.plan(), &bytes));
  const DeviceArray packed(static_cast<size_t>(bytes));
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, flags) == cudaSuccess);
  rig.forward.stream = rig.backward.stream = stream;
  rondo_status_t status = RONDO_OK;
  {
    const Graph graph(stream, [&] {
      rig.run_forward();
      status = rondo_plan_pack_params(rig.plan(), rig.forward.params, rig.forward.param_count, packed.get(), bytes);
      rig.run_backward();
    });
    rig.spoil();
    graph.replay(stream);
  }
  CHECK(rig.outputs() == expected);
  CHECK(status == (flags == cudaStreamDefault ? RONDO_ERROR_STATE : RONDO_OK));
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST_CASE("a captured backward that uses the reserve up is replayed behind its forward", "[capture]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, shape_for(backend).with(RONDO_ATTR_CONSUME_RESERVE, 1));
  const Bytes eager = rig.results();
  const Graph graph(rig.stream(), [&] { run_both(rig); });
  for (int replay = 0; replay < 2; ++replay) CHECK(replayed(rig, graph) == eager);
  CHECK(rig.results() == eager);
}

TEST_CASE("a graph of backward alone may be replayed on one reserve", "[capture]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig rig(context, shape_for(backend).with(RONDO_SEQUENCE_LENGTHS));
  const Bytes eager = rig.results();
  rig.backward.accumulate = 1;
  const Graph once_more(rig.stream(), [&] { rig.run_backward(); });
  rig.backward.accumulate = 0;
  const Graph anew(rig.stream(), [&] { rig.run_backward(); });
  once_more.replay(rig.stream());
  CHECK(rig.outputs() != eager);
  anew.replay(rig.stream());
  CHECK(rig.outputs() == eager);
}
