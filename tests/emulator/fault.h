// Faults of emulated device code: the first is kept until forgotten, and ends all work of the process like a sticky
// error of the runtime.
#pragma once

#include <string>

namespace rondo_emulator {

bool faulty();
// Stays valid after it is forgotten: cudaGetErrorString hands it out.
const char *fault_text();
void set_fault(const std::string &text);
void clear_fault();

}  // namespace rondo_emulator
