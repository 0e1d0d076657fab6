// The fused back end's variants, and the two back ends, as autotune chooses them: by a clock whose costs are planted,
// among those that proofs and the attribute persistent allow. No row proves anything in an emulated module.
#include "api/sanitizers.h"
#include "emulator/control.h"
#include "support/catch.h"
#include "tuning_cache.h"

namespace {

using namespace rondo::test;
using namespace rondo::test::gpu;
using Catch::Matchers::Contains;

// For as long as it lives, one variant is fast: "fused stepwise", "fused single", "fused cluster" or "fused grid".
class Fastest {
 public:
  explicit Fastest(const std::string &name) {
    rondo_emulator::set_cost([name](const char *label) {
      const std::string is = label;
      if (is == "block kernel") return name == "fused single" ? 1.0 : 5000.0;
      if (is == "cluster kernel") return name == "fused cluster" ? 1.0 : 5000.0;
      if (is == "cooperative kernel") return name == "fused grid" ? 1.0 : 5000.0;
      return is == "product" && name != "fused stepwise" ? 1000.0 : 1.0;
    });
  }
  Fastest(const Fastest &) = delete;
  Fastest &operator=(const Fastest &) = delete;
  ~Fastest() { rondo_emulator::set_cost(nullptr); }
};

constexpr const char *stepwise = "fused stepwise", *single = "fused single", *cluster = "fused cluster",
                     *grid = "fused grid";

Shape plain() {
  Shape shape;
  shape.N = 9;
  shape.H = 20;
  return shape.with(RONDO_ATTR_DTYPE, RONDO_F16);
}
Shape tuned(int64_t persistent = RONDO_PERSISTENT_AUTO) {
  return plain().with(RONDO_ATTR_PERSISTENT, persistent).with(RONDO_ATTR_AUTOTUNE, 1);
}

std::string chosen_line(const std::string &name, const std::string &reason = "the fastest of those timed") {
  return "\nfused: variant " + name + ", " + reason;
}

// Predictions and times stand on a variant's line.
std::string line_of(const std::string &text, const std::string &begin) {
  const size_t at = text.find("\n" + begin);
  return at == std::string::npos ? "no line " + begin + " in " + text
                                 : text.substr(at + 1, text.find('\n', at + 1) - at);
}

}  // namespace

TEST_CASE("autotune takes the fastest variant where nothing is proven, and gives all memory back", "[autotune]") {
  const std::string wanted = GENERATE(as<std::string>(), stepwise, single, cluster, grid);
  const auto mode = GENERATE(values<rondo_mode_t>({RONDO_INFERENCE, RONDO_TRAINING}));
  const Cache cache;
  const Fastest fastest(wanted);
  const Logged logged;
  Shape shape = tuned();
  shape.mode = mode;
  const Plan warm = make_plan(logged.context, plain());
  const rondo_emulator::Live before = rondo_emulator::live();
  const Plan plan = make_plan(logged.context, shape);
  const rondo_emulator::Live after = rondo_emulator::live();
  const std::string text = rondo_plan_explain(plan.get());
  CHECK_THAT(text, Contains(chosen_line(wanted)));
  for (const char *name : {stepwise, single, cluster, grid}) {
    CAPTURE(name);
    const bool is_chosen = wanted == name;
    const std::string line = line_of(text, !is_chosen           ? std::string("not ") + name + ": another was faster"
                                           : wanted == stepwise ? "fused: variant fused stepwise"
                                                                : wanted + ": ");
    CHECK_THAT(line, Contains("predicted ") && Contains("; measured ") && Contains(" us a step of a layer"));
  }
  check_as_before(before, after);
  CHECK(logged.lines.empty());
}

TEST_CASE("a plan runs the variant that autotune chose", "[autotune]") {
  const Cache cache;
  const Context context = make_context();
  const std::string tier = GENERATE("single", "cluster", "grid");
  Bytes expected;
  {
    const Variable variable("RONDO_FUSED_TIER", tier);
    expected = Rig(context, plain().with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_REQUIRE)).results();
  }
  const Fastest fastest("fused " + tier);
  Rig rig(context, tuned());
  CHECK_THAT(rondo_plan_explain(rig.plan()), Contains("\nfused: one launch for a layer's steps, "));
  CHECK(rig.results() == expected);
}

