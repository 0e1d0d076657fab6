// Machines that lack something, each in a process of its own: what is missing is a reason in words, never a crash. And
// which back end is chosen where several could serve.
#include "machine.h"
#include "support/catch.h"

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using rondo::test::gpu::ask;

// Machine, and what it says of both GPU back ends.
struct Lack {
  const char *environment, *reason;
};

constexpr const char *cudnn = "backend=2", *fused = "backend=3", *cuda = "device=2", *cpu = "device=1";

}  // namespace

TEST_CASE("a machine without driver, device or recent driver says so, and the CPU serves", "[machines]") {
  const auto lack = GENERATE(values<Lack>({
      {"RONDO_EMULATOR_DRIVER=0", "no NVIDIA driver is installed"},
      {"RONDO_EMULATOR_DRIVER=12040", "the NVIDIA driver supports CUDA 12.4, this module needs 13.0 or newer"},
      {"RONDO_EMULATOR_DEVICES=0", "no NVIDIA GPU is visible (driver 13.0)"},
      {"RONDO_EMULATOR_DEVICES=0 CUDA_VISIBLE_DEVICES=-1", "CUDA_VISIBLE_DEVICES is \"-1\""},
  }));
  CAPTURE(lack.environment);
  const std::string list = ask(lack.environment);
  CHECK_THAT(list, Contains("cudnn is not available: built and loaded") &&
                       Contains("fused is not available: built and loaded") && Contains("cpu is available") &&
                       Contains(lack.reason) && !Contains("died"));
  CHECK_THAT(ask(lack.environment, "T=4"), StartsWith("cpu\n") && Contains(lack.reason));
  for (const char *forced : {cudnn, fused, cuda}) {
    CHECK_THAT(ask(lack.environment, forced), StartsWith("refused: RONDO_ERROR_UNSUPPORTED: rondo_plan_create: ") &&
                                                  Contains(lack.reason) && !Contains("died"));
  }
}

TEST_CASE("an old cuDNN is a reason, and the fused back end does without it", "[machines]") {
  const char *old = "RONDO_EMULATOR_CUDNN_VERSION=8902";
  CHECK_THAT(ask(old), Contains("cuDNN is ") && Contains("expected 9.0 or newer") && Contains("fused is available"));
  CHECK_THAT(ask(old, cudnn), StartsWith("refused: RONDO_ERROR_UNSUPPORTED") && Contains("expected 9.0 or newer"));
  CHECK_THAT(ask(old, cuda), StartsWith("fused\n") && Contains("not cudnn: ") && Contains("expected 9.0 or newer"));
}

TEST_CASE("an old cuDNN is told by the version that its makers gave it", "[machines]") {
  CHECK_THAT(ask("RONDO_EMULATOR_CUDNN_VERSION=8902"), Contains("cuDNN is 8.9.2, "));
  CHECK_THAT(ask("RONDO_EMULATOR_CUDNN_VERSION=90100"), Contains("cuDNN 9.1.0"));
}

TEST_CASE("a GPU older than the kernels is a reason of the plan", "[machines]") {
  const char *old = "RONDO_EMULATOR_CAPABILITY=60";
  CHECK_THAT(ask(old), Contains("Emulated GPU (sm_60)") && !Contains("died"));
  for (const char *forced : {cudnn, fused, cuda}) {
    CHECK_THAT(ask(old, forced), StartsWith("refused: RONDO_ERROR_UNSUPPORTED") &&
                                     Contains("has compute capability 6.0; this build's kernels need "));
  }
  CHECK_THAT(ask(old, "T=4"), StartsWith("cpu\n") && Contains("has compute capability 6.0"));
}

TEST_CASE("where hardware has proven nothing, auto runs on the CPU and says why", "[selection]") {
  CHECK_THAT(ask("", "T=4"), StartsWith("cpu\ncpu: the most preferred that can serve") &&
                                 Contains("\nnot cudnn: not yet proven on hardware, so only by name: ") &&
                                 Contains("\nnot fused: not yet proven on hardware, so only by name: "));
}

TEST_CASE("a GPU back end that is asked for runs, and says that it is not yet proven", "[selection]") {
  CHECK_THAT(ask("", cuda), StartsWith("cudnn\n") && Contains("\ncudnn: not yet proven on hardware: ") &&
                                Contains("\nnot cpu: it runs on the cpu, and the attribute device asks for cuda"));
  CHECK_THAT(ask("", "device=2 sequence=3"), StartsWith("fused\n") &&
                                                 Contains("\nfused: not yet proven on hardware: ") &&
                                                 Contains("\nnot cudnn: cuDNN takes lengths from host memory only"));
  CHECK_THAT(ask("", fused), StartsWith("fused\nfused: the attribute backend asks for it") &&
                                 Contains("\nfused: not yet proven on hardware: "));
  CHECK_THAT(ask("", cudnn), StartsWith("cudnn\n") && Contains("\nnot fused: the attribute backend asks for another"));
}

TEST_CASE("the environment replaces auto and nothing else", "[selection]") {
  CHECK_THAT(ask("RONDO_BACKEND=fused", "T=4"),
             StartsWith("fused\nfused: the environment's RONDO_BACKEND asks for it"));
  CHECK_THAT(ask("RONDO_BACKEND=fused", cuda), StartsWith("fused\n"));
  CHECK_THAT(ask("RONDO_BACKEND=cudnn", fused), StartsWith("fused\n"));
  CHECK_THAT(ask("RONDO_BACKEND=cudnn", "backend=1"), StartsWith("cpu\n"));
  CHECK_THAT(ask("RONDO_BACKEND=cudnn", "sequence=3"), StartsWith("refused: RONDO_ERROR_UNSUPPORTED") &&
                                                           Contains("the environment's RONDO_BACKEND asks for cudnn"));
  CHECK_THAT(ask("RONDO_BACKEND=fused", cpu),
             StartsWith("refused: RONDO_ERROR_UNSUPPORTED") && Contains("the attribute device asks for cpu"));
  CHECK_THAT(ask("RONDO_BACKEND=cuda", "T=4"),
             StartsWith("refused: RONDO_ERROR_INVALID_ARGUMENT") && Contains("expected auto, cpu, cudnn or fused"));
}

TEST_CASE("a plan for the CPU loads no module", "[selection]") {
  CHECK_THAT(ask("", cpu), StartsWith("cpu\n") && Contains("modules:\n"));
  CHECK_THAT(ask("", "backend=1"), StartsWith("cpu\n") && Contains("modules:\n"));
  CHECK_THAT(ask("", fused), StartsWith("fused\n") && Contains("modules: librondo_fused\n"));
}
