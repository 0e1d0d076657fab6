// rondo_gpu_report: what run-gpu-tests starts once the libraries are on the loader's path. Runs the sections, writes
// the result file after each, and ends with a table. Exit status: 0, 1 where something failed, 2 usage, 77 skipped.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>

#include "bench_section.h"
#include "process.h"
#include "result.h"
#include "sections.h"

namespace {

using namespace rondo::gpu;

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;
constexpr int exit_skipped = 77;

struct Options {
  std::vector<std::string> only;
  std::string out, root, python;
  bool quick = false, list = false;
  double time_scale = 1;
};

nlohmann::json ask_info(const Setup &setup) {
  const Finished info = run_process({setup.program("rondo"), "info", "--json"}, {}, 60);
  if (info.status != 0) throw std::runtime_error("rondo info failed:\n" + info.output);
  return nlohmann::json::parse(info.output);
}

std::string first_match(const std::string &text, const char *pattern) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : "";
}

std::string now() {
  char text[32];
  const std::time_t time = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// A driver's device files; where there are some, a GPU that cannot be used is a failure and not a reason to skip.
bool has_device_files() {
  std::error_code ignored;
  if (std::filesystem::exists("/dev/dxg", ignored)) return true;
  for (int index = 0; index < 16; ++index) {
    if (std::filesystem::exists("/dev/nvidia" + std::to_string(index), ignored)) return true;
  }
  return false;
}

// The facts are read from what the back ends tell: "NVIDIA H200 (sm_90), driver 13.0, .., cuDNN 9.14".
Origin origin_of(const nlohmann::json &info, const Setup &setup) {
  Origin origin;
  std::ifstream file(setup.root + "/bundle.json");
  if (!file) throw std::runtime_error("there is no bundle.json in " + setup.root);
  const nlohmann::json bundle = nlohmann::json::parse(file);
  origin.commit = bundle.at("commit").get<std::string>();
  origin.hashes = bundle.at("hashes");
  origin.date = now();
  std::string all;
  for (const auto &backend : info.at("backends")) {
    if (backend.at("device") != "cuda" || !backend.at("available").get<bool>()) continue;
    const auto detail = backend.at("detail").get<std::string>();
    if (origin.gpu.empty()) origin.gpu = first_match(detail, "(NVIDIA [^(;:,]*[^(;:, ]) *\\(sm_[0-9]+\\)");
    if (origin.gpu.empty()) origin.gpu = first_match(detail, "([^(;:,]*[^(;:, ]) *\\(sm_[0-9]+\\)");
    all += detail + "\n";
  }
  const std::string capability = first_match(all, "sm_([0-9]+)");
  origin.capability = capability.empty() ? 0 : std::stoll(capability);
  origin.driver = first_match(all, "driver ([0-9.]*[0-9])");
  origin.cuda = first_match(all, "(?:CUDA|runtime) ([0-9.]*[0-9])");
  if (origin.cuda.empty()) origin.cuda = bundle.at("cuda").get<std::string>();
  origin.cudnn = first_match(all, "cuDNN ([0-9.]*[0-9])");
  return origin;
}

Section info_of(const nlohmann::json &info, const Setup &setup) {
  Section section;
  section.name = info_section;
  section.quick = setup.quick;
  section.text = info.dump(1);
  for (const auto &[backend, reason] : setup.missing) {
    if (backend == "auto") continue;
    ++(reason.empty() ? section.passed : section.skipped);
  }
  section.outcome = section.passed > 0 ? Outcome::passed : Outcome::failed;
  section.failed = section.passed > 0 ? 0 : 1;
  return section;
}

bool is_wanted(const Options &options, const ResultFile &result, const std::string &name) {
  if (!options.only.empty()) {
    return std::find(options.only.begin(), options.only.end(), name) != options.only.end();
  }
  const Section *known = result.find(name);
  return known == nullptr || known->outcome != Outcome::passed || (known->quick && !options.quick);
}

// What autotuning found, for all programs of this run, so that none of them builds the same kernels again.
class SharedTuning {
 public:
  SharedTuning() {
    std::string made = (std::filesystem::temp_directory_path() / "rondo-gpu-XXXXXX").string();
    if (::mkdtemp(made.data()) == nullptr) throw std::runtime_error("cannot make the folder " + made);
    folder_ = made;
    ::setenv("RONDO_AUTOTUNE_CACHE", (folder_ / "autotune.txt").c_str(), 1);
  }
  SharedTuning(const SharedTuning &) = delete;
  SharedTuning &operator=(const SharedTuning &) = delete;
  ~SharedTuning() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

 private:
  std::filesystem::path folder_;
};

int run(const Options &options) {
  const SharedTuning tuning;
  Setup setup;
  setup.root = options.root;
  setup.python = options.python;
  setup.quick = options.quick;
  setup.time_scale = options.time_scale;
  const nlohmann::json info = ask_info(setup);
  std::string reasons;
  bool usable = false;
  for (const auto &backend : info.at("backends")) {
    if (backend.at("device") != "cuda") continue;
    const bool available = backend.at("available").get<bool>();
    const auto name = backend.at("name").get<std::string>();
    const auto detail = backend.at("detail").get<std::string>();
    usable = usable || available;
    setup.missing[name] = available ? "" : detail;
    reasons += (reasons.empty() ? "" : "; ") + name + ": " + detail;
  }
  if (!usable && !has_device_files()) {
    std::cout << "skipped: " << reasons << std::endl;
    return exit_skipped;
  }
  setup.missing["auto"] = "";

  ResultFile result(options.out, origin_of(info, setup));
  int64_t failed = 0;
  for (const SectionPlan &plan : section_plans(setup)) {
    if (!is_wanted(options, result, plan.name)) continue;
    std::cout << plan.name << " ..." << std::flush;
    nlohmann::json figures;
    Section section = plan.name == info_section    ? info_of(info, setup)
                      : plan.name == bench_section ? run_bench(setup, figures)
                                                   : run_section(plan, setup);
    result.put(section);
    if (plan.name == bench_section) result.put_figures(figures);
    std::cout << " " << outcome_name(section.outcome) << std::endl;
    if (section.outcome != Outcome::passed) std::cout << section.text << std::endl;
  }
  for (const Section &section : result.sections()) failed += section.outcome == Outcome::failed ? 1 : 0;
  std::cout << "\n" << options.out << "\n" << table(result) << std::flush;
  return failed > 0 ? exit_failure : 0;
}

}  // namespace

int main(int argc, char **argv) {
  CLI::App app("Runs the numeric suite, sanitizers, captures, soak and benchmarks on this machine's GPU",
               "run-gpu-tests");
  Options options;
  std::vector<std::string> names;
  for (const SectionPlan &plan : section_plans({})) names.push_back(plan.name);
  app.add_option("--only", options.only, "Run this section again; may be given several times")
      ->check(CLI::IsMember(names));
  app.add_option("--out", options.out, "The result file; what it holds already is kept")->required();
  app.add_flag("--quick", options.quick, "Smaller suites and fewer shapes; proves nothing");
  app.add_flag("--list", options.list, "Print the sections' names");
  app.add_option("--root", options.root)->group("")->required();
  app.add_option("--python", options.python)->group("");
  app.add_option("--time-scale", options.time_scale, "Multiplies every time bound, for a machine slower than an H200")
      ->check(CLI::Range(0.001, 1000.0));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  if (options.list) {
    for (const std::string &name : names) std::cout << name << "\n";
    return 0;
  }
  try {
    return run(options);
  } catch (const std::exception &error) {
    std::cout << "run-gpu-tests: " << error.what() << std::endl;
    return exit_failure;
  }
}
