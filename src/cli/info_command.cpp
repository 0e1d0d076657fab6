// `rondo info`: version, instruction set, threads, and every back end with the reason where one is missing.
// Everything printed is asked of the library that is loaded, not of the header this was built with.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/backends.h"
#include "cli/command.h"
#include "cli/handles.h"
#include "cli/words.h"

namespace rondo::cli {
namespace {

std::string device_text(rondo_device_t device) { return text_of(words_of(RONDO_ATTR_DEVICE), device); }

void print_json(int64_t threads, const std::vector<rondo_backend_info_t> &list) {
  nlohmann::ordered_json document;
  document["version"] = rondo_version_string();
  document["threads"] = threads;
  document["backends"] = nlohmann::ordered_json::array();
  for (const rondo_backend_info_t &info : list) {
    document["backends"].push_back({{"name", info.name},
                                    {"device", device_text(info.device)},
                                    {"available", info.available != 0},
                                    {"detail", info.detail}});
  }
  std::printf("%s\n", document.dump(2).c_str());
}

void print_text(int64_t threads, const std::vector<rondo_backend_info_t> &list) {
  std::printf("rondo %s\n", rondo_version_string());
  std::printf("threads: %lld\n", static_cast<long long>(threads));
  std::printf("back ends, most preferred first:\n");
  for (const rondo_backend_info_t &info : list) {
    std::printf("  %-6s on %-5s %s: %s\n", info.name, device_text(info.device).c_str(),
                info.available != 0 ? "available" : "missing", info.detail);
  }
}

}  // namespace

Command make_info_command(CLI::App &root) {
  CLI::App *app = root.add_subcommand("info", "Version, instruction set, threads, and back ends or why one is missing");
  const auto json = std::make_shared<bool>(false);
  app->add_flag("--json", *json, "Print JSON");
  return {app, [json] {
            const Context context = make_context();
            const std::vector<rondo_backend_info_t> list = backends();
            (*json ? print_json : print_text)(threads_of(context), list);
            return exit_ok;
          }};
}

}  // namespace rondo::cli
