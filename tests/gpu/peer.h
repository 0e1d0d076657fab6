// A peer of the benchmark: a program that keeps one shape open and times a round of every way it has when it is told
// to, so that rounds of several peers alternate. One line of JSON in, one line out; tests/bench/torch_bench.py is one
// too.
//   {"do": "open", "shape": {..}, "thorough": true} -> {"variants": [..], "refused": {variant: reason}, "probe": {..},
//                                                       "explain": {variant: text}}
//   {"do": "round"} -> {"ms": {variant: milliseconds a call}}     {"do": "close"} -> {}
// Not thorough: without the ways that take seconds to open. An opening may say the least "seconds" of a round. A
// variant that has no comparable y gives no probe, one that has nothing to tell of itself no explanation. A request
// that fails is answered {"error": text}; the end of the input ends the program.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shape.h"

namespace rondo::gpu {

// One way to run one shape, ready to be timed.
class Variant {
 public:
  virtual ~Variant() = default;
  virtual void enqueue() = 0;  // one call
  virtual void wait() = 0;     // until all that was enqueued is done
  virtual std::vector<double> probe() = 0;
  virtual std::string explain() { return {}; }
};

struct Candidate {
  std::string name;
  // Throws where it cannot serve; NULL where the shape is none of its affair.
  std::function<std::unique_ptr<Variant>(const Shape &)> make;
  bool only_thorough = false;  // opening it compiles kernels
};

// Answers requests until the input ends; gives back main()'s status.
int serve(const std::vector<Candidate> &candidates);

}  // namespace rondo::gpu
