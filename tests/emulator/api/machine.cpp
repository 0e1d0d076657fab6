// Through the shell, for its words and its redirection; a process that died of a signal is told by its status.
#include "machine.h"

#include <array>
#include <cstdio>

namespace rondo::test::gpu {

std::string ask(const std::string &environment, const std::string &problem) {
  const std::string command = "env " + environment + " " + RONDO_TEST_ASK + " " + problem + " 2>&1";
  std::FILE *pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "no process";
  std::string text;
  std::array<char, 4096> part{};
  while (const size_t count = std::fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), count);
  const int status = pclose(pipe);
  return status == 0 ? text : text + "died: status " + std::to_string(status);
}

}  // namespace rondo::test::gpu