TEST_CASE("persistent rules what autotune may time", "[autotune]") {
  const Cache cache;
  const Context context = make_context();
  const Fastest fastest(stepwise);
  const std::string required = explained(context, tuned(RONDO_PERSISTENT_REQUIRE));
  CHECK_THAT(required, !Contains(chosen_line(stepwise)) && Contains(", the fastest of those timed\n") &&
                           Contains("\nnot fused stepwise: the attribute persistent requires a tier; predicted"));
  CHECK_THAT(line_of(required, "not fused stepwise"), !Contains("measured"));
  const int64_t operations = rondo_emulator::operations_run();
  CHECK_THAT(
      explained(context, tuned(RONDO_PERSISTENT_NEVER)),
      Contains("\nfused: variant fused stepwise, no tier serves\nautotune: there is nothing to choose between\n"));
  const Variable one("RONDO_FUSED_TIER", "cluster");
  CHECK_THAT(explained(context, tuned(RONDO_PERSISTENT_REQUIRE)),
             Contains("\nfused: variant fused cluster, the attribute persistent requires a tier\nautotune: there is "
                      "nothing to choose between\n"));
  CHECK(rondo_emulator::operations_run() == operations);
}

TEST_CASE("a variant's time is remembered, and measured anew where the problem differs", "[autotune]") {
  const Cache cache;
  const Logged logged;
  {
    const Fastest fastest(cluster);
    CHECK_THAT(explained(logged.context, tuned()), Contains(chosen_line(cluster)));
  }
  CHECK_THAT(cache.text(), Contains("\tfused stepwise=") && Contains("\tfused single=") &&
                               Contains("\tfused cluster=") && Contains("\tfused grid=") &&
                               Contains(" for sm_90, cublas "));
  const Fastest fastest(single);
  const int64_t operations = rondo_emulator::operations_run();
  const std::string text = explained(logged.context, tuned());
  CHECK_THAT(text, Contains(chosen_line(cluster, "the fastest when it was timed, as the cache remembers\n")));
  CHECK_THAT(line_of(text, "not fused single: another was faster"), Contains("; measured "));
  // What else may not be chosen changes nothing of a time.
  {
    const Variable one("RONDO_FUSED_TIER", "cluster");
    CHECK_THAT(explained(logged.context, tuned()), Contains(chosen_line(cluster, "the fastest when it was timed")));
  }
  CHECK(rondo_emulator::operations_run() == operations);
  CHECK_THAT(explained(logged.context, tuned().with(RONDO_SEQUENCE_LENGTHS)), Contains(chosen_line(single)));
  Shape longer = tuned();
  longer.T += 1;
  CHECK_THAT(explained(logged.context, longer), Contains(chosen_line(single)));
  CHECK_THAT(explained(logged.context, tuned().with(RONDO_ATTR_DTYPE, RONDO_BF16)), Contains(chosen_line(single)));
  CHECK_THAT(explained(logged.context, tuned()), Contains(chosen_line(cluster, "the fastest when it was timed")));
  CHECK(logged.lines.empty());
}

TEST_CASE("a tier that the cache has no time of is timed with the others", "[autotune]") {
  const Cache cache;
  const Context context = make_context();
  const Fastest fastest(cluster);
  {
    const Variable one("RONDO_FUSED_TIER", "single");
    CHECK_THAT(explained(context, tuned()), Contains(" the fastest of those timed\n"));
    CHECK_THAT(cache.text(), !Contains("\tfused cluster="));
  }
  CHECK_THAT(explained(context, tuned()), Contains(chosen_line(cluster)));
}

