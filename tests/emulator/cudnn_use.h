// How often each of cuDNN's functions was called in this process: a count of API use, never of cuDNN's own results.
// With RONDO_EMULATOR_API_USE=1 the process prints it on stderr when it ends.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace rondo_emulator {

std::map<std::string, int64_t> cudnn_calls();

namespace cudnn {
void count_call(const char *name);
}

}  // namespace rondo_emulator
