// Which variant of the fused back end a plan takes, as the proofs of hardware would have it: proofs are made up here.
#include "backend/fused/variants.h"

#include <string_view>

#include "emulator/control.h"
#include "support/catch.h"

namespace {

using Catch::Matchers::Contains;
using rondo::Problem;
using rondo::Spec;
using rondo::fused::Variants;

struct Case {
  int64_t H = 64, N = 16, dtype = RONDO_F16, persistent = RONDO_PERSISTENT_AUTO;
  int capability = 90;
  int code = 0;  // 0: for the capability
  bool grids = true;
  bool training = true;
  bool tf32 = false;
  int64_t cell = RONDO_CELL_LSTM;
  int64_t P = 0;
};

rondo::cuda::Device device_of(const Case &it) {
  const int capability = it.capability;
  rondo::cuda::Device device{};
  device.major = capability / 10;
  device.minor = capability % 10;
  device.multiprocessors = 132;
  device.shared_bytes = capability == 80 ? 166912 : 232448;
  device.clusters = capability >= 90;
  device.grids = it.grids;
  device.code = it.code != 0 ? it.code : capability;
  return device;
}

std::string nothing(const char * /*variant*/, int /*capability*/) { return "never shown"; }
std::string everything(const char * /*variant*/, int /*capability*/) { return ""; }
std::string stepwise_alone(const char *variant, int /*capability*/) {
  return std::string_view(variant) == "fused stepwise" ? "" : "never shown";
}
std::string single_alone(const char *variant, int /*capability*/) {
  return std::string_view(variant) == "fused single" ? "" : "never shown";
}

std::string single_tf32_alone(const char *variant, int /*capability*/) {
  return std::string_view(variant) == "fused single tf32" ? "" : "never shown";
}
std::string single_f32_alone(const char *variant, int /*capability*/) {
  return std::string_view(variant) == "fused single f32" ? "" : "never shown";
}

// The name of what is chosen, or what refuses it; `choices` are what may be timed.
struct Told {
  std::string name, refusal, text, unproven;
  std::vector<std::string> choices;
};

Told told(Variants::Proof proof, const Case &it, const rondo::cuda::Tuned &tuned = {}) {
  Spec spec;
  spec.cell = it.cell;
  spec.input_size = 8;
  spec.hidden_size = it.H;
  spec.proj_size = it.P;
  spec.dtype = it.dtype;
  spec.persistent = it.persistent;
  spec.allow_tf32 = it.tf32 ? 1 : 0;
  Problem problem{};
  problem.training = it.training;
  problem.max_T = 100;
  problem.max_N = it.N;
  const rondo::cuda::Device device = device_of(it);
  Variants variants(spec, problem, device, proof);
  std::vector<std::string> choices;
  for (const auto *tier : variants.choices()) {
    choices.emplace_back(Variants::name_of(tier));
  }
  const std::string failure = variants.take_fastest(tuned).ok() ? "" : rondo::last_error();
  return {variants.name(), variants.refusal() + failure, variants.text(), variants.unproven(), choices};
}

std::string chosen(Variants::Proof proof, const Case &it) { return told(proof, it).name; }

}  // namespace

TEST_CASE("a tier is chosen by itself only where hardware has proven it", "[variants]") {
  CHECK(chosen(&nothing, {}) == "fused stepwise");
  CHECK(chosen(&stepwise_alone, {}) == "fused stepwise");
  CHECK(chosen(&single_alone, {}) == "fused single");
  CHECK_THAT(told(&stepwise_alone, {}).text, Contains("fused: variant fused stepwise, no tier that serves is proven") &&
                                                 Contains("not yet proven on hardware: never shown"));
  CHECK(told(&stepwise_alone, {}).unproven.empty());
  CHECK(told(&nothing, {}).unproven == "never shown");
  CHECK_THAT(
      told(&single_alone, {}).text,
      Contains("fused: variant fused single, proven on hardware, and the quickest predicted\n") &&
          Contains("not fused cluster: not proven, so only where the attribute persistent is require: forward ") &&
          Contains("not fused stepwise: a tier that is proven serves; predicted at best "));
}

