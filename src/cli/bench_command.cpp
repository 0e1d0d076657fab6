// `rondo bench`: the shapes of bench_shapes.cpp, timed beside the machine's own peak measured in the same run.
// Lines appear as shapes are done; the JSON file holds them all.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/backends.h"
#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/words.h"
#include "kernels/cpu/peak.h"

namespace rondo::cli {
namespace {

struct Options {
  std::vector<std::string> shapes, sets;
  std::string backend = "auto";
  std::string json_path;
  int64_t threads = 0;
  int64_t rounds = 5;
  double min_time = 0.05;
  bool all = false;
  bool list = false;
};

bool contains(const std::vector<std::string> &list, const std::string &text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_in_any(const BenchShape &shape, const std::vector<std::string> &sets) {
  return std::any_of(shape.sets.begin(), shape.sets.end(), [&](const std::string &set) { return contains(sets, set); });
}

void require_known(const std::vector<BenchShape> &shapes, const std::string &name) {
  if (std::none_of(shapes.begin(), shapes.end(), [&](const BenchShape &shape) { return shape.name == name; })) {
    throw UsageError("bench: there is no shape \"" + name + "\" (see `rondo bench --list`)");
  }
}

std::vector<BenchShape> chosen_shapes(const Options &options) {
  std::vector<BenchShape> shapes = bench_shapes();
  std::vector<std::string> names = options.shapes;
  for (const std::string &name : options.shapes) {
    require_known(shapes, name);
    for (const BenchShape &shape : shapes) {
      // A row of variable lengths is told beside its full one.
      if (shape.name == name && !shape.full_name.empty()) {
        names.push_back(shape.full_name);
      }
    }
  }
  std::vector<std::string> sets = options.sets;
  const bool none_named = names.empty() && sets.empty();
  if (options.all || none_named) {
    const bool every = options.all || options.list;
    sets = every ? bench_sets() : std::vector<std::string>{"cpu-inference", "cpu-training"};
  }
  std::erase_if(shapes,
                [&](const BenchShape &shape) { return !contains(names, shape.name) && !is_in_any(shape, sets); });
  return shapes;
}

void print_list(const std::vector<BenchShape> &shapes) {
  for (const BenchShape &shape : shapes) {
    std::string sets;
    for (const std::string &set : shape.sets) {
      sets += " " + set;
    }
    std::printf("%-44s%s\n", shape.name.c_str(), sets.c_str());
  }
}

// A small shape takes its rounds' least time, a large one the time of its operations.
double work_of(const BenchShape &shape) { return shape.problem.flops() + 1e10; }

void run_shapes(const std::vector<BenchShape> &shapes, const Context &context, BenchRun &run) {
  double work = 0;
  for (const BenchShape &shape : shapes) {
    work += work_of(shape);
  }
  Progress progress(static_cast<int64_t>(shapes.size()), work);
  for (const BenchShape &shape : shapes) {
    progress.show(shape.name);
    run.rows.push_back(measure(shape, run.options, context));
    progress.advance(work_of(shape));
    progress.clear();
    std::printf("%s", bench_line(run, run.rows.back()).c_str());
    std::fflush(stdout);
  }
}

int bench(const Options &options) {
  const std::vector<BenchShape> shapes = chosen_shapes(options);
  if (options.list) {
    print_list(shapes);
    return exit_ok;
  }
  OutputFile json(options.json_path);
  const auto backend = static_cast<rondo_backend_t>(value_of(words_of(RONDO_ATTR_BACKEND), options.backend));
  require_available(backend);
  const Context context = make_context(options.threads);
  BenchRun run;
  run.threads = threads_of(context);
  run.options = {backend, options.rounds, options.min_time};
  constexpr double peak_seconds = 0.3;
  run.peak_gflops = kernels::measure_fma_peak_gflops(static_cast<int>(run.threads), peak_seconds, false);
  std::printf("%s", bench_heading(run).c_str());
  std::fflush(stdout);
  run_shapes(shapes, context, run);
  if (json.is_wanted()) {
    json.commit(bench_document(run));
  }
  const bool timed =
      std::any_of(run.rows.begin(), run.rows.end(), [](const BenchRow &row) { return row.skipped.empty(); });
  return timed ? exit_ok : exit_failure;
}

}  // namespace

Command make_bench_command(CLI::App &root) {
  CLI::App *app = root.add_subcommand("bench", "Time known shapes, as a ratio to the machine's measured FMA peak");
  const auto options = std::make_shared<Options>();
  app->add_option("--shape", options->shapes, "A shape by its name; may be given several times");
  app->add_option("--set", options->sets, "A set of shapes; default: cpu-inference and cpu-training")
      ->check(CLI::IsMember(bench_sets()));
  app->add_flag("--all", options->all, "Every set (the largest shapes take minutes and gigabytes)");
  app->add_flag("--list", options->list, "Print names and sets of the shapes and time none");
  app->add_option("--backend", options->backend, "The back end to time")
      ->check(CLI::IsMember(texts(words_of(RONDO_ATTR_BACKEND))))
      ->capture_default_str();
  app->add_option("--threads", options->threads, "CPU threads, 0 = the default")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app->add_option("--rounds", options->rounds, "Rounds; the median is told, and the spread")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app->add_option("--min-time", options->min_time, "Least seconds a round")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app->add_option("--json", options->json_path, "Write results as JSON");
  app->footer(
      "x peak: time over the time of the products alone at the f32 FMA peak of all threads; of peak: its inverse.\n"
      "spread: (slowest - fastest) / median of the rounds.");
  return {app, [options] { return bench(*options); }};
}

}  // namespace rondo::cli
