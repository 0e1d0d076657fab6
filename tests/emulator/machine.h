// Machine: the emulated GPU as one case wants it; as it was before, afterwards.
#pragma once

#include "control.h"

namespace rondo_emulator {

class Machine {
 public:
  Machine(int capability, int multiprocessors) : before_(settings()) {
    Settings changed = before_;
    changed.capability = capability;
    changed.multiprocessors = multiprocessors;
    configure(changed);
  }
  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;
  ~Machine() { configure(before_); }

 private:
  Settings before_;
};

}  // namespace rondo_emulator