TEST_CASE("a proof of one type's kernels is none of another's", "[variants]") {
  CHECK(chosen(&single_alone, {.dtype = RONDO_BF16}) == "fused single");
  CHECK(chosen(&single_alone, {.dtype = RONDO_F32}) == "fused stepwise");
  CHECK(told(&single_alone, {.dtype = RONDO_F32, .persistent = RONDO_PERSISTENT_REQUIRE}).unproven == "never shown");
  CHECK(chosen(&single_f32_alone, {.dtype = RONDO_F32}) == "fused single");
  CHECK(told(&single_f32_alone, {.dtype = RONDO_F32}).unproven.empty());
  CHECK(chosen(&single_f32_alone, {}) == "fused stepwise");
  CHECK(chosen(&single_f32_alone, {.dtype = RONDO_F32, .tf32 = true}) == "fused stepwise");
  CHECK(chosen(&single_tf32_alone, {.dtype = RONDO_F32, .tf32 = true}) == "fused single");
  CHECK(chosen(&single_tf32_alone, {.dtype = RONDO_F32}) == "fused stepwise");
  // Of tf32's relu no run on hardware compares the numbers.
  CHECK(chosen(&single_tf32_alone, {.dtype = RONDO_F32, .tf32 = true, .cell = RONDO_CELL_RNN_TANH}) == "fused single");
  CHECK(chosen(&single_tf32_alone, {.dtype = RONDO_F32, .tf32 = true, .cell = RONDO_CELL_RNN_RELU}) ==
        "fused stepwise");
  CHECK(chosen(&single_f32_alone, {.dtype = RONDO_F32, .cell = RONDO_CELL_RNN_RELU}) == "fused single");
  CHECK(chosen(&single_alone, {.tf32 = true}) == "fused single");
  // Twice as wide, it fits a cluster less often.
  CHECK(chosen(&everything, {.H = 384}) == "fused cluster");
  CHECK(chosen(&everything, {.H = 256, .dtype = RONDO_F32}) == "fused cluster");
  CHECK(chosen(&everything, {.H = 384, .dtype = RONDO_F32}) == "fused grid");
}

TEST_CASE("a projection has tiers in 16 bits alone", "[variants]") {
  CHECK(chosen(&single_alone, {.P = 32}) == "fused single");
  CHECK(chosen(&everything, {.H = 320, .P = 64}) == "fused cluster");
  CHECK(chosen(&everything, {.H = 1024, .dtype = RONDO_BF16, .P = 512}) == "fused grid");
  // W_hh is narrower by as much, so that one block holds more units.
  CHECK(chosen(&single_alone, {.H = 192, .training = false}) == "fused stepwise");
  CHECK(chosen(&single_alone, {.H = 192, .training = false, .P = 64}) == "fused single");
  CHECK(chosen(&everything, {.dtype = RONDO_F32, .P = 32}) == "fused stepwise");
  CHECK_THAT(told(&everything, {.dtype = RONDO_F32, .tf32 = true, .P = 32}).text,
             Contains("not fused single: a projection of f32 is not served, of f16 and bf16 it is\n"));
}

TEST_CASE("of proven tiers the one of the shortest predicted step is chosen", "[variants]") {
  const std::string any = chosen(&everything, {.H = 16, .N = 1});
  CHECK((any == "fused single" || any == "fused cluster"));
  // A layer that one block does not hold, and one that no cluster does.
  CHECK(chosen(&everything, {.H = 320}) == "fused cluster");
  // One that only the grid holds, and then no large batch.
  CHECK(chosen(&everything, {.H = 1024}) == "fused grid");
  CHECK(chosen(&everything, {.H = 1024, .N = 256}) == "fused stepwise");
  CHECK(chosen(&everything, {.H = 4096}) == "fused stepwise");
  // So many slices that clusters take turns, while one product a step fills the GPU.
  CHECK(chosen(&everything, {.H = 320, .N = 8192}) == "fused stepwise");
  CHECK_THAT(
      told(&everything, {.H = 320, .N = 8192}).text,
      Contains("fused: variant fused stepwise, predicted to be quicker than every tier that is proven; predicted "));
  CHECK(chosen(&everything, {.H = 320, .capability = 80}) == "fused grid");
  CHECK(chosen(&everything, {.H = 320, .capability = 80, .grids = false}) == "fused stepwise");
  CHECK(chosen(&everything, {.H = 64, .capability = 80}) == "fused single");
  // A build without machine code for this GPU: the driver has compiled older PTX, in which clusters trap.
  CHECK(chosen(&everything, {.H = 64, .code = 80}) == "fused single");
  CHECK_THAT(
      told(&everything, {.H = 64, .code = 75}).text,
      Contains("not fused cluster: its kernels are loaded as compiled for compute capability 7.5, and need 9.0"));
  CHECK(chosen(&everything, {.dtype = RONDO_F64}) == "fused stepwise");
  CHECK(chosen(&everything, {.persistent = RONDO_PERSISTENT_NEVER}) == "fused stepwise");
}

TEST_CASE("what is asked for runs unproven, and a proven tier before an unproven one", "[variants]") {
  constexpr int64_t require = RONDO_PERSISTENT_REQUIRE;
  CHECK(chosen(&nothing, {.H = 320, .persistent = require}) == "fused cluster");
  CHECK(told(&nothing, {.H = 320, .persistent = require}).unproven == "never shown");
  CHECK(chosen(&single_alone, {.persistent = require}) == "fused single");
  CHECK(chosen(&stepwise_alone, {.persistent = require}) != "fused stepwise");
  CHECK_THAT(
      told(&everything, {.H = 4096, .persistent = require}).refusal,
      Contains("fused single: hidden_size 4096 with max_N 16 does not fit") && Contains("; fused cluster: ") &&
          Contains("; fused grid: hidden_size 4096 with max_N 16 does not fit its blocks, at most 132 at once, "));
}

