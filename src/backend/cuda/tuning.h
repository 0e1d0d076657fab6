// Tuning: the ways in which a back end can run a problem, timed when a plan is made: on its device, in memory and on a
// stream of its own, all given back before the plan is there. Which of them may be chosen, the back end has decided.
#pragma once

#include <functional>
#include <memory>

#include "backend/cuda/device.h"
#include "backend/cuda/tune_cache.h"

namespace rondo::cuda {

// What a plan is made of and where.
struct Workplace {
  Context &context;
  const Spec &spec;
  const Problem &problem;
  const Device &device;
};

struct Choice {
  std::string name;
  std::function<Status(std::unique_ptr<Executor> *executor)> make;
};

struct Tuned {
  std::vector<Time> times;  // of the choices, in their order; empty where nothing was timed, so that the rule decides
  bool remembered = false;  // by the cache
  std::string note;         // a line for explain: why nothing was timed, else ""

  // NULL where nothing was timed, or all failed.
  const Time *fastest() const;
  // Why that one is taken.
  const char *reason() const;
  Measured measured() const;
};

// As remembered, where the cache has a time of every choice; else measured now. `libraries`: of which versions and
// sources the choices are. Refused while the default stream is part of a capture.
Status tune(const Workplace &place, const std::string &libraries, const std::vector<Choice> &choices, Tuned *tuned);

// As "0.125 ms", or that it failed.
std::string time_text(const Time &time);
// Why one that failed is not taken.
std::string failure_text(const Time &time);

}  // namespace rondo::cuda
