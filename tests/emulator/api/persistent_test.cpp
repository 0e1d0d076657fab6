// The persistent kernels of the fused back end as a plan chooses, refuses, tells and runs them. Their results are the
// numeric suite's affair (numeric.fused_single and the like).
#include "emulator/control.h"
#include "machine.h"
#include "rig.h"
#include "support/catch.h"

namespace {

using namespace rondo::test;
using namespace rondo::test::gpu;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

constexpr const char *tier_variable = "RONDO_FUSED_TIER";

// 16-bit, of two blocks where a cluster runs it, and of two slices of the batch.
Shape persistent(rondo_cell_t cell = RONDO_CELL_LSTM) {
  Shape shape;
  shape.cell = cell;
  shape.N = 11;
  shape.H = 20;
  return shape.with(RONDO_ATTR_DTYPE, RONDO_F16).with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_REQUIRE);
}

std::string refusal(const Shape &shape) { return refused_plan(RONDO_ERROR_UNSUPPORTED, shape); }

std::vector<int64_t> lengths_of(int64_t N, int64_t T, int64_t first) {
  std::vector<int64_t> lengths;
  for (int64_t n = 0; n < N; ++n) lengths.push_back((first + 3 * n) % (T + 1));
  return lengths;
}

}  // namespace

TEST_CASE("explain names the variant, its layout and prediction, and every other's reason", "[persistent]") {
  const Context context = make_context();
  const std::string tier = GENERATE("single", "cluster", "grid");
  const std::string other = tier == "single" ? "cluster" : "single";
  const Variable variable(tier_variable, tier);
  CHECK_THAT(explained(context, persistent()),
             Contains("\nfused: one launch for a layer's steps, ") &&
                 Contains("\nfused: variant fused " + tier + ", the attribute persistent requires a tier\n") &&
                 Contains("\nfused " + tier + ": forward ") && Contains("; backward ") &&
                 Contains(" us a step; not yet proven on hardware: no result file of GPU tests proves fused " + tier) &&
                 Contains("\nnot fused " + other + ": the environment's RONDO_FUSED_TIER is \"" + tier + "\"\n") &&
                 Contains("\nnot fused stepwise: the attribute persistent requires a tier; predicted at best ") &&
                 Contains("\nfused: not yet proven on hardware: no result file of GPU tests proves fused " + tier));
}

TEST_CASE("explain tells how f32 is multiplied, and that its kernels have proofs of their own", "[persistent]") {
  const Variable variable(tier_variable, "cluster");
  CHECK_THAT(explained(make_context(), persistent().with(RONDO_ATTR_DTYPE, RONDO_F32)),
             Contains(" accumulating in f32, no tf32, those of W_hh by multiply-adds of f32; input products of ") &&
                 Contains("no result file of GPU tests proves fused cluster f32 kernels"));
  CHECK_THAT(explained(make_context(), persistent().with(RONDO_ATTR_DTYPE, RONDO_F32).with(RONDO_ATTR_ALLOW_TF32, 1)),
             Contains(" accumulating in f32, operands rounded to tf32, those of W_hh too; input products of ") &&
                 Contains("no result file of GPU tests proves fused cluster tf32 kernels"));
}

TEST_CASE("explain predicts inference without a backward", "[persistent]") {
  const Context context = make_context();
  Shape shape = persistent();
  shape.mode = RONDO_INFERENCE;
  CHECK_THAT(explained(context, shape), Contains(": forward ") && Contains(" predicted ") && !Contains("backward"));
}

TEST_CASE("what no hardware has proven is not chosen by itself, and said to be there", "[persistent]") {
  const Context context = make_context();
  CHECK_THAT(
      explained(context, persistent().with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_AUTO)),
      Contains("\nfused: one kernel a step, ") &&
          Contains("\nfused: variant fused stepwise, no tier that serves is proven on hardware; predicted at best ") &&
          Contains("\nnot fused single: not proven, so only where the attribute persistent is require: forward ") &&
          Contains("\nnot fused cluster: not proven, so only where the attribute persistent is require: forward ") &&
          Contains("\nnot fused grid: not proven, so only where the attribute persistent is require: forward "));
  CHECK_THAT(explained(context, persistent().with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_NEVER)),
             Contains("\nfused: variant fused stepwise, no tier serves\n") &&
                 Contains("\nnot fused cluster: the attribute persistent is never\n"));
  CHECK_THAT(explained(context, Shape().with(RONDO_ATTR_DTYPE, RONDO_F64)),
             Contains("\nfused: variant fused stepwise, no tier serves\n") &&
                 Contains("\nnot fused single: f64 is not served, f32, f16 and bf16 are\n"));
}

