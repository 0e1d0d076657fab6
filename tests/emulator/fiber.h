// A fiber: a stack that a function runs on until it pauses. The sanitizers are told of every switch.
// One thread at a time uses fibers, and only one level deep: whoever resumes is no fiber itself.
#pragma once

#include <cstddef>

namespace rondo_emulator {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber &) = delete;
  Fiber &operator=(const Fiber &) = delete;

  // Calls entry on a fresh stack, from its beginning; whatever the fiber did before is abandoned without unwinding.
  // Returns when it pauses or leaves.
  void start(void (*entry)());
  // Goes on after pause().
  void resume();

  // On the fiber: back to whoever started or resumed it.
  static void pause();
  // The same for good, from anywhere; returning from entry ends the fiber too.
  [[noreturn]] static void leave();

 private:
  struct Switch;
  static void run();
  [[noreturn]] static void end(bool frames_left);
  void enter();

  char *stack_;  // its lowest page is a guard
  Switch *switch_;
  void (*entry_)() = nullptr;
};

}  // namespace rondo_emulator
