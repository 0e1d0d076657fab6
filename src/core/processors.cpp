// Affinity through the kernel, quotas through /proc/self and the control groups' files, caches through the C library.
// A mount shows a subtree of its hierarchy, so a group's directory is its path without the mount's root.
#include "core/processors.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>
#include <vector>

namespace rondo {
namespace {

using ProcessorSet = std::unique_ptr<cpu_set_t, void (*)(cpu_set_t *)>;

// The processors of `thread`, added to those of the calling thread. The kernel refuses a set smaller than the machine,
// so it grows.
int count_processors(pid_t thread) {
  const auto release = [](cpu_set_t *owned) { CPU_FREE(owned); };
  for (int room = 1024; room <= 1 << 20; room *= 2) {
    const size_t bytes = CPU_ALLOC_SIZE(room);
    const ProcessorSet mine(CPU_ALLOC(room), release);
    const ProcessorSet other(CPU_ALLOC(room), release);
    if (mine == nullptr || other == nullptr || sched_getaffinity(0, bytes, mine.get()) != 0) {
      continue;
    }
    if (sched_getaffinity(thread, bytes, other.get()) == 0) {
      CPU_OR_S(bytes, mine.get(), mine.get(), other.get());
    }
    return std::max(CPU_COUNT_S(bytes, mine.get()), 1);
  }
  return 1;
}

// A part of mountinfo where a blank, a tab, a line's end or a backslash is written in octal.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    const char *digits = text.data() + i + 1;
    if (text[i] == '\\' && text.size() - i > 3 && std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3) {
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t end = text.find(separator); end != text.npos; end = text.find(separator)) {
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.emplace_back(text);
  return parts;
}

bool has_cpu(std::string_view list) {
  const std::vector<std::string> names = split(list, ',');
  return std::find(names.begin(), names.end(), "cpu") != names.end();
}

// Where one hierarchy that controls processors is to be seen.
struct Mount {
  bool unified;
  std::string root;
  std::string point;
};

// "36 35 98:0 /root /point options [tags] - type source options"
std::vector<Mount> find_mounts(const std::string &root) {
  std::vector<Mount> mounts;
  std::ifstream file(root + "/proc/self/mountinfo");
  if (!file) {
    return {{true, "/", "/sys/fs/cgroup"}, {false, "/", "/sys/fs/cgroup/cpu"}};
  }
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> parts = split(line, ' ');
    const size_t dash = static_cast<size_t>(std::find(parts.begin(), parts.end(), "-") - parts.begin());
    if (dash < 5 || dash + 1 >= parts.size()) {
      continue;
    }
    const bool unified = parts[dash + 1] == "cgroup2";
    if (unified || (parts[dash + 1] == "cgroup" && has_cpu(parts.back()))) {
      mounts.push_back({unified, unescaped(parts[3]), unescaped(parts[4])});
    }
  }
  return mounts;
}

// The process's place in the hierarchy: "0::/path" or "4:cpu,cpuacct:/path".
bool find_group(const std::string &root, bool unified, std::string *path) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? controllers.empty() : has_cpu(controllers)) {
      *path = line.substr(second + 1);
      return true;
    }
  }
  return false;
}

// The path below the mount; false where the mount does not show it.
bool below_mount(const Mount &mount, std::string *path) {
  if (path->find("/..") != path->npos) {
    return false;
  }
  const std::string prefix = mount.root == "/" ? "" : mount.root;
  if (path->compare(0, prefix.size(), prefix) != 0) {
    return false;
  }
  path->erase(0, prefix.size());
  while (!path->empty() && path->back() == '/') {
    path->pop_back();
  }
  return path->empty() || path->front() == '/';
}

std::string first_line(const std::string &name) {
  std::ifstream file(name);
  std::string line;
  std::getline(file, line);
  return line;
}

// Whole processors of "quota period", 0 for anything else, "max" and -1 among it.
int processors_of(const std::string &text) {
  std::istringstream stream(text);
  long long quota = 0;
  long long period = 0;
  if (!(stream >> quota >> period) || quota <= 0 || period <= 0) {
    return 0;
  }
  const long long whole = quota / period + (quota % period != 0 ? 1 : 0);
  return static_cast<int>(std::min<long long>(whole, INT_MAX));
}

int quota_of(const std::string &directory, bool unified) {
  if (unified) {
    return processors_of(first_line(directory + "/cpu.max"));
  }
  std::string text = first_line(directory + "/cpu.cfs_quota_us");
  text.append(" ").append(first_line(directory + "/cpu.cfs_period_us"));
  return processors_of(text);
}

}  // namespace

int quota_processors(const std::string &root) {
  int tightest = 0;
  for (const Mount &mount : find_mounts(root)) {
    const std::string top = root + mount.point;
    std::string path;
    if (!find_group(root, mount.unified, &path) || !below_mount(mount, &path)) {
      continue;
    }
    for (;; path.erase(path.rfind('/'))) {
      const int quota = quota_of(top + path, mount.unified);
      if (quota > 0 && (tightest == 0 || quota < tightest)) {
        tightest = quota;
      }
      if (path.empty()) {
        break;
      }
    }
  }
  return tightest;
}

int usable_processors() {
  const int allowed = count_processors(0);
  const int quota = quota_processors("");
  return quota == 0 ? allowed : std::min(allowed, quota);
}

int allowed_processors() { return count_processors(getpid()); }

int64_t second_level_bytes() {
  static const int64_t bytes = [] {
    long told = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
    told = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return told > 0 ? int64_t{told} : int64_t{1} << 20;
  }();
  return bytes;
}

}  // namespace rondo