TEST_CASE("a grid is refused where the driver would not launch it", "[variants]") {
  CHECK_THAT(told(&everything, {.grids = false}).text,
             Contains("not fused grid: the device has no cooperative launches, in which all blocks run at once\n"));
  const rondo_emulator::Settings usual = rondo_emulator::settings();
  rondo_emulator::Settings less = usual;
  less.capability = 86;  // less shared memory than the device was said to have
  rondo_emulator::configure(less);
  const Told none = told(&everything, {.H = 1536, .N = 8});
  rondo_emulator::configure(usual);
  CHECK(none.name == "fused stepwise");
  CHECK_THAT(none.text, Contains("not fused grid: how many of its blocks run at once cannot be asked: "));
}

TEST_CASE("a tier that has no room for backward serves inference alone", "[variants]") {
  for (int64_t H = 16; H <= 1024; H += 16) {
    const bool inference = chosen(&everything, {.H = H, .training = false}) != "fused stepwise";
    const bool training = chosen(&everything, {.H = H}) != "fused stepwise";
    CAPTURE(H);
    CHECK((inference || !training));
  }
}

TEST_CASE("only what is proven may be timed where anything that serves is", "[variants]") {
  using Names = std::vector<std::string>;
  const auto choices = [](Variants::Proof proof, const Case &it) { return told(proof, it).choices; };
  constexpr int64_t require = RONDO_PERSISTENT_REQUIRE;
  CHECK(choices(&nothing, {}) == Names{"fused stepwise", "fused single", "fused cluster", "fused grid"});
  CHECK(choices(&everything, {}) == Names{"fused stepwise", "fused single", "fused cluster", "fused grid"});
  CHECK(choices(&stepwise_alone, {}) == Names{"fused stepwise"});
  CHECK(choices(&single_alone, {}) == Names{"fused single"});
  // No single block holds it, so nothing that serves is proven.
  CHECK(choices(&single_alone, {.H = 320}) == Names{"fused stepwise", "fused cluster", "fused grid"});
  CHECK(choices(&nothing, {.persistent = require}) == Names{"fused single", "fused cluster", "fused grid"});
  CHECK(choices(&stepwise_alone, {.persistent = require}) == Names{"fused single", "fused cluster", "fused grid"});
  CHECK(choices(&single_alone, {.persistent = require}) == Names{"fused single"});
  CHECK(choices(&everything, {.persistent = RONDO_PERSISTENT_NEVER}) == Names{"fused stepwise"});
  CHECK(choices(&everything, {.capability = 80}) == Names{"fused stepwise", "fused single", "fused grid"});
}

TEST_CASE("a measured time outranks every prediction, and stands beside it", "[variants]") {
  const auto timed = [](double by_step, double single, double cluster) {
    rondo::cuda::Tuned tuned;
    tuned.times = {{"fused stepwise", by_step, {}},
                   {"fused single", single, {}},
                   {"fused cluster", cluster, {}},
                   {"fused grid", -1, "none was timed"}};
    return tuned;
  };
  CHECK(told(&everything, {}, timed(1, 2, 3)).name == "fused stepwise");
  CHECK(told(&everything, {}, timed(3, 1, 2)).name == "fused single");
  const Told cluster = told(&everything, {}, timed(3, 2, 0.25));
  CHECK(cluster.name == "fused cluster");
  CHECK_THAT(cluster.text, Contains("fused: variant fused cluster, the fastest of those timed\n") &&
                               Contains("\nnot fused single: another was faster: forward ") &&
                               Contains("; measured 2 ms, 20.00 us a step of a layer forward and backward\n") &&
                               Contains("; measured 0.25 ms, 2.50 us a step of a layer forward and backward\n") &&
                               Contains("\nnot fused stepwise: another was faster; predicted at best ") &&
                               Contains("; measured 3 ms, 30.00 us a step of a layer forward and backward\n"));
  CHECK_THAT(told(&everything, {.training = false}, timed(3, 2, 0.25)).text,
             Contains("; measured 0.25 ms, 2.50 us a step of a layer\n"));
  rondo::cuda::Tuned broken = timed(3, 2, -1);
  broken.times[2].failure = "it broke";
  broken.remembered = true;
  CHECK_THAT(told(&everything, {}, broken).text,
             Contains("fused: variant fused single, the fastest when it was timed, as the cache remembers\n") &&
                 Contains("\nnot fused cluster: it failed when it was timed: it broke: forward "));
  CHECK_THAT(told(&everything, {}, timed(-1, -1, -1)).refusal,
             Contains("no variant of the fused back end runs it:\nnot fused stepwise: it failed when it was timed: "));
}

TEST_CASE("what was not timed keeps its prediction and its reason", "[variants]") {
  rondo::cuda::Tuned tuned;
  tuned.times = {{"fused single", 2, {}}};
  CHECK_THAT(told(&single_alone, {}, tuned).text,
             Contains("\nnot fused cluster: not proven, so only where the attribute persistent is require: forward ") &&
                 Contains("not yet proven on hardware: never shown") &&
                 Contains("\nnot fused stepwise: a tier that is proven serves; predicted at best "));
  tuned.times.clear();
  tuned.note = "autotune: no words\n";
  CHECK_THAT(
      told(&single_alone, {}, tuned).text,
      Contains("fused: variant fused single, proven on hardware, and the quickest predicted\nautotune: no words\n"));
}
