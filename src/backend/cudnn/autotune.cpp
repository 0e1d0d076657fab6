// The choice by measurement: from the cache, else by trials, whose result goes to the cache.
#include "backend/cudnn/autotune.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "backend/cudnn/executor.h"
#include "backend/cudnn/trial.h"
#include "backend/cudnn/tune_cache.h"
#include "core/attributes.h"

namespace rondo::cudnn {
namespace {

// All that the fastest algorithm may depend on: the machine, the libraries, the whole spec and the maxima.
std::string key_of(const Workplace &place) {
  const cuda::Device &device = place.device;
  std::string name = device.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  std::string key = name + " sm_" + std::to_string(device.capability()) + " driver " + std::to_string(device.driver) +
                    " cudnn " + cudnn_version_text() + ":";
  for (const Attribute &attribute : attributes()) {
    key += std::string(" ") + attribute.name + "=" +
           (attribute.is_float() ? std::to_string(place.spec.*attribute.real)
                                 : std::to_string(place.spec.*attribute.integer));
  }
  const Problem &problem = place.problem;
  return key + (problem.training ? " training" : " inference") + " T=" + std::to_string(problem.max_T) +
         " N=" + std::to_string(problem.max_N) + " S=" + std::to_string(problem.max_S);
}

std::string milliseconds_text(double milliseconds) {
  std::array<char, 32> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%.4g ms", milliseconds));
  return text.data();
}

bool move_to_front(Candidates *candidates, const std::string &algorithm, const char *why) {
  auto &list = candidates->list;
  const auto found = std::find_if(list.begin(), list.end(), [&](const Candidate &candidate) {
    return algorithm == algorithm_name(candidate.algorithm);
  });
  if (found == list.end()) {
    return false;
  }
  found->why = why;
  std::rotate(list.begin(), found, found + 1);
  return true;
}

Status time_candidate(const Workplace &place, const Candidate &candidate, double *milliseconds) {
  std::unique_ptr<CudnnExecutor> executor;
  RONDO_TRY(
      CudnnExecutor::create(place.handle, place.spec, place.problem, place.device, candidate.algorithm, &executor));
  Trial trial(place.spec, place.problem);
  RONDO_TRY(trial.prepare(executor->needs()));
  return trial.time(*executor, milliseconds);
}

// Times all candidates and drops those that fail; none is dropped where memory is what is missing.
Status time_all(const Workplace &place, Candidates *candidates, TuneCache::Entry *best) {
  Candidates timed{{}, candidates->refusals};
  double least = 0;
  for (const Candidate &candidate : candidates->list) {
    const std::string name = algorithm_name(candidate.algorithm);
    double milliseconds = 0;
    const Status status = time_candidate(place, candidate, &milliseconds);
    if (status.code() == RONDO_ERROR_OUT_OF_MEMORY) {
      return status;
    }
    if (!status.ok()) {
      timed.refusals += "not " + name + ": it failed when it was timed: " + last_error() + "\n";
      continue;
    }
    timed.list.push_back(candidate);
    best->times += (best->times.empty() ? "" : ", ") + name + " " + milliseconds_text(milliseconds);
    if (timed.list.size() == 1 || milliseconds < least) {
      least = milliseconds;
      best->algorithm = name;
    }
  }
  *candidates = std::move(timed);
  return {};
}

void log_if(const Workplace &place, const std::string &line) {
  if (!line.empty()) {
    place.context.log(1, line);
  }
}

}  // namespace

Status autotune(const Workplace &place, Candidates *candidates, std::string *report) {
  RONDO_TRY(cuda::refuse_capture(
      "autotune is 1 while a stream is capturing, expected plans to be made before the capture: timing waits and "
      "allocates"));
  if (candidates->list.size() < 2 || place.problem.max_S == 0) {
    *report = "autotune: there is nothing to choose between\n";
    return {};
  }
  const TuneCache cache;
  const std::string key = key_of(place);
  TuneCache::Entry entry;
  log_if(place, cache.find(key, &entry));
  if (!entry.algorithm.empty()) {
    if (move_to_front(candidates, entry.algorithm, "the fastest when it was timed, as the cache remembers")) {
      *report = "autotune: " + entry.times + "\n";
      return {};
    }
    log_if(place, "autotune: the cache names " + entry.algorithm + ", which may not run here, so it is ignored");
    entry = {};
  }
  const Status status = time_all(place, candidates, &entry);
  if (status.code() == RONDO_ERROR_OUT_OF_MEMORY) {
    *report = "autotune: there is no memory to time in, so the rule decides\n";
    log_if(place, std::string("autotune: there is no memory to time in, so the rule decides: ") + last_error());
    return {};
  }
  RONDO_TRY(status);
  if (entry.algorithm.empty()) {
    return fail(RONDO_ERROR_UNSUPPORTED, "no algorithm of cuDNN runs it:\n%s", candidates->refusals.c_str());
  }
  move_to_front(candidates, entry.algorithm, "the fastest of those timed");
  *report = "autotune: " + entry.times + "\n";
  log_if(place, cache.store(key, entry));
  return {};
}

}  // namespace rondo::cudnn
