// Host memory by the language, device memory by the library's own calls: the command links no CUDA.
// Fills are copies of one small block: the header has no call that sets device memory.
#include "cli/memory_space.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "cli/errors.h"

namespace rondo::cli {
namespace {

constexpr std::align_val_t alignment{64};

double available_on_host() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  double kib = 0;
  std::string unit;
  while (file >> key >> kib) {
    std::getline(file, unit);
    if (key == "MemAvailable:") {
      return kib * 1024;
    }
  }
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page_size > 0 ? static_cast<double>(pages) * static_cast<double>(page_size)
                                    : std::numeric_limits<double>::infinity();
}

}  // namespace

MemorySpace::MemorySpace(rondo_device_t device) {
  if (device == RONDO_DEVICE_CUDA) {
    void *stream = nullptr;
    check(rondo_stream_create(&stream));
    stream_.reset(stream, [](void *created) { rondo_stream_destroy(created); });
  }
}

void MemorySpace::synchronize() const {
  if (is_device()) {
    check(rondo_stream_synchronize(stream()));
  }
}

double MemorySpace::available() const {
  if (!is_device()) {
    return available_on_host();
  }
  int64_t free_bytes = 0;
  int64_t total_bytes = 0;
  check(rondo_device_memory(&free_bytes, &total_bytes));
  return static_cast<double>(free_bytes);
}

void *MemorySpace::allocate(int64_t bytes) const {
  if (!is_device()) {
    return ::operator new(static_cast<size_t>(bytes), alignment);
  }
  void *memory = nullptr;
  // At least one byte, so that an empty array has an address too.
  check(rondo_device_alloc(std::max<int64_t>(bytes, 1), &memory));
  return memory;
}

void MemorySpace::release(void *memory) const {
  if (is_device()) {
    rondo_device_free(memory);
  } else {
    ::operator delete(memory, alignment);
  }
}

void MemorySpace::write(void *to, const void *from, int64_t bytes) const {
  if (bytes == 0) {
    return;
  }
  if (is_device()) {
    check(rondo_copy(to, from, bytes, stream()));
    synchronize();
  } else {
    std::memcpy(to, from, static_cast<size_t>(bytes));
  }
}

void MemorySpace::fill(void *to, unsigned char value, int64_t bytes) const {
  if (!is_device()) {
    std::memset(to, value, static_cast<size_t>(bytes));
    return;
  }
  constexpr int64_t largest_block = int64_t{1} << 24;
  const std::vector<unsigned char> block(static_cast<size_t>(std::min(bytes, largest_block)), value);
  for (int64_t done = 0; done < bytes; done += largest_block) {
    check(rondo_copy(static_cast<unsigned char *>(to) + done, block.data(), std::min(largest_block, bytes - done),
                     stream()));
  }
  synchronize();
}

}  // namespace rondo::cli
