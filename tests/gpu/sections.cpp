// The list of sections, and how one is run and judged.
// What a section lacks (a back end, a program) is a skip with its reason, never a pass.
#include "sections.h"

#include <algorithm>
#include <chrono>
#include <regex>
#include <sstream>

namespace rondo::gpu {
namespace {

// What cuBLAS and cuDNN need to give the same bytes from run to run.
Environment same_bytes() { return {{"CUBLAS_WORKSPACE_CONFIG", ":4096:2"}}; }

std::string seconds_text(const Setup &setup, double seconds) { return std::to_string(seconds * setup.time_scale); }

Step numeric(const Setup &setup, const std::string &backend, bool quick) {
  Environment environment = same_bytes();
  environment["RONDO_TEST_BACKEND"] = backend;
  environment["RONDO_GOLDEN_DIR"] = setup.root + "/data/golden";
  if (quick) environment["RONDO_TEST_QUICK"] = "1";
  return {"numeric " + backend, {setup.program("rondo_test_numeric")}, environment, backend};
}

Step verify(const Setup &setup, const std::string &backend) {
  return {"verify " + backend, {setup.program("rondo"), "verify", "--backend", backend, "--quick"}, {}, backend};
}

// Racecheck and synccheck see shared memory and barriers, memcheck all of it; the numbers are the suite's affair.
// A library may ask the driver what it cannot do, and take no for an answer: that is no finding.
Step sanitizer(const Setup &setup, const std::string &tool, double seconds) {
  std::vector<std::string> command{"compute-sanitizer", "--tool", tool, "--error-exitcode", "99"};
  if (tool == "memcheck") command.insert(command.end(), {"--report-api-errors", "no"});
  command.insert(command.end(),
                 {setup.program("rondo_gpu_soak"), "--once", "--few", "--seconds", seconds_text(setup, seconds)});
  Step step{tool, command, {}, "fused"};
  step.proof = "SUMMARY: 0 (errors|hazards)";
  step.skip = "=+ Error: [^\n]*(not supported|[Ii]nsufficient)[^\n]*";
  return step;
}

Step soak(const Setup &setup, const std::string &backend) {
  const double seconds = setup.quick ? 2 : 4;
  return {"soak " + backend,
          {setup.program("rondo_gpu_soak"), "--backend", backend, "--seconds", seconds_text(setup, seconds)},
          {},
          backend};
}

Step streams(const Setup &setup, const std::string &backend) {
  return {"streams " + backend,
          {setup.program("rondo_gpu_soak"), "--backend", backend, "--streams"},
          same_bytes(),
          backend};
}

Step persistent_numeric(const Setup &setup, const std::string &tier, const std::string &types) {
  Step step = numeric(setup, "fused", setup.quick);
  step.command.emplace_back("[persistent]");
  step.environment["RONDO_TEST_PERSISTENT"] = types;
  step.environment["RONDO_FUSED_TIER"] = tier;
  return step;
}

// All steps on one tier. A GPU too old for it is a skip in the library's words.
SectionPlan tier_section(const std::string &tier, const std::string &title, double seconds, std::vector<Step> steps) {
  for (Step &step : steps) {
    if (step.environment.count("RONDO_FUSED_TIER") == 0) step.command.insert(step.command.end(), {"--tier", tier});
    step.title += " " + title;
    step.skip += (step.skip.empty() ? "" : "|") + std::string("it needs compute capability [0-9.]+ or newer[^\n]*");
  }
  return {"fused-" + title, seconds, steps};
}

// One tier of the fused back end's persistent kernels, of 16 bits: results, captures, streams and the sanitizers.
SectionPlan tier(const Setup &setup, const std::string &name) {
  std::vector<Step> steps{persistent_numeric(setup, name, "16-bit")};
  steps.push_back({"capture", {setup.program("rondo_gpu_capture")}, same_bytes(), "fused"});
  steps.push_back({"streams", {setup.program("rondo_gpu_soak"), "--streams"}, same_bytes(), "fused"});
  for (const char *tool : {"memcheck", "racecheck", "synccheck"}) steps.push_back(sanitizer(setup, tool, 6));
  return tier_section(name, name, 40, steps);
}

// Its kernels of f32, by multiply-adds or tf32, whose launches and meetings are those of 16 bits: results and the
// sanitizers.
SectionPlan f32_tier(const Setup &setup, const std::string &name, const std::string &types) {
  std::vector<Step> steps{persistent_numeric(setup, name, types)};
  for (const char *tool : {"memcheck", "racecheck", "synccheck"}) {
    steps.push_back(sanitizer(setup, tool, 6));
    steps.back().command.push_back("--" + types);
  }
  return tier_section(name, name + "-" + types, 30, steps);
}

SectionPlan capture(const Setup &setup, const std::string &name, const std::string &backend) {
  const std::vector<std::string> command{setup.program("rondo_gpu_capture"), "--backend", backend};
  std::vector<std::string> cold = command;
  cold.emplace_back("--cold");
  return {name,
          15,
          {{"capture " + backend, command, same_bytes(), backend},
           {"cold capture " + backend, cold, same_bytes(), backend}}};
}

Step cudnn_limits(const Setup &setup) {
  Step step{"cudnn-limits",
            {setup.program("rondo_bench_cudnn"), "--limits", "--seconds", seconds_text(setup, 8)},
            {},
            "cudnn"};
  step.keeps_output = true;
  return step;
}

std::string why_not(const Step &step, const Setup &setup) {
  const auto missing = setup.missing.find(step.backend);
  if (missing != setup.missing.end() && !missing->second.empty()) return step.backend + ": " + missing->second;
  if (program_exists(step.command.front())) return "";
  return step.command.front().substr(step.command.front().rfind('/') + 1) + " is not there";
}

std::string end_of(const std::string &text) {
  constexpr size_t kept = 6000;
  return text.size() <= kept ? text : "..." + text.substr(text.size() - kept);
}

int64_t number_before(const std::string &line, const std::string &word) {
  std::smatch match;
  return std::regex_search(line, match, std::regex("([0-9]+) " + word)) ? std::stoll(match[1]) : 0;
}

std::string last_match(const std::string &text, const std::regex &pattern) {
  std::string found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern); match != std::sregex_iterator(); ++match) {
    found = match->str();
  }
  return found;
}