TEST_CASE("every kind of sequence is timed within the plan's maxima", "[autotune]") {
  const auto sequence = GENERATE(values<rondo_sequence_t>(
      {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED, RONDO_SEQUENCE_DEVICE_LENGTHS}));
  const auto max_S = GENERATE(values<int64_t>({0, 1, 3, 8, 13, 20}));
  const auto layout = GENERATE(values<int64_t>({RONDO_TIME_MAJOR, RONDO_BATCH_MAJOR}));
  // Each takes a sanitizer some thirty times as long, so there is one of each kind.
  constexpr bool sanitized = TEST_UNDER_ASAN || TEST_UNDER_TSAN;
  if (sanitized && (max_S != (sequence == RONDO_SEQUENCE_PACKED ? 13 : 0) ||
                    (layout == RONDO_BATCH_MAJOR) != (sequence == RONDO_SEQUENCE_LENGTHS))) {
    return;
  }
  if (sequence == RONDO_SEQUENCE_DEVICE_LENGTHS && max_S != 0) return;
  const Cache cache;
  const Context context = make_context();
  const Fastest fastest(single);
  Shape shape = tuned().with(RONDO_ATTR_LAYOUT, layout);
  shape.L = 2;
  shape.D = 2;
  shape.dropout = 0.5;
  const Rnn rnn = make_rnn(shape);
  rondo_plan_args_t args{};
  args.struct_size = sizeof args;
  args.mode = RONDO_TRAINING;
  args.sequence = sequence;
  args.max_T = 5;
  args.max_N = 4;
  args.max_S = max_S;
  const Plan plan = make_plan(context, rnn, args);
  CAPTURE(sequence, max_S, layout);
  CHECK_THAT(rondo_plan_explain(plan.get()), Contains(chosen_line(single)));
  CHECK(rondo_emulator::faults().empty());
}

TEST_CASE("autotune compares the back ends that nobody has chosen between", "[autotune]") {
  const bool fused_wins = GENERATE(true, false);
  const auto persistent = GENERATE(values<int64_t>({RONDO_PERSISTENT_AUTO, RONDO_PERSISTENT_REQUIRE}));
  const Cache cache;
  const Logged logged;
  rondo_emulator::set_cost([fused_wins](const char * /*label*/) { return fused_wins ? 0.001 : 1000.0; });
  const char *winner = fused_wins ? "fused" : "cudnn";
  const char *loser = fused_wins ? "cudnn" : "fused";
  Shape shape = tuned(persistent).with(RONDO_ATTR_DEVICE, RONDO_DEVICE_CUDA);
  shape.backend = RONDO_BACKEND_AUTO;
  std::string text = explained(logged.context, shape);
  const std::string reason = std::string(winner) + ": the fastest of the back ends when timed, ";
  CHECK(text.rfind(reason, 0) == 0);
  CHECK_THAT(line_of(text, std::string("not ") + loser), Contains(": slower when timed, ") && Contains(" ms (") &&
                                                             Contains(fused_wins ? "persist_static" : "fused cluster"));
  CHECK_THAT(text, Contains(std::string("\n") + winner + ": not yet proven on hardware: ") &&
                       Contains("\nnot cpu: it runs on the cpu, and the attribute device asks for cuda\n"));
  Rig rig(logged.context, shape);
  rig.results();
  // Both back ends remember.
  const int64_t operations = rondo_emulator::operations_run();
  text = explained(logged.context, shape);
  CHECK(text.rfind(reason, 0) == 0);
  CHECK(rondo_emulator::operations_run() == operations);
  rondo_emulator::set_cost(nullptr);
  CHECK(logged.lines.empty());
}

TEST_CASE("a back end with one way to run a problem is timed too where there is another back end", "[autotune]") {
  const Cache cache;
  const Context context = make_context();
  Shape shape;
  shape.sequence = RONDO_SEQUENCE_PACKED;
  // No tier takes f64.
  shape =
      shape.with(RONDO_ATTR_DEVICE, RONDO_DEVICE_CUDA).with(RONDO_ATTR_AUTOTUNE, 1).with(RONDO_ATTR_DTYPE, RONDO_F64);
  CHECK_THAT(explained(context, shape), Contains("\nautotune: there is nothing to choose between\n"));
  shape.backend = RONDO_BACKEND_AUTO;
  const std::string text = explained(context, shape);
  CHECK_THAT(text, Contains(": the fastest of the back ends when timed, ") && Contains(": slower when timed, "));
  CHECK_THAT(cache.text(), Contains("\tstandard=") && Contains("\tfused stepwise="));
  // Only the fused back end takes these.
  CHECK_THAT(explained(context, shape.with(RONDO_SEQUENCE_DEVICE_LENGTHS)),
             Contains("fused: the most preferred that can serve") &&
                 Contains("\nautotune: there is nothing to choose between\n"));
}
