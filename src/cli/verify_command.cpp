// `rondo verify`: a back end against the CPU's double path on the grid, the regression test for users' own machines.
// Results go to stdout, progress to stderr; the last line counts, and a mismatch makes the exit status 1.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/backends.h"
#include "cli/command.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/verify_report.h"
#include "cli/words.h"

namespace rondo::cli {
namespace {

struct Options {
  std::string backend = "auto";
  std::string filter;
  std::string junit_path, json_path;
  int64_t threads = 0;
  uint64_t seed = 1;
  double bound_scale = 1;
  bool quick = false;
  bool list = false;
  bool verbose = false;
};

std::vector<VerifyCase> chosen_cases(const Options &options) {
  std::vector<VerifyCase> cases = verify_cases(options.quick, options.seed);
  std::erase_if(cases, [&](const VerifyCase &one) { return one.name.find(options.filter) == std::string::npos; });
  if (cases.empty()) {
    throw UsageError("verify: no case's name contains \"" + options.filter + "\" (see `rondo verify --list`)");
  }
  return cases;
}

// Time is about the operations plus what a small case costs anyway.
double work_of(const VerifyCase &one) { return one.problem.flops() + 1e6; }

std::vector<CaseResult> run_cases(const std::vector<VerifyCase> &cases, const Options &options,
                                  const VerifyOptions &how) {
  const Context tested = make_context(options.threads);
  const Context reference = make_context(1);  // another number of threads must not matter
  double work = 0;
  for (const VerifyCase &one : cases) {
    work += work_of(one);
  }
  Progress progress(static_cast<int64_t>(cases.size()), work);
  std::vector<CaseResult> results;
  for (const VerifyCase &one : cases) {
    progress.show(one.name);
    const CaseResult &result = results.emplace_back(run_case(one, how, tested, reference));
    progress.advance(work_of(one));
    if (result.verdict == Verdict::failed || options.verbose) {
      progress.clear();
      const char *word = result.verdict == Verdict::failed   ? "FAILED"
                         : result.verdict == Verdict::passed ? "passed"
                                                             : "skipped";
      std::printf("%s %s%s%s\n", word, result.name.c_str(), result.message.empty() ? "" : ": ", result.message.c_str());
      std::fflush(stdout);
    }
  }
  return results;
}

void print_skips(const std::vector<CaseResult> &results) {
  const auto first = std::find_if(results.begin(), results.end(),
                                  [](const CaseResult &result) { return result.verdict == Verdict::skipped; });
  if (first != results.end()) {
    std::printf("skipped, as %s: %s\n", first->name.c_str(), first->message.c_str());
  }
}

int verify(const Options &options) {
  const VerifyOptions how = {static_cast<rondo_backend_t>(value_of(words_of(RONDO_ATTR_BACKEND), options.backend)),
                             options.seed, options.bound_scale};
  const std::vector<VerifyCase> cases = chosen_cases(options);
  if (options.list) {
    for (const VerifyCase &one : cases) {
      std::printf("%s\n", one.name.c_str());
    }
    return exit_ok;
  }
  OutputFile junit(options.junit_path);
  OutputFile json(options.json_path);
  require_available(how.backend);
  const std::vector<CaseResult> results = run_cases(cases, options, how);
  if (junit.is_wanted()) {
    junit.commit(junit_document(results));
  }
  if (json.is_wanted()) {
    json.commit(json_document(results, how));
  }
  const Counts counts = count(results);
  std::printf("%s", worst_figures(results).c_str());
  print_skips(results);
  std::printf("%lld passed, %lld failed", static_cast<long long>(counts.passed), static_cast<long long>(counts.failed));
  if (counts.skipped > 0) {
    std::printf(", %lld skipped", static_cast<long long>(counts.skipped));
  }
  std::printf("\n");
  // A run that compared nothing has shown nothing.
  return counts.failed > 0 || counts.passed == 0 ? exit_failure : exit_ok;
}

}  // namespace

Command make_verify_command(CLI::App &root) {
  CLI::App *app =
      root.add_subcommand("verify", "Compare a back end with the CPU's double path over a grid of problems");
  const auto options = std::make_shared<Options>();
  app->add_option("--backend", options->backend, "The back end under test")
      ->check(CLI::IsMember(texts(words_of(RONDO_ATTR_BACKEND))))
      ->capture_default_str();
  app->add_flag("--quick", options->quick, "A small part of the grid");
  app->add_option("--filter", options->filter, "Only cases whose name contains this text");
  app->add_flag("--list", options->list, "Print the names of the cases and run none");
  app->add_flag("--verbose", options->verbose, "Print a line for every case");
  app->add_option("--seed", options->seed, "Of the pseudo-random inputs")->capture_default_str();
  app->add_option("--threads", options->threads, "CPU threads, 0 = the default")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app->add_option("--junit", options->junit_path, "Write results as JUnit XML");
  app->add_option("--json", options->json_path, "Write results as JSON");
  // Hidden: the test of this command shows with it that a mismatch is found.
  app->add_option("--bound-scale", options->bound_scale)->group("")->check(CLI::NonNegativeNumber);
  app->footer(
      "Error measure: max|a-b| / max(1, max|reference|) per tensor. Bounds: f64 1e-12; f32 1e-5 forward and\n"
      "1e-4 gradients up to T 200 and H 512; beyond that and in 16 bits derived from the count of roundings.\n"
      "The last line counts; the exit status is 1 on a mismatch.");
  return {app, [options] { return verify(*options); }};
}

}  // namespace rondo::cli
