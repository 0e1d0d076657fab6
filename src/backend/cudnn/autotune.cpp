// From candidates to choices, and from times back to candidates. All of cuDNN is proven or none of it, so that
// whatever may run may be timed.
#include "backend/cudnn/autotune.h"

#include <algorithm>

#include "backend/cudnn/executor.h"

namespace rondo::cudnn {
namespace {

std::vector<cuda::Choice> choices_of(const cuda::Workplace &place, const std::shared_ptr<Handle> &handle,
                                     const Candidates &candidates) {
  std::vector<cuda::Choice> choices;
  for (const Candidate &candidate : candidates.list) {
    const auto make = [&place, &handle, algorithm = candidate.algorithm](std::unique_ptr<Executor> *executor) {
      std::unique_ptr<CudnnExecutor> made;
      RONDO_TRY(CudnnExecutor::create(handle, place.spec, place.problem, place.device, algorithm, &made));
      *executor = std::move(made);
      return Status();
    };
    choices.push_back({algorithm_name(candidate.algorithm), make});
  }
  return choices;
}

void drop_failed(const cuda::Tuned &tuned, Candidates *candidates) {
  for (const cuda::Time &time : tuned.times) {
    if (time.failed()) {
      candidates->refusals += "not " + time.name + ": " + cuda::failure_text(time) + "\n";
      std::erase_if(candidates->list,
                    [&](const Candidate &candidate) { return time.name == algorithm_name(candidate.algorithm); });
    }
  }
}

}  // namespace

Status autotune(const cuda::Workplace &place, const std::shared_ptr<Handle> &handle, Candidates *candidates,
                cuda::Tuned *tuned) {
  RONDO_TRY(cuda::tune(place, "cudnn " + cudnn_version_text(), choices_of(place, handle, *candidates), tuned));
  if (tuned->times.empty()) {
    return {};
  }
  drop_failed(*tuned, candidates);
  const cuda::Time *fastest = tuned->fastest();
  if (fastest == nullptr) {
    return fail(RONDO_ERROR_UNSUPPORTED, "no algorithm of cuDNN runs it:\n%s", candidates->refusals.c_str());
  }
  auto &list = candidates->list;
  const auto found = std::find_if(list.begin(), list.end(), [&](const Candidate &candidate) {
    return fastest->name == algorithm_name(candidate.algorithm);
  });
  found->why = tuned->reason();
  std::rotate(list.begin(), found, found + 1);
  tuned->note = "autotune: " + tuned->measured().times + "\n";
  return {};
}

}  // namespace rondo::cudnn
