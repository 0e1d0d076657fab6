// What run-gpu-tests runs, as data: sections of steps, each step a program whose last line counts.
// The bounds together stay under thirteen minutes, a run on an H200 under ten. A section that outlasts its own has
// failed, but for those whose programs watch their own clock and report what they had time for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "process.h"
#include "result.h"

namespace rondo::gpu {

// What a run has to work with.
struct Setup {
  std::string root;    // the bundle's folder
  std::string python;  // empty: none
  bool quick = false;
  double time_scale = 1;
  std::map<std::string, std::string> missing;  // back end -> why it is not available; empty text where it is

  std::string program(const std::string &name) const { return root + "/bin/" + name; }
};

struct Step {
  std::string title;
  std::vector<std::string> command;
  Environment environment;
  std::string backend;        // which must be available; empty: none
  std::string proof{};        // a pattern that the output must hold beside a good count; empty: none
  std::string skip{};         // a pattern of a line that says why the program cannot run here; empty: none
  bool keeps_output = false;  // a reader wants the output of a good run too
};

struct SectionPlan {
  std::string name;
  double seconds;  // time bound
  std::vector<Step> steps;
};

inline constexpr const char *info_section = "info";
inline constexpr const char *bench_section = "bench";
inline constexpr double bench_seconds = 100;

// In the order in which they run; info and bench, which have no steps, are the driver's own.
std::vector<SectionPlan> section_plans(const Setup &setup);

Section run_section(const SectionPlan &plan, const Setup &setup);

// Adds the cases that a program's output counts ("5 passed, 0 failed", or Catch2's summary) to a section; a bad status
// without a failed case counts as one, and so does a good one without any count.
void add_counts(Section &section, const std::string &output, int status);

}  // namespace rondo::gpu
