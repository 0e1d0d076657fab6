// A system that has no huge pages refuses, and nothing is lost: the refusal is not looked at.
#include "core/huge_pages.h"

#include <sys/mman.h>

#include <cerrno>

namespace rondo {

void ask_for_huge_pages(void *memory, int64_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t page = uintptr_t{2} << 20;
  const auto begin = (reinterpret_cast<uintptr_t>(memory) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(memory) + static_cast<uintptr_t>(bytes)) / page * page;
  if (begin < end) {
    const int before = errno;
    (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE);
    errno = before;
  }
#else
  (void)memory;
  (void)bytes;
#endif
}

}  // namespace rondo
