// What the tests of autotune share: a cache of their own, and a context whose warnings are kept.
// The cache's folder goes with its test, whatever the test did to it.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "emulator/control.h"
#include "rig.h"
#include "support/catch.h"

namespace rondo::test::gpu {

class Cache {
 public:
  Cache() : folder_(make_folder()), variable_("RONDO_AUTOTUNE_CACHE", path().string()) {}
  Cache(const Cache &) = delete;
  Cache &operator=(const Cache &) = delete;
  ~Cache() {
    std::error_code error;
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, error);
    std::filesystem::remove_all(folder_, error);
  }

  const std::filesystem::path &folder() const { return folder_; }
  std::filesystem::path path() const { return folder_ / "tune.txt"; }
  void write(const std::string &text) const { std::ofstream(path()) << text; }
  std::string text() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator());
  }

 private:
  static std::filesystem::path make_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rondo-tune-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    return pattern;
  }

  std::filesystem::path folder_;
  Variable variable_;
};

// A context whose warnings are kept.
struct Logged {
  Context context = make_context();
  std::string lines;

  Logged() {
    check(rondo_context_set_log(
        context.get(),
        [](void *user, int32_t level, const char *text) {
          if (level > 0) *static_cast<std::string *>(user) += std::string(text) + "\n";
        },
        &lines));
  }
  Logged(const Logged &) = delete;
  Logged &operator=(const Logged &) = delete;
};

// Nothing was left behind.
inline void check_as_before(const rondo_emulator::Live &before, const rondo_emulator::Live &after) {
  CHECK(after.allocations == before.allocations);
  CHECK(after.bytes == before.bytes);
  CHECK(after.streams == before.streams);
  CHECK(after.events == before.events);
}

}  // namespace rondo::test::gpu