std::string first_match(const std::string &text, const std::string &pattern) {
  std::smatch match;
  return !pattern.empty() && std::regex_search(text, match, std::regex(pattern)) ? match.str() : "";
}

// What a good run had to leave out, in its own words.
std::string skipped_lines(const std::string &output) {
  std::istringstream lines(output);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("skipped", 0) == 0) kept += line + "\n";
  }
  return kept;
}

void run_step(const Step &step, double seconds, Section &section) {
  const Finished finished = run_process(step.command, step.environment, seconds);
  if (finished.timed_out) {
    ++section.failed;
    section.text += step.title + ": stopped at the section's time bound\n" + end_of(finished.output) + "\n";
    return;
  }
  if (const std::string reason = first_match(finished.output, step.skip); !reason.empty()) {
    ++section.skipped;
    section.text += step.title + ": skipped: " + reason + "\n";
    return;
  }
  const int64_t failed_before = section.failed;
  add_counts(section, finished.output, finished.status);
  if (!step.proof.empty() && !std::regex_search(finished.output, std::regex(step.proof))) ++section.failed;
  if (section.failed > failed_before) {
    section.text += step.title + ": exit status " + std::to_string(finished.status) + "\n" + end_of(finished.output);
  } else {
    section.text += step.title + ": passed\n";
    section.text += step.keeps_output ? end_of(finished.output) : skipped_lines(finished.output);
  }
}

}  // namespace

std::vector<SectionPlan> section_plans(const Setup &setup) {
  return {{info_section, 4, {}},
          {"numeric-fused", 105, {numeric(setup, "fused", setup.quick)}},
          {"numeric-cudnn", 95, {numeric(setup, "cudnn", setup.quick)}},
          {"numeric-auto", 15, {numeric(setup, "auto", true)}},
          {"verify-fused", 15, {verify(setup, "fused")}},
          {"verify-cudnn", 15, {verify(setup, "cudnn")}},
          {"sanitizer",
           60,
           {sanitizer(setup, "memcheck", 13), sanitizer(setup, "racecheck", 13), sanitizer(setup, "synccheck", 13)}},
          tier(setup, "single"),
          tier(setup, "cluster"),
          tier(setup, "grid"),
          f32_tier(setup, "single", "f32"),
          f32_tier(setup, "cluster", "f32"),
          f32_tier(setup, "grid", "f32"),
          f32_tier(setup, "single", "tf32"),
          f32_tier(setup, "cluster", "tf32"),
          f32_tier(setup, "grid", "tf32"),
          capture(setup, "capture", "fused"),
          capture(setup, "capture-cudnn", "cudnn"),
          {"soak", 20, {streams(setup, "fused"), streams(setup, "cudnn"), soak(setup, "fused"), soak(setup, "cudnn")}},
          {"cudnn-limits", 20, {cudnn_limits(setup)}},
          {bench_section, bench_seconds, {}}};
}

Section run_section(const SectionPlan &plan, const Setup &setup) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  Section section;
  section.name = plan.name;
  section.quick = setup.quick;
  for (const Step &step : plan.steps) {
    if (const std::string reason = why_not(step, setup); !reason.empty()) {
      ++section.skipped;
      section.text += step.title + ": skipped: " + reason + "\n";
      continue;
    }
    run_step(step, std::max(0.0, plan.seconds * setup.time_scale - elapsed()), section);
  }
  section.seconds = elapsed();
  section.outcome = section.failed > 0 ? Outcome::failed : section.passed > 0 ? Outcome::passed : Outcome::skipped;
  return section;
}

void add_counts(Section &section, const std::string &output, int status) {
  const std::string ours = last_match(output, std::regex("[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?"));
  const std::string all =
      last_match(output, std::regex("All tests passed \\([0-9]+ assertions? in [0-9]+ test cases?"));
  const std::string some = last_match(output, std::regex("test cases:[^\n]*"));
  int64_t passed = 0;
  int64_t failed = 0;
  if (!all.empty()) {
    passed = number_before(all, "test case");
  } else if (const std::string &line = some.empty() ? ours : some; !line.empty()) {
    passed = number_before(line, "passed");
    failed = number_before(line, "failed");
    section.skipped += number_before(line, "skipped");
  }
  const bool says_nothing = all.empty() && some.empty() && ours.empty();
  if (failed == 0 && (status != 0 || says_nothing)) failed = 1;
  section.passed += passed;
  section.failed += failed;
}

}  // namespace rondo::gpu
