// fork, exec, pipes and poll.
// Between fork and exec only calls that are safe there: everything is laid out before.
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>

namespace rondo::gpu {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point deadline_in(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1000000));
}

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  }
};

std::vector<char *> pointers(std::vector<std::string> &texts) {
  std::vector<char *> result;
  for (std::string &text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_with(const Environment &changes) {
  std::vector<std::string> result;
  for (char **entry = ::environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (changes.count(text.substr(0, text.find('='))) == 0) result.push_back(text);
  }
  for (const auto &[name, value] : changes) result.push_back(name + "=" + value);
  return result;
}

// in: the child's stdin, or -1 for none; with_errors: stderr goes to out too.
pid_t start(std::vector<std::string> command, const Environment &changes, int in, int out, bool with_errors) {
  std::vector<std::string> environment = environment_with(changes);
  const std::vector<char *> arguments = pointers(command);
  const std::vector<char *> variables = pointers(environment);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (child == 0) {
    ::setpgid(0, 0);
    ::dup2(in >= 0 ? in : ::open("/dev/null", O_RDONLY), 0);
    ::dup2(out, 1);
    if (with_errors) ::dup2(out, 2);
    ::execvpe(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  return child;
}

int status_of(int waited) { return WIFEXITED(waited) ? WEXITSTATUS(waited) : 128 + WTERMSIG(waited); }

void end(pid_t child) {
  ::kill(-child, SIGKILL);
  ::kill(child, SIGKILL);
}

// false: nothing came in time, or nothing more comes (*ended).
bool receive(int from, std::string &text, Clock::time_point deadline, bool *ended) {
  pollfd waiting{from, POLLIN, 0};
  const int ready = ::poll(&waiting, 1, milliseconds_until(deadline));
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) return false;
  char buffer[65536];
  const ssize_t count = ::read(from, buffer, sizeof buffer);
  if (count > 0) {
    text.append(buffer, static_cast<size_t>(count));
    return true;
  }
  *ended = true;
  return false;
}

}  // namespace

Finished run_process(const std::vector<std::string> &command, const Environment &environment, double seconds) {
  Finished finished;
  Pipe output;
  const pid_t child = start(command, environment, -1, output.ends[1], true);
  ::close(output.ends[1]);
  const Clock::time_point deadline = deadline_in(seconds);
  bool ended = false;
  while (receive(output.ends[0], finished.output, deadline, &ended)) {
  }
  // Whoever else holds the pipe, or keeps silent beyond the bound, is ended with the child.
  int waited = 0;
  pid_t gone = 0;
  while ((gone = ::waitpid(child, &waited, WNOHANG)) == 0 && Clock::now() < deadline) ::usleep(1000);
  if (gone == 0) {
    finished.timed_out = true;
    end(child);
    ::waitpid(child, &waited, 0);
  }
  ::close(output.ends[0]);
  finished.status = status_of(waited);
  return finished;
}

bool program_exists(const std::string &name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0;
  const char *path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  std::string folder;
  while (std::getline(folders, folder, ':')) {
    if (::access((folder + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Conversation::Conversation(const std::vector<std::string> &command) {
  ::signal(SIGPIPE, SIG_IGN);  // a peer that died is an error to report
  if (!program_exists(command.at(0))) throw std::runtime_error(command.at(0) + " is not there");
  Pipe in;
  Pipe out;
  child_ = start(command, {}, in.ends[0], out.ends[1], false);
  ::close(in.ends[0]);
  ::close(out.ends[1]);
  to_child_ = in.ends[1];
  from_child_ = out.ends[0];
}

Conversation::~Conversation() { stop(); }

void Conversation::stop() {
  if (child_ < 0) return;
  ::close(to_child_);  // its input ends, so it does
  ::close(from_child_);
  int waited = 0;
  const Clock::time_point deadline = deadline_in(5);
  while (::waitpid(child_, &waited, WNOHANG) == 0) {
    if (Clock::now() > deadline) {
      end(child_);
      ::waitpid(child_, &waited, 0);
      break;
    }
    ::usleep(1000);
  }
  child_ = -1;
}

std::string Conversation::ask(const std::string &line, double seconds) {
  const std::string out = line + "\n";
  if (::write(to_child_, out.data(), out.size()) != static_cast<ssize_t>(out.size())) {
    throw std::runtime_error("the program has ended");
  }
  const Clock::time_point deadline = deadline_in(seconds);
  bool ended = false;
  size_t stop_at = std::string::npos;
  while ((stop_at = received_.find('\n')) == std::string::npos) {
    if (!receive(from_child_, received_, deadline, &ended) && !(Clock::now() < deadline && !ended)) {
      if (ended) throw std::runtime_error("the program has ended");
      end(child_);
      throw NoAnswer("no answer in " + std::to_string(seconds) + " s");
    }
  }
  const std::string answer = received_.substr(0, stop_at);
  received_.erase(0, stop_at + 1);
  return answer;
}

}  // namespace rondo::gpu
