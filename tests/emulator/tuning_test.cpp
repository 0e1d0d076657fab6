// How a back end's choices are timed and remembered, over executors that only pretend to work: failures, missing
// memory, and what of the cache is believed.
#include "backend/cuda/tuning.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "control.h"
#include "stream.h"
#include "support/catch.h"

namespace {

using namespace rondo;
using namespace rondo::cuda;
using Catch::Matchers::Contains;

// Takes so many microseconds forward; below 0 it fails.
class Pretender final : public Executor {
 public:
  Pretender(double cost, rondo_status_t failure, int *runs) : cost_(cost), failure_(failure), runs_(runs) {}
  MemoryNeeds needs() const override { return {}; }
  uint64_t packed_format() const override { return 1; }
  std::string description() const override { return {}; }
  Status pack(const void *const * /*params*/, void * /*packed*/) const override { return {}; }
  Status forward(const ForwardCall &call) const override {
    ++*runs_;
    if (cost_ < 0) {
      return fail(failure_, "it pretends to fail");
    }
    const cudaError_t error = rondo_emulator::enqueue(static_cast<cudaStream_t>(call.args.stream),
                                                      [cost = cost_] { rondo_emulator::add_cost(cost); });
    return error == cudaSuccess ? Status() : fail(RONDO_ERROR_DEVICE, "the emulator refuses");
  }
  Status backward(const BackwardCall & /*call*/) const override { return {}; }

 private:
  double cost_;
  rondo_status_t failure_;
  int *runs_;
};

struct Way {
  std::string name;
  double cost;
};

class Bench {
 public:
  Bench() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rondo-tuning-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    REQUIRE(setenv("RONDO_AUTOTUNE_CACHE", path().c_str(), 1) == 0);
    REQUIRE(Context::create(&context_).ok());
    REQUIRE(current_device(&device_).ok());
    spec_.input_size = spec_.hidden_size = 2;
    problem_ = {false, RONDO_SEQUENCE_FULL, 3, 2, 6, false};
  }
  Bench(const Bench &) = delete;
  Bench &operator=(const Bench &) = delete;
  ~Bench() {
    unsetenv("RONDO_AUTOTUNE_CACHE");
    std::filesystem::remove_all(folder_);
  }

  Tuned tuned(const std::vector<Way> &ways, rondo_status_t failure = RONDO_ERROR_DEVICE) {
    std::vector<Choice> choices;
    for (const Way &way : ways) {
      choices.push_back({way.name, [way, failure, this](std::unique_ptr<Executor> *executor) {
                           *executor = std::make_unique<Pretender>(way.cost, failure, &runs_);
                           return Status();
                         }});
    }
    runs_ = 0;
    Tuned tuned;
    REQUIRE(tune({*context_, spec_, problem_, device_}, "pretence", choices, &tuned).ok());
    return tuned;
  }
  std::filesystem::path path() const { return folder_ / "tune.txt"; }
  std::string cached() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  int runs() const { return runs_; }

 private:
  std::filesystem::path folder_;
  std::shared_ptr<Context> context_;
  Device device_{};
  Spec spec_;
  Problem problem_{};
  int runs_ = 0;
};

std::string fastest(const Tuned &tuned) { return tuned.fastest() == nullptr ? "" : tuned.fastest()->name; }

}  // namespace

TEST_CASE("the fastest choice is found by the clock, then remembered with every other's time", "[tuning]") {
  Bench bench;
  const Tuned first = bench.tuned({{"slow one", 300}, {"quick", 20}, {"medium", 100}});
  CHECK(fastest(first) == "quick");
  CHECK_FALSE(first.remembered);
  CHECK(bench.runs() > 3);
  CHECK_THAT(bench.cached(), Contains("\tslow one=0.30") && Contains("\tquick=0.02") && Contains("\tmedium=0.10"));
  const Tuned second = bench.tuned({{"slow one", 1}, {"quick", 900}, {"medium", 1}});
  CHECK(fastest(second) == "quick");
  CHECK(second.remembered);
  CHECK(bench.runs() == 0);
  REQUIRE(second.times.size() == 3);
  CHECK(second.times[0].milliseconds == Approx(first.times[0].milliseconds).epsilon(1e-5));
  // Of fewer choices the fastest is known too; of another nothing.
  CHECK(fastest(bench.tuned({{"medium", 1}, {"slow one", 2}})) == "medium");
  CHECK(bench.runs() == 0);
  CHECK(fastest(bench.tuned({{"quick", 900}, {"new", 1}})) == "new");
  CHECK(bench.runs() > 0);
}

TEST_CASE("what fails when it is timed is not taken, and is not tried again", "[tuning]") {
  Bench bench;
  const Tuned first = bench.tuned({{"broken", -1}, {"sound", 50}});
  CHECK(fastest(first) == "sound");
  REQUIRE(first.times.size() == 2);
  CHECK(first.times[0].failed());
  CHECK_THAT(first.times[0].failure, Contains("it pretends to fail"));
  CHECK(time_text(first.times[0]) == "failed");
  CHECK_THAT(bench.cached(), Contains("\tbroken=failed\tsound=0.05"));
  const Tuned second = bench.tuned({{"broken", 1}, {"sound", 50}});
  CHECK(fastest(second) == "sound");
  CHECK(second.times[0].failure == "as the cache remembers");
  CHECK(bench.runs() == 0);
}

TEST_CASE("where all fail nothing is kept, and they are tried again", "[tuning]") {
  Bench bench;
  const Tuned tuned = bench.tuned({{"broken", -1}, {"too", -1}});
  CHECK(tuned.fastest() == nullptr);
  CHECK(tuned.times.size() == 2);
  CHECK(bench.cached().empty());
  CHECK(fastest(bench.tuned({{"broken", 1}, {"too", -1}})) == "broken");
}

TEST_CASE("missing memory ends the timing, and nothing is kept", "[tuning]") {
  Bench bench;
  const Tuned tuned = bench.tuned({{"first", 1}, {"starved", -1}, {"last", 1}}, RONDO_ERROR_OUT_OF_MEMORY);
  CHECK(tuned.times.empty());
  CHECK(tuned.note == "autotune: there is no memory to time in, so the rule decides\n");
  CHECK(bench.cached().empty());
}

TEST_CASE("nothing is timed where there is one choice", "[tuning]") {
  Bench bench;
  const Tuned tuned = bench.tuned({{"only", 1}});
  CHECK(tuned.times.empty());
  CHECK(tuned.note == "autotune: there is nothing to choose between\n");
  CHECK(bench.runs() == 0);
}
