// Which back end a plan gets, and what autotune compares, with back ends that are made up here: the registry's own are
// not linked into this program.
#include "plan/selection.h"

#include "backend/registry.h"
#include "support/catch.h"

namespace {

using namespace rondo;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

class MadeUp final : public Backend {
 public:
  MadeUp(rondo_backend_t id, rondo_device_t device, const char *name) : id_(id), device_(device), name_(name) {}
  rondo_backend_t id() const override { return id_; }
  rondo_device_t device() const override { return device_; }
  const char *name() const override { return name_; }
  bool available() const override { return true; }
  const char *detail() const override { return "made up"; }
  std::string refusal(const Spec & /*spec*/, const Problem & /*problem*/) const override { return refuses; }
  std::string unproven(const Spec & /*spec*/, const Problem & /*problem*/) const override {
    return proven ? "" : "never shown";
  }
  Status create(Context &context, const Spec &spec, const Problem &problem,
                std::unique_ptr<Executor> *executor) const override;

  std::string refuses{};
  bool proven = true;
  double milliseconds = -1;  // what it takes where it is timed; below 0: it cannot be timed
  rondo_status_t failure = RONDO_OK;
  mutable int made = 0;
  mutable bool compared = false;

 private:
  rondo_backend_t id_;
  rondo_device_t device_;
  const char *name_;
};

class Idle final : public Executor {
 public:
  explicit Idle(double milliseconds) : milliseconds_(milliseconds) {}
  MemoryNeeds needs() const override { return {}; }
  uint64_t packed_format() const override { return 1; }
  std::string description() const override { return {}; }
  Measured measured() const override { return {milliseconds_, "this, that"}; }
  Status pack(const void *const * /*params*/, void * /*packed*/) const override { return {}; }
  Status forward(const ForwardCall & /*call*/) const override { return {}; }
  Status backward(const BackwardCall & /*call*/) const override { return {}; }

 private:
  double milliseconds_;
};

Status MadeUp::create(Context & /*context*/, const Spec &spec, const Problem &problem,
                      std::unique_ptr<Executor> *executor) const {
  ++made;
  compared = problem.compared;
  if (failure != RONDO_OK) {
    return fail(failure, "%s is broken", name_);
  }
  *executor = std::make_unique<Idle>(spec.autotune != 0 && compared ? milliseconds : -1);
  return {};
}

struct World {
  MadeUp cudnn{RONDO_BACKEND_CUDNN, RONDO_DEVICE_CUDA, "cudnn"};
  MadeUp fused{RONDO_BACKEND_FUSED, RONDO_DEVICE_CUDA, "fused"};
  MadeUp cpu{RONDO_BACKEND_CPU, RONDO_DEVICE_CPU, "cpu"};
};
std::vector<const Backend *> list;

// The name of what a plan gets, and explain's lines; or the failure.
struct Got {
  std::string name, text;
};

Got got(const World &world, int64_t autotune = 1, int64_t backend = RONDO_BACKEND_AUTO) {
  list = {&world.cudnn, &world.fused, &world.cpu};
  std::shared_ptr<Context> context;
  REQUIRE(Context::create(&context).ok());
  Spec spec;
  spec.autotune = autotune;
  spec.backend = backend;
  Selection selection{};
  std::unique_ptr<Executor> executor;
  if (!select_backend(spec, {}, &selection).ok() || !create_executor(*context, spec, {}, &selection, &executor).ok()) {
    return {"none", last_error()};
  }
  REQUIRE(executor != nullptr);
  return {selection.backend->name(), selection.explanation()};
}

}  // namespace

namespace rondo {
std::span<const Backend *const> backends() { return list; }
}  // namespace rondo

TEST_CASE("autotune takes the fastest of the proven back ends on a GPU", "[selection]") {
  World world;
  world.cudnn.milliseconds = 2;
  world.fused.milliseconds = 1;
  const Got fused = got(world);
  CHECK(fused.name == "fused");
  CHECK(fused.text ==
        "fused: the fastest of the back ends when timed, 1 ms (made up)\n"
        "not cudnn: slower when timed, 2 ms (this, that)\n"
        "not cpu: a more preferred one serves\n");
  CHECK(world.cudnn.compared);
  world.fused.milliseconds = 3;
  CHECK(got(world).name == "cudnn");
  CHECK_THAT(got(world).text, Contains("\nnot fused: slower when timed, 3 ms (this, that)\n"));
  CHECK(world.cpu.made == 0);
}

TEST_CASE("without autotune, and where a back end is forced, the preferred one is made alone", "[selection]") {
  World world;
  world.fused.milliseconds = 1;
  CHECK_THAT(got(world, 0).text, StartsWith("cudnn: the most preferred that can serve (made up)\n") &&
                                     Contains("\nnot fused: a more preferred one serves\n"));
  CHECK_THAT(got(world, 1, RONDO_BACKEND_CUDNN).text,
             StartsWith("cudnn: the attribute backend asks for it (made up)\n") &&
                 Contains("\nnot fused: the attribute backend asks for another\n"));
  CHECK_FALSE(world.cudnn.compared);
  CHECK(world.fused.made == 0);
}

TEST_CASE("an unproven back end is not timed beside a proven one", "[selection]") {
  World world;
  world.cudnn.milliseconds = 2;
  world.fused.milliseconds = 1;
  world.fused.proven = false;
  CHECK(got(world).name == "cudnn");
  CHECK_THAT(got(world).text, StartsWith("cudnn: the most preferred that can serve") &&
                                  Contains("\nnot fused: not yet proven on hardware, so only by name: never shown\n"));
  CHECK(world.fused.made == 0);
  world.cudnn.proven = false;
  // The CPU is proven.
  CHECK(got(world).name == "cpu");
  world.cpu.refuses = "it does not";
  const Got fused = got(world);
  CHECK(fused.name == "fused");
  CHECK_THAT(fused.text, Contains("\nfused: not yet proven on hardware: never shown\n"));
}

TEST_CASE("a back end that cannot be made or timed leaves the others", "[selection]") {
  World world;
  world.cudnn.milliseconds = 2;
  world.fused.failure = RONDO_ERROR_DEVICE;
  CHECK(got(world).name == "cudnn");
  CHECK_THAT(got(world).text, Contains("\nnot fused: no plan of it can be made: ") && Contains("fused is broken\n"));
  world.fused.failure = RONDO_OK;
  world.fused.milliseconds = -1;
  CHECK(got(world).name == "cudnn");
  world.cudnn.failure = RONDO_ERROR_UNSUPPORTED;
  CHECK(got(world).name == "fused");
  world.fused.failure = RONDO_ERROR_UNSUPPORTED;
  CHECK_THAT(got(world).text, Contains("no back end serves it here:\nnot cudnn: ") && Contains("cudnn is broken\n") &&
                                  Contains("fused is broken\n"));
  world.cudnn.failure = RONDO_ERROR_STATE;
  CHECK_THAT(got(world).text, Contains("cudnn is broken") && !Contains("fused"));
  // Neither has been timed.
  World idle;
  CHECK_THAT(got(idle).text, StartsWith("cudnn: the most preferred that can serve (made up)\n") &&
                                 Contains("\nnot fused: a more preferred one serves\n"));
}
