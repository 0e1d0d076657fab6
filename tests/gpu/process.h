// Child processes of run-gpu-tests: one that runs to its end within a time bound, and one to talk with line by line.
// A child is its own process group, so that what it started is ended with it when its time is up.
#pragma once

#include <sys/types.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace rondo::gpu {

using Environment = std::map<std::string, std::string>;  // beside what this process has

struct Finished {
  int status = 0;  // exit status; 128 + signal
  bool timed_out = false;
  std::string output;  // stdout and stderr
};

Finished run_process(const std::vector<std::string> &command, const Environment &environment, double seconds);

// Whether a program is there: a path, or a name on PATH.
bool program_exists(const std::string &name);

class NoAnswer : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Conversation {
 public:
  // Throws where the program cannot be started.
  explicit Conversation(const std::vector<std::string> &command);
  Conversation(const Conversation &) = delete;
  Conversation &operator=(const Conversation &) = delete;
  ~Conversation();

  // One line out, one line back. Throws when the child ends, and NoAnswer when the time is up; after that only
  // destruction is valid.
  std::string ask(const std::string &line, double seconds);

 private:
  void stop();

  pid_t child_ = -1;
  int to_child_ = -1, from_child_ = -1;
  std::string received_;
};

}  // namespace rondo::gpu
