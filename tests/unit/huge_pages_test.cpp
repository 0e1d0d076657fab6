// The wish for huge pages: it changes no byte and no errno, and reaches the whole huge pages of a region alone.
#include "core/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "support/catch.h"

namespace {

constexpr std::int64_t page = std::int64_t{2} << 20;

// Four huge pages' worth of memory that begins on one.
class Region {
 public:
  Region() : mapped_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(mapped_ != MAP_FAILED);
  }
  ~Region() { munmap(mapped_, size); }
  Region(const Region &) = delete;
  Region &operator=(const Region &) = delete;

  unsigned char *data() const {
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_);
    return static_cast<unsigned char *>(mapped_) + (page - static_cast<std::int64_t>(address % page)) % page;
  }

 private:
  static constexpr std::size_t size = 5 * page;
  void *mapped_;
};

// Whether the system says of the mapping around `address` that huge pages are wished for there.
bool wished_for(const void *address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long first = 0;
    unsigned long last = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &last) == 2) {
      inside = first <= wanted && wanted < last;
    } else if (inside && line.rfind("VmFlags:", 0) == 0) {
      return (line + " ").find(" hg ") != std::string::npos;
    }
  }
  return false;
}

bool system_tells() {
#ifdef MADV_HUGEPAGE
  const Region region;
  if (madvise(region.data(), page, MADV_HUGEPAGE) == 0 && wished_for(region.data())) {
    return true;
  }
#endif
  std::printf("skipped: this system has no huge pages or does not tell where they are wished for\n");
  return false;
}

}  // namespace

TEST_CASE("a region keeps its bytes whatever part of it huge pages are asked for", "[huge_pages]") {
  const Region region;
  const auto byte = [](std::int64_t place) { return static_cast<unsigned char>(place * 7 % 251); };
  for (std::int64_t place = 0; place < 4 * page; ++place) {
    region.data()[place] = byte(place);
  }
  rondo::ask_for_huge_pages(region.data() + 123, 3 * page);
  rondo::ask_for_huge_pages(region.data(), 4 * page);
  std::int64_t wrong = 0;
  for (std::int64_t place = 0; place < 4 * page; ++place) {
    wrong += region.data()[place] == byte(place) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("huge pages are asked for inside the region only", "[huge_pages]") {
  if (!system_tells()) return;
  const Region region;
  unsigned char *data = region.data();
  // No whole huge page lies inside these.
  rondo::ask_for_huge_pages(data, 0);
  rondo::ask_for_huge_pages(data, page - 1);
  rondo::ask_for_huge_pages(data + 1, page);
  rondo::ask_for_huge_pages(data + 1, 2 * page - 2);
  CHECK(!wished_for(data));
  CHECK(!wished_for(data + page));
  rondo::ask_for_huge_pages(data + page - 1, 2 * page + 1);
  CHECK(!wished_for(data));
  CHECK(wished_for(data + page));
  CHECK(wished_for(data + 3 * page - 1));
  CHECK(!wished_for(data + 3 * page));
}

TEST_CASE("a refused wish leaves errno as it was", "[huge_pages]") {
  unsigned char *gone = nullptr;
  {
    const Region region;
    gone = region.data();
  }
  errno = 0;
#ifdef MADV_HUGEPAGE
  REQUIRE(madvise(gone, 2 * page, MADV_HUGEPAGE) != 0);
  REQUIRE(errno != 0);
#endif
  errno = EDOM;
  rondo::ask_for_huge_pages(gone, 2 * page);
  CHECK(errno == EDOM);
  unsigned char small = 42;
  rondo::ask_for_huge_pages(&small, 1);
  rondo::ask_for_huge_pages(nullptr, 0);
  CHECK(small == 42);
  CHECK(errno == EDOM);
}
