// The `rondo` command: parses, runs one subcommand, and turns every failure into one line on stderr.
// Exit status: 0 done, 1 failed (a refusal, a mismatch), 2 wrong usage or a file that cannot be used.
#include <array>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "cli/command.h"
#include "cli/errors.h"

namespace rondo::cli {
namespace {

// CLI11 and the library may break a message into lines; scripts read one.
std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  for (char &c : text) {
    if (c == '\n' || c == '\r') {
      c = ' ';
    }
  }
  return text;
}

int report(const std::string &text, int status) {
  std::fflush(stdout);
  std::fprintf(stderr, "rondo: %s\n", one_line(text).c_str());
  return status;
}

int run(int argc, char **argv) {
  CLI::App root("Recurrent networks: what this machine runs them on, whether it is right, and how fast.", "rondo");
  root.set_version_flag("--version", std::string("rondo ") + rondo_version_string());
  root.require_subcommand(1);
  root.footer("Exit status: 0 done, 1 failed (a refusal, a mismatch), 2 wrong usage or a file that cannot be used.");
  const std::array<Command, 4> commands = {make_info_command(root), make_explain_command(root),
                                           make_verify_command(root), make_bench_command(root)};
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      return root.exit(error);  // --help and --version
    }
    std::string text = error.what();
    std::string help = "rondo";
    for (const Command &command : commands) {
      help += command.app->parsed() ? " " + command.app->get_name() : "";
    }
    // CLI11 would only say that a subcommand is required.
    if (help == "rondo" && !root.remaining().empty()) {
      text = "\"" + root.remaining().front() + "\" is no subcommand or option";
    }
    return report(text + " (see `" + help + " --help`)", exit_usage);
  }
  int status = exit_ok;
  for (const Command &command : commands) {
    if (command.app->parsed()) {
      status = command.run();
    }
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return report("cannot write to standard output", exit_failure);
  }
  return status;
}

}  // namespace
}  // namespace rondo::cli

int main(int argc, char **argv) {
  using namespace rondo::cli;
  try {
    return run(argc, argv);
  } catch (const UsageError &error) {
    return report(error.what(), exit_usage);
  } catch (const std::bad_alloc &) {
    return report("out of memory", exit_failure);
  } catch (const std::exception &error) {
    return report(error.what(), exit_failure);
  } catch (...) {
    return report("an unknown failure; please report it", exit_failure);
  }
}
