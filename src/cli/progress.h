// A line on stderr that shows how far long work has come; nothing where stderr is no terminal.
// The time left is told by the work done, not by the number of cases, whose sizes differ.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace rondo::cli {

class Progress {
 public:
  // work: in any unit, of all cases together.
  Progress(int64_t cases, double work);
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;
  ~Progress() { clear(); }

  void show(const std::string &current);  // before a case
  void advance(double work);              // after it
  void clear();                           // before anything else is printed

 private:
  using Clock = std::chrono::steady_clock;

  const int64_t cases_;
  const double work_;
  const bool terminal_;
  const Clock::time_point start_;
  Clock::time_point shown_;
  int64_t cases_done_ = 0;
  double work_done_ = 0;
  bool visible_ = false;
};

}  // namespace rondo::cli
