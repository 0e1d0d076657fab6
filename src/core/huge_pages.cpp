// A system that has no huge pages refuses, and nothing is lost: the refusal is not looked at.
#include "core/huge_pages.h"

#include <sys/mman.h>

#include <cerrno>

namespace rondo {

void ask_for_huge_pages(void *memory, int64_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr int64_t page = int64_t{2} << 20;
  const auto beyond = static_cast<int64_t>(reinterpret_cast<uintptr_t>(memory) % static_cast<uintptr_t>(page));
  const int64_t skipped = beyond == 0 ? 0 : page - beyond;
  const int64_t whole = (bytes - skipped) / page * page;
  if (whole > 0) {
    const int before = errno;
    (void)madvise(static_cast<char *>(memory) + skipped, static_cast<size_t>(whole), MADV_HUGEPAGE);
    errno = before;
  }
#else
  (void)memory;
  (void)bytes;
#endif
}

}  // namespace rondo