TEST_CASE("required tiers that do not serve are refused with each one's reason", "[persistent]") {
  CHECK_THAT(
      refusal(persistent().with(RONDO_ATTR_DTYPE, RONDO_F64)),
      Contains("asks for fused, which cannot serve: the attribute persistent is require, and no tier serves: ") &&
          Contains("fused single: f64 is not served, f32, f16 and bf16 are; ") &&
          Contains("fused cluster: f64 is not served, f32, f16 and bf16 are"));
  CHECK_THAT(refusal(persistent().with(RONDO_ATTR_DTYPE, RONDO_F32).with(RONDO_ATTR_PROJ_SIZE, 3)),
             Contains("fused single: a projection of f32 is not served, of f16 and bf16 it is; fused cluster: "));
  CHECK_THAT(refusal(persistent().with(RONDO_ATTR_HIDDEN_SIZE, 4096).with(RONDO_ATTR_PROJ_SIZE, 2048)),
             Contains("fused single: hidden_size 4096 with max_N 11 and proj_size 2048 does not fit its blocks, "));
  CHECK_THAT(refusal(persistent().with(RONDO_ATTR_HIDDEN_SIZE, 4096)),
             Contains("fused single: hidden_size 4096 with max_N 11 does not fit its blocks, of 232448 bytes of shared "
                      "memory, in forward; fused cluster: hidden_size 4096 "));
  Shape many = persistent();
  many.N = 1000;
  CHECK_THAT(
      refusal(many.with(RONDO_ATTR_HIDDEN_SIZE, 4096)),
      Contains("; fused grid: hidden_size 4096 with max_N 1000 does not fit its blocks, at most 16 at once, of "));
  const Variable unknown(tier_variable, "hybrid");
  CHECK_THAT(refusal(persistent()), Contains("fused single: the environment's RONDO_FUSED_TIER is \"hybrid\"; "));
}

TEST_CASE("a batch of more slices than a grid has room for is refused", "[persistent]") {
  const Variable variable(tier_variable, "grid");
  Shape shape = persistent();
  shape.N = 8 * 32;  // of two blocks each
  CHECK_THAT(explained(make_context(), shape),
             Contains("\nfused grid: forward 8 groups of 2 blocks, each 16 units by 32"));
  ++shape.N;
  CHECK_THAT(refusal(shape),
             Contains("fused grid: hidden_size 20 with max_N 257 does not fit its blocks, at most 16 "));
}

TEST_CASE("a GPU without clusters has the other tiers, an older one none", "[persistent]") {
  const char *wanted = "backend=3 dtype=2 persistent=2 hidden_size=20";
  CHECK_THAT(ask("RONDO_EMULATOR_CAPABILITY=80", wanted),
             StartsWith("fused\n") && Contains("\nfused: variant fused single, ") &&
                 Contains("\nnot fused cluster: it needs compute capability 9.0 or newer, not 8.0\n") &&
                 Contains("\nnot fused grid: another is preferred: forward "));
  CHECK_THAT(ask("RONDO_EMULATOR_CAPABILITY=75", wanted),
             StartsWith("refused: RONDO_ERROR_UNSUPPORTED") &&
                 Contains("fused single: it needs compute capability 8.0 or newer, not 7.5; "));
}

TEST_CASE("packed parameters, a smaller call and a larger plan give the same bytes in a tier", "[persistent]") {
  const Variable variable(tier_variable, GENERATE("single", "cluster", "grid"));
  const rondo_cell_t cell = GENERATE(values<rondo_cell_t>({RONDO_CELL_LSTM, RONDO_CELL_GRU}));
  const Context context = make_context();
  Shape shape = persistent(cell);
  shape.D = 2;
  Rig rig(context, shape);
  const Bytes expected = rig.results();
  Shape larger = shape;
  larger.T = 9;
  larger.N = 40;
  const Plan plan = make_plan(context, larger);
  int64_t workspace = 0;
  int64_t reserve = 0;
  int64_t packed_bytes = 0;
  check(rondo_plan_workspace_size(plan.get(), &workspace));
  check(rondo_plan_reserve_size(plan.get(), &reserve));
  check(rondo_plan_packed_size(plan.get(), &packed_bytes));
  const DeviceArray memory(static_cast<size_t>(workspace));
  const DeviceArray reserved(static_cast<size_t>(reserve));
  const DeviceArray packed(static_cast<size_t>(packed_bytes));
  check(rondo_plan_pack_params(plan.get(), rig.forward.params, rig.forward.param_count, packed.get(), packed_bytes));
  rig.spoil();
  rig.forward.params = nullptr;
  rig.forward.packed_params = packed.get();
  rig.forward.workspace = rig.backward.workspace = memory.get();
  rig.forward.workspace_size = rig.backward.workspace_size = workspace;
  rig.forward.reserve = rig.backward.reserve = reserved.get();
  rig.forward.reserve_size = rig.backward.reserve_size = reserve;
  check(rondo_forward(plan.get(), &rig.forward));
  check(rondo_backward(plan.get(), &rig.backward));
  CHECK(rig.outputs() == expected);
}

