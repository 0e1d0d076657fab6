// cuDNN's algorithms as a plan tells them, chosen by measurement, remembered in a file, and built for one N. What the
// table picks on other machines is algorithm_rule_test's.
#include "emulator/control.h"
#include "emulator/cudnn_use.h"
#include "support/catch.h"
#include "tuning_cache.h"

namespace {

using namespace rondo::test;
using namespace rondo::test::gpu;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

Shape plain() {
  Shape shape;
  shape.backend = RONDO_BACKEND_CUDNN;
  shape.H = 8;
  return shape;
}

Shape tuned() { return plain().with(RONDO_ATTR_AUTOTUNE, 1).with(RONDO_ATTR_FIXED_BATCH, 1); }

int64_t forwards_of_cudnn() {
  const auto calls = rondo_emulator::cudnn_calls();
  return calls.count("cudnnRNNForward") == 0 ? 0 : calls.at("cudnnRNNForward");
}

// The two names that one algorithm has: the stand-in's, and explain's.
struct Algorithm {
  const char *fastest, *name;
};

}  // namespace

TEST_CASE("explain names the algorithm, its reason and every other's", "[algorithms]") {
  const Context context = make_context();
  CHECK_THAT(explained(context, plain()),
             Contains("\ncudnn: algorithm persist_static_small_h, hidden_size is small\n") &&
                 Contains("\nnot persist_dynamic: it is built for one N") &&
                 Contains("\nnot standard: it may run, but another is preferred\n"));
  CHECK_THAT(explained(context, plain().with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_NEVER)),
             Contains("\ncudnn: algorithm standard, ") &&
                 Contains("\nnot persist_static: the attribute persistent is never\n"));
  CHECK_THAT(explained(context, plain().with(RONDO_SEQUENCE_PACKED)),
             Contains("\ncudnn: algorithm standard, ") && Contains("it takes full sequences only, not packed"));
  CHECK_THAT(explained(context, plain().with(RONDO_ATTR_HIDDEN_SIZE, 300)), Contains("\ncudnn: algorithm standard, "));
  CHECK_THAT(explained(context,
                       plain().with(RONDO_ATTR_HIDDEN_SIZE, 300).with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_REQUIRE)),
             Contains("\ncudnn: algorithm persist_static, "));
  rondo_plan_args_t args{};
  args.struct_size = sizeof args;
  args.sequence = RONDO_SEQUENCE_PACKED;
  args.max_T = args.max_N = 4;
  rondo_plan_t plan = nullptr;
  const Rnn rnn = make_rnn(plain().with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_REQUIRE));
  CHECK_THAT(
      failure(RONDO_ERROR_UNSUPPORTED, rondo_plan_create(context.get(), rnn.get(), &args, &plan)),
      Contains("no algorithm of cuDNN serves it") && Contains("not standard: the attribute persistent is require"));
}

TEST_CASE("every algorithm computes the same network", "[algorithms]") {
  const Context context = make_context();
  Shape shape = plain().with(RONDO_ATTR_FIXED_BATCH, 1);
  shape.L = 2;
  Rig standard(context, shape.with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_NEVER));
  const Bytes expected = standard.results();
  for (const char *fastest : {"standard", "persist_static", "persist_dynamic", "small_h"}) {
    const Cache cache;
    const Variable variable("RONDO_EMULATOR_FASTEST", fastest);
    CAPTURE(fastest);
    CHECK(Rig(context, shape.with(RONDO_ATTR_AUTOTUNE, 1)).results() == expected);
  }
}

TEST_CASE("a plan of a fixed batch refuses another N", "[algorithms]") {
  const Context context = make_context();
  Rig rig(context, plain().with(RONDO_ATTR_FIXED_BATCH, 1).with(RONDO_ATTR_PERSISTENT, RONDO_PERSISTENT_REQUIRE));
  rig.results();
  rig.forward.batch.N = 2;
  CHECK(failure(RONDO_ERROR_INVALID_ARGUMENT, rondo_forward(rig.plan(), &rig.forward)) ==
        "rondo_forward: N is 2, expected max_N, which is 3: fixed_batch is 1");
}

