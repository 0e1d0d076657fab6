// Writes the progress line, at most ten times a second.
// "\r" and "erase to the end of the line" are all the terminal control there is.
#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rondo::cli {
namespace {

std::string duration(double seconds) {
  const auto whole = std::llround(seconds);
  return whole < 60 ? std::to_string(whole) + " s"
                    : std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

}  // namespace

Progress::Progress(int64_t cases, double work)
    : cases_(cases), work_(work), terminal_(::isatty(STDERR_FILENO) == 1), start_(Clock::now()), shown_(start_) {}

void Progress::show(const std::string &current) {
  const Clock::time_point now = Clock::now();
  if (!terminal_ || (visible_ && now - shown_ < std::chrono::milliseconds(100))) {
    return;
  }
  shown_ = now;
  visible_ = true;
  const double part = work_ > 0 ? std::min(work_done_ / work_, 1.0) : 0.0;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  // The first moments tell nothing about the rest.
  const std::string left = part > 0.01 && elapsed > 0.5 ? ", " + duration(elapsed / part - elapsed) + " left" : "";
  std::fprintf(stderr, "\r\033[K%3.0f %%  %lld of %lld%s  %.60s", part * 100, static_cast<long long>(cases_done_),
               static_cast<long long>(cases_), left.c_str(), current.c_str());
  std::fflush(stderr);
}

void Progress::advance(double work) {
  ++cases_done_;
  work_done_ += work;
}

void Progress::clear() {
  if (visible_) {
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    visible_ = false;
  }
}

}  // namespace rondo::cli