TEST_CASE("inference in chunks of steps gives the bytes of training, which has none", "[persistent]") {
  const Variable variable(tier_variable, GENERATE("single", "cluster", "grid"));
  const auto cell = GENERATE(values<rondo_cell_t>({RONDO_CELL_RNN_TANH, RONDO_CELL_LSTM, RONDO_CELL_GRU}));
  const auto sequence = GENERATE(values<rondo_sequence_t>(
      {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED, RONDO_SEQUENCE_DEVICE_LENGTHS}));
  const Context context = make_context();
  Shape shape = persistent(cell).with(sequence);
  shape.T = 13;
  shape.D = 2;
  Rig training(context, shape);
  CHECK_THAT(rondo_plan_explain(training.plan()), Contains("input products of 13 steps at a time"));
  const Bytes expected = training.results();
  shape.mode = RONDO_INFERENCE;
  Rig inference(context, shape);
  CHECK_THAT(rondo_plan_explain(inference.plan()), !Contains("input products of 13 steps at a time"));
  for (const auto &[name, bytes] : inference.results()) {
    CAPTURE(name);
    CHECK(bytes == expected.at(name));
  }
}

TEST_CASE("forward and backward of a tier captured in a graph give the eager bytes at every replay", "[persistent]") {
  const Variable variable(tier_variable, GENERATE("single", "cluster", "grid"));
  const auto sequence =
      GENERATE(values<rondo_sequence_t>({RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}));
  const Context context = make_context();
  Shape shape = persistent().with(sequence);
  shape.L = 2;
  shape.D = 2;
  Rig rig(context, shape);
  const Bytes eager = rig.results();
  rig.spoil();
  const Bytes spoiled = rig.outputs();
  const Graph graph(rig.stream(), [&] {
    rig.run_forward();
    rig.run_backward();
  });
  CHECK(rig.outputs() == spoiled);
  rig.take_host_arrays_away();
  for (int replay = 0; replay < 2; ++replay) {
    rig.spoil();
    graph.replay(rig.stream());
    CHECK(rig.outputs() == eager);
  }
}

TEST_CASE("a captured tier reads lengths in device memory as they are at each replay", "[persistent]") {
  const Variable variable(tier_variable, GENERATE("single", "cluster", "grid"));
  const Context context = make_context();
  Shape shape = persistent(RONDO_CELL_GRU).with(RONDO_SEQUENCE_DEVICE_LENGTHS);
  shape.D = 2;
  Rig rig(context, shape);
  const Graph graph(rig.stream(), [&] {
    rig.run_forward();
    rig.run_backward();
  });
  for (const int64_t first : {0, 2, 3}) {
    rig.set_lengths(lengths_of(shape.N, shape.T, first));
    rig.spoil();
    graph.replay(rig.stream());
    const Bytes replayed = rig.outputs();
    CHECK(rig.results() == replayed);
  }
}

TEST_CASE("two plans in tiers on two streams give the bytes that each gives alone", "[persistent]") {
  const Variable variable(tier_variable, GENERATE("single", "cluster", "grid"));
  const Context context = make_context();
  Shape second = persistent(RONDO_CELL_GRU).with(RONDO_SEQUENCE_LENGTHS);
  second.T = 6;
  Rig one(context, persistent());
  Rig other(context, second);
  check_interleaved(one, other);
}

TEST_CASE("a launch that the device refuses is an error with its reason, and no call after it suffers",
          "[persistent]") {
  const std::string tier = GENERATE("cluster", "grid");
  const Variable variable(tier_variable, tier);
  const Context context = make_context();
  Shape shape = persistent();
  shape.H = 256;
  shape.mode = RONDO_INFERENCE;
  Rig rig(context, shape);
  const Bytes expected = rig.results();
  const rondo_emulator::Settings usual = rondo_emulator::settings();
  rondo_emulator::Settings without = usual;
  if (tier == "cluster") {
    without.capability = 80;
  } else {
    without.multiprocessors = 1;  // others have the rest
  }
  rondo_emulator::configure(without);
  const std::string text = failure(RONDO_ERROR_DEVICE, rondo_forward(rig.plan(), &rig.forward));
  rondo_emulator::configure(usual);
  CHECK_THAT(text, StartsWith("rondo_forward: launch_forward_sequence failed: "));
  if (tier == "grid") {
    CHECK_THAT(text, Contains("too many blocks in cooperative launch"));
  }
  CHECK(rig.results() == expected);
}