TEST_CASE("autotune takes the algorithm that is fastest, and gives all memory back", "[autotune]") {
  const auto wanted = GENERATE(values<Algorithm>({{"standard", "standard"},
                                                  {"persist_static", "persist_static"},
                                                  {"persist_dynamic", "persist_dynamic"},
                                                  {"small_h", "persist_static_small_h"}}));
  const auto mode = GENERATE(values<rondo_mode_t>({RONDO_INFERENCE, RONDO_TRAINING}));
  const Cache cache;
  const Variable variable("RONDO_EMULATOR_FASTEST", wanted.fastest);
  const Logged logged;
  Shape shape = tuned();
  shape.mode = mode;
  const Plan warm = make_plan(logged.context, plain());
  const rondo_emulator::Live before = rondo_emulator::live();
  const Plan plan = make_plan(logged.context, shape);
  const rondo_emulator::Live after = rondo_emulator::live();
  CHECK_THAT(rondo_plan_explain(plan.get()),
             Contains(std::string("\ncudnn: algorithm ") + wanted.name + ", the fastest") && Contains("\nautotune: ") &&
                 Contains(" ms"));
  check_as_before(before, after);
  CHECK(logged.lines.empty());
}

TEST_CASE("a result is kept in the cache, and no plan of the same problem measures again", "[autotune]") {
  const Cache cache;
  const Context context = make_context();
  {
    const Variable variable("RONDO_EMULATOR_FASTEST", "standard");
    const int64_t before = forwards_of_cudnn();
    explained(context, tuned());
    CHECK(forwards_of_cudnn() > before);
  }
  CHECK_THAT(cache.text(), StartsWith("rondo autotune cache 2\n") &&
                               Contains("Emulated GPU sm_90 with 16 multiprocessors, driver 13000, cudnn 9.") &&
                               Contains(" training of full sequences, T=4 N=3 S=12\t") &&
                               Contains("\tstandard=0.02\t"));
  CHECK(cache.files() == 1);
  const Variable variable("RONDO_EMULATOR_FASTEST", "persist_dynamic");
  const Context other = make_context();
  const Plan warm = make_plan(other, plain());
  const int64_t before = forwards_of_cudnn();
  const int64_t operations = rondo_emulator::operations_run();
  CHECK_THAT(explained(other, tuned()),
             Contains("\ncudnn: algorithm standard, the fastest when it was timed, as the cache remembers"));
  CHECK(forwards_of_cudnn() == before);
  CHECK(rondo_emulator::operations_run() == operations);

  Shape another = tuned();
  another.T += 1;
  CHECK_THAT(explained(other, another), Contains("\ncudnn: algorithm persist_dynamic, "));
  CHECK_THAT(explained(other, tuned()), Contains("\ncudnn: algorithm standard, "));
  for (const Shape &changed :
       {tuned().with(RONDO_ATTR_CELL, RONDO_CELL_GRU), tuned().with(RONDO_ATTR_BIAS, 0),
        tuned().with(RONDO_ATTR_LAYOUT, RONDO_BATCH_MAJOR), tuned().with(RONDO_ATTR_ALLOW_TF32, 1)}) {
    const int64_t measured = forwards_of_cudnn();
    explained(other, changed);
    CHECK(forwards_of_cudnn() > measured);
  }
  Shape inference = tuned();
  inference.mode = RONDO_INFERENCE;
  CHECK_THAT(explained(other, inference), Contains("\ncudnn: algorithm persist_dynamic, "));
  CHECK(cache.files() == 1);
}

TEST_CASE("a broken cache is ignored with a line to the log, and replaced", "[autotune]") {
  const auto content = GENERATE(values<std::string>(
      {"", "something else\n", "rondo autotune cache 2\nno tabs here\n", "rondo autotune cache 2\na\tb\tc\n",
       "rondo autotune cache 2\na\tb=-1\n", "rondo autotune cache 2\na\tb=1 s\n", std::string(3, '\0')}));
  const Cache cache;
  cache.write(content);
  const Variable variable("RONDO_EMULATOR_FASTEST", "standard");
  const Logged logged;
  CHECK_THAT(explained(logged.context, tuned()), Contains("\ncudnn: algorithm standard, "));
  CHECK_THAT(logged.lines,
             Contains("autotune: the cache " + cache.path().string() + " cannot be read as one, so it is ignored"));
  CHECK_THAT(cache.text(), StartsWith("rondo autotune cache 2\n") && Contains("\tstandard="));
  CHECK(cache.files() == 1);
}

