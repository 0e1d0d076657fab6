// The choice by measurement: from the cache, else by trials, whose result goes to the cache. A time is no proof: it
// says what is fast, and nothing of whether it is right.
#include "backend/cuda/tuning.h"

#include <algorithm>

#include "backend/cuda/trial.h"
#include "core/attributes.h"

namespace rondo::cuda {
namespace {

// All that the fastest choice may depend on: the machine, the libraries, the whole spec, the sequences and the maxima.
std::string key_of(const Workplace &place, const std::string &libraries) {
  const Device &device = place.device;
  std::string key = device.name + " sm_" + std::to_string(device.capability()) + " with " +
                    std::to_string(device.multiprocessors) + " multiprocessors, driver " +
                    std::to_string(device.driver) + ", " + libraries + ":";
  for (const Attribute &attribute : attributes()) {
    key += std::string(" ") + attribute.name + "=" +
           (attribute.is_float() ? std::to_string(place.spec.*attribute.real)
                                 : std::to_string(place.spec.*attribute.integer));
  }
  const Problem &problem = place.problem;
  key += std::string(problem.training ? " training" : " inference") + " of " + sequence_name(problem.sequence) +
         " sequences, T=" + std::to_string(problem.max_T) + " N=" + std::to_string(problem.max_N) +
         " S=" + std::to_string(problem.max_S);
  std::replace_if(
      key.begin(), key.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  return key;
}

Status time_choice(const Workplace &place, const Choice &choice, double *milliseconds) {
  std::unique_ptr<Executor> executor;
  RONDO_TRY(choice.make(&executor));
  Trial trial(place.spec, place.problem);
  RONDO_TRY(trial.prepare(executor->needs()));
  return trial.time(*executor, milliseconds);
}

// Nothing is kept of what fails for want of memory.
Status time_all(const Workplace &place, const std::vector<Choice> &choices, std::vector<Time> *times) {
  for (const Choice &choice : choices) {
    Time time{choice.name, -1, {}};
    if (const Status status = time_choice(place, choice, &time.milliseconds); !status.ok()) {
      if (status.code() == RONDO_ERROR_OUT_OF_MEMORY) {
        times->clear();
        return status;
      }
      time.milliseconds = -1;
      time.failure = last_error();
    }
    times->push_back(std::move(time));
  }
  return {};
}

// Those of the choices, in their order; nothing where one was never timed.
std::vector<Time> times_of(const std::vector<Choice> &choices, const std::vector<Time> &remembered) {
  std::vector<Time> times;
  for (const Choice &choice : choices) {
    const Time *time = time_of(remembered, choice.name);
    if (time == nullptr) {
      return {};
    }
    times.push_back(*time);
    if (time->failed()) {
      times.back().failure = "as the cache remembers";
    }
  }
  return times;
}

void log_if(const Workplace &place, const std::string &line) {
  if (!line.empty()) {
    place.context.log(1, line);
  }
}

}  // namespace

const Time *Tuned::fastest() const {
  const Time *least = nullptr;
  for (const Time &time : times) {
    if (!time.failed() && (least == nullptr || time.milliseconds < least->milliseconds)) {
      least = &time;
    }
  }
  return least;
}

const char *Tuned::reason() const {
  return remembered ? "the fastest when it was timed, as the cache remembers" : "the fastest of those timed";
}

Measured Tuned::measured() const {
  Measured all;
  for (const Time &time : times) {
    all.times += (all.times.empty() ? "" : ", ") + time.name + " " + time_text(time);
  }
  if (const Time *least = fastest()) {
    all.milliseconds = least->milliseconds;
  }
  return all;
}

Status tune(const Workplace &place, const std::string &libraries, const std::vector<Choice> &choices, Tuned *tuned) {
  RONDO_TRY(refuse_capture(
      "autotune is 1 while a stream is capturing, expected plans to be made before the capture: timing waits and "
      "allocates"));
  const size_t enough = place.problem.compared ? 1 : 2;
  if (choices.size() < enough || place.problem.max_S == 0) {
    tuned->note = "autotune: there is nothing to choose between\n";
    return {};
  }
  const TuneCache cache;
  const std::string key = key_of(place, libraries);
  std::vector<Time> remembered;
  log_if(place, cache.find(key, &remembered));
  tuned->times = times_of(choices, remembered);
  if (tuned->fastest() != nullptr) {
    tuned->remembered = true;
    return {};
  }
  tuned->times.clear();
  const Status status = time_all(place, choices, &tuned->times);
  if (!status.ok()) {
    tuned->note = "autotune: there is no memory to time in, so the rule decides\n";
    log_if(place, std::string("autotune: there is no memory to time in, so the rule decides: ") + last_error());
  } else if (tuned->fastest() != nullptr) {
    log_if(place, cache.store(key, tuned->times));
  }
  return {};
}

std::string time_text(const Time &time) { return time.failed() ? "failed" : milliseconds_text(time.milliseconds); }
std::string failure_text(const Time &time) { return "it failed when it was timed: " + time.failure; }

}  // namespace rondo::cuda
