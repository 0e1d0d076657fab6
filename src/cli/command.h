// The subcommands, each made in a file of its own: its options on CLI11's tree, and what runs once they are parsed.
// run() returns the exit status and throws what errors.h names.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace rondo::cli {

struct Command {
  CLI::App *app = nullptr;  // owned by the root
  std::function<int()> run;
};

Command make_info_command(CLI::App &root);
Command make_explain_command(CLI::App &root);
Command make_verify_command(CLI::App &root);
Command make_bench_command(CLI::App &root);

}  // namespace rondo::cli