TEST_CASE("a cache of another version is measured anew without a word, and replaced", "[autotune]") {
  const auto content = GENERATE(
      values<std::string>({"rondo autotune cache 1\nkey\tstandard\tstandard 1 ms\n", "rondo autotune cache 3\n{}\n"}));
  const Cache cache;
  cache.write(content);
  const Variable variable("RONDO_EMULATOR_FASTEST", "standard");
  const Logged logged;
  CHECK_THAT(explained(logged.context, tuned()), Contains("\ncudnn: algorithm standard, the fastest of those timed\n"));
  CHECK(logged.lines.empty());
  CHECK_THAT(cache.text(), StartsWith("rondo autotune cache 2\n") && Contains("\tstandard=") && !Contains("key"));
}

TEST_CASE("an entry without a time of all that may run is measured anew", "[autotune]") {
  const Cache cache;
  const Logged logged;
  {
    const Variable variable("RONDO_EMULATOR_FASTEST", "standard");
    explained(logged.context, tuned());
  }
  std::string text = cache.text();
  const size_t at = text.find("\tpersist_static=");
  REQUIRE(at != std::string::npos);
  text.replace(at, 15, "\tquantum");
  cache.write(text);
  const Variable variable("RONDO_EMULATOR_FASTEST", "persist_dynamic");
  CHECK_THAT(explained(logged.context, tuned()), Contains("\ncudnn: algorithm persist_dynamic, "));
  CHECK(logged.lines.empty());
  CHECK_THAT(cache.text(), Contains("\tpersist_static=") && !Contains("quantum"));
}

TEST_CASE("a cache that cannot be written is a line in the log", "[autotune]") {
  const Cache cache;
  std::ofstream(cache.folder() / "file") << "x";
  const Variable path("RONDO_AUTOTUNE_CACHE", (cache.folder() / "file" / "tune.txt").string());
  const Variable variable("RONDO_EMULATOR_FASTEST", "standard");
  const Logged logged;
  CHECK_THAT(explained(logged.context, tuned()), Contains("\ncudnn: algorithm standard, "));
  CHECK_THAT(logged.lines, Contains("cannot be written, so the result is not kept"));
  CHECK(cache.files() == 1);
}

TEST_CASE("the cache lies where its user keeps such files, in a folder that is made", "[autotune]") {
  const Cache cache;
  const Variable none("RONDO_AUTOTUNE_CACHE", "");
  const Variable home("XDG_CACHE_HOME", (cache.folder() / "not" / "there").string());
  const Logged logged;
  explained(logged.context, tuned());
  CHECK(std::filesystem::exists(cache.folder() / "not" / "there" / "rondo" / "autotune.txt"));
  CHECK(logged.lines.empty());
}

TEST_CASE("autotune is refused while a stream captures that the default stream waits for, and spoils no capture",
          "[autotune]") {
  const Cache cache;
  const Context context = make_context();
  Rig rig(context, plain());
  const Bytes expected = rig.results();
  rig.spoil();
  cudaStream_t blocking = nullptr;
  REQUIRE(cudaStreamCreate(&blocking) == cudaSuccess);
  rig.forward.stream = rig.backward.stream = blocking;
  std::string text;
  {
    const Graph graph(blocking, [&] {
      rig.run_forward();
      try {
        make_plan(context, tuned());
      } catch (const RondoError &error) {
        text = error.what();
      }
      rig.run_backward();
    });
    graph.replay(blocking);
  }
  CHECK_THAT(text, StartsWith("RONDO_ERROR_STATE: rondo_plan_create: autotune is 1 while a stream is capturing"));
  CHECK(rig.outputs() == expected);
  CHECK(cudaStreamDestroy(blocking) == cudaSuccess);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("without memory to measure in the rule decides", "[autotune]") {
  const Cache cache;
  const Logged logged;
  Shape shape = tuned();
  const Plan warm = make_plan(logged.context, plain());
  size_t free = 0;
  size_t total = 0;
  REQUIRE(cudaMemGetInfo(&free, &total) == cudaSuccess);
  rondo_emulator::Settings small = rondo_emulator::settings();
  const rondo_emulator::Settings before = small;
  small.memory = total - free + 64;
  rondo_emulator::configure(small);
  const std::string text = explained(logged.context, shape);
  rondo_emulator::configure(before);
  CHECK_THAT(text, Contains("\ncudnn: algorithm persist_static_small_h, hidden_size is small\n") &&
                       Contains("autotune: there is no memory to time in, so the rule decides"));
  CHECK_THAT(logged.lines, Contains("there is no memory to time in"));
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(cache.files() == 0);
}
