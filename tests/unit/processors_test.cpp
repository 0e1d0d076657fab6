// Control groups as machines and containers lay them out, each a folder of files made for the case.
// The real affinity mask is read once, for what every machine has.
#include "core/processors.h"

#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/catch.h"

using rondo::quota_processors;

namespace {

// A root folder that is gone with the case.
class Machine {
 public:
  Machine() {
    std::string name = std::filesystem::temp_directory_path() / "rondo-processors-XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  ~Machine() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  Machine(const Machine &) = delete;
  Machine &operator=(const Machine &) = delete;

  Machine &file(const std::string &name, const std::string &text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + name).parent_path());
    std::ofstream(root_ + name) << text << '\n';
    return *this;
  }
  Machine &group(const std::string &text) { return file("/proc/self/cgroup", text); }
  Machine &mounts(const std::string &text) {
    return file("/proc/self/mountinfo", "22 27 0:21 / /proc rw - proc proc rw\n" + text);
  }
  int quota() const { return quota_processors(root_); }

 private:
  std::string root_;
};

constexpr const char *unified = "41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";

}  // namespace

TEST_CASE("no control group is no limit", "[processors]") {
  CHECK(Machine().quota() == 0);
  CHECK(Machine().group("").mounts("").quota() == 0);
  CHECK(Machine().group("0::/").mounts(unified).quota() == 0);
  CHECK(Machine().group("0::/a/b").quota() == 0);
  CHECK(Machine().group("nonsense\n0:\n::\n").mounts("nonsense\n- -\n1 2 3 4 5 -\n").quota() == 0);
}

TEST_CASE("cpu.max is rounded up to whole processors", "[processors]") {
  Machine machine;
  machine.group("0::/app").mounts(unified);
  const auto with = [&](const char *text) { return machine.file("/sys/fs/cgroup/app/cpu.max", text).quota(); };
  CHECK(with("max 100000") == 0);
  CHECK(with("100000 100000") == 1);
  CHECK(with("1000 100000") == 1);
  CHECK(with("150000 100000") == 2);
  CHECK(with("3200000 100000") == 32);
  for (const char *useless : {"", "0 100000", "-5 100000", "5 0", "5", "many few", "99999999999999999999 1"}) {
    CHECK(with(useless) == 0);
  }
}

TEST_CASE("the tightest group on the way up counts", "[processors]") {
  Machine machine;
  machine.group("0::/pod/app/part").mounts(unified);
  CHECK(machine.file("/sys/fs/cgroup/pod/app/part/cpu.max", "800000 100000").quota() == 8);
  CHECK(machine.file("/sys/fs/cgroup/pod/cpu.max", "250000 100000").quota() == 3);
  CHECK(machine.file("/sys/fs/cgroup/pod/app/cpu.max", "max 100000").quota() == 3);
  CHECK(machine.file("/sys/fs/cgroup/cpu.max", "100000 100000").quota() == 1);
}

TEST_CASE("version 1 keeps quota and period in two files", "[processors]") {
  Machine machine;
  machine.group("9:name=systemd:/\n5:cpuset,cpuacct:/x\n4:cpu,cpuacct:/app\n0::/")
      .mounts(
          "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
          "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct");
  const std::string folder = "/sys/fs/cgroup/cpu,cpuacct";
  machine.file(folder + "/app/cpu.cfs_period_us", "50000").file(folder + "/app/cpu.cfs_quota_us", "-1");
  CHECK(machine.quota() == 0);
  CHECK(machine.file(folder + "/app/cpu.cfs_quota_us", "175000").quota() == 4);
  machine.file(folder + "/cpu.cfs_period_us", "100000").file(folder + "/cpu.cfs_quota_us", "200000");
  CHECK(machine.quota() == 2);
}

TEST_CASE("a mount may show a subtree, a blank in its name, or another group", "[processors]") {
  Machine inside;
  inside.group("4:cpu:/docker/1f").mounts("32 31 0:29 /docker/1f /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu");
  inside.file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000").file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000");
  CHECK(inside.quota() == 3);
  inside.group("4:cpu:/docker/1f2");
  CHECK(inside.quota() == 0);
  inside.group("4:cpu:/../other");
  CHECK(inside.quota() == 0);
  Machine blank;
  blank.group("0::/app").mounts("41 31 0:38 / /groups\\040of\\134it rw - cgroup2 none rw");
  CHECK(blank.file("/groups of\\it/app/cpu.max", "500000 100000").quota() == 5);
}

TEST_CASE("without a list of mounts the usual places are read", "[processors]") {
  CHECK(Machine().group("0::/app").file("/sys/fs/cgroup/app/cpu.max", "200000 100000").quota() == 2);
}

TEST_CASE("a process may use what its affinity mask names", "[processors]") {
  cpu_set_t set;
  REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
  CHECK(rondo::usable_processors() >= 1);
  CHECK(rondo::usable_processors() <= CPU_COUNT(&set));
  CHECK(rondo::allowed_processors() >= CPU_COUNT(&set));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &set)) {
      CPU_SET(processor, &one);
      break;
    }
  }
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(rondo::usable_processors() == 1);
  CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

TEST_CASE("a core's second cache level has a size that a cache can have", "[processors]") {
  CHECK(rondo::second_level_bytes() >= 64 << 10);
  CHECK(rondo::second_level_bytes() <= 1 << 30);
}
