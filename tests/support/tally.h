// Counts of a whole run: cases compared with the oracle, and problems that the back end refused, suite by suite.
// Printed when the program ends, and only where there was something to count: a listing of the tests stays clean.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace rondo::test {

class Tally {
 public:
  static Tally &instance();
  Tally(const Tally &) = delete;
  Tally &operator=(const Tally &) = delete;
  ~Tally();

  void ran_on(const std::string &backend) { backend_ = backend; }
  void compared() { ++compared_; }
  // A problem of a suite that the back end was asked about. reason: why it refused, empty where it did not.
  void asked(const std::string &suite, const std::string &reason);

 private:
  struct Suite {
    std::int64_t asked = 0, refused = 0;
    std::string first_reason;
  };

  Tally() = default;

  std::string backend_;
  std::int64_t compared_ = 0;
  std::map<std::string, Suite> suites_;
};

}  // namespace rondo::test
