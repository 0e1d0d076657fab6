// Device memory through rondo.h's own calls, which tests them on the way.
// A suite makes some hundred thousand arrays, so blocks are kept for the next array of their size and nothing waits
// that need not.
#include "memory_space.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <new>
#include <vector>

#include "environment.h"
#include "handles.h"

namespace rondo::test {
namespace {

constexpr std::align_val_t alignment{64};
constexpr std::size_t pattern_bytes = std::size_t{1} << 16U;
constexpr std::size_t least_block = 256;
// What is larger is rare, and goes back to the driver.
constexpr std::size_t largest_kept = std::size_t{128} << 20U;
constexpr std::size_t most_staged = std::size_t{64} << 20U;

std::size_t size_class(std::size_t bytes) {
  std::size_t size = least_block;
  while (size < bytes) size *= 2;
  return size;
}

}  // namespace

// The stream, the free blocks and what is on its way. Never destroyed: at the end of main the driver may be gone.
class DeviceArena {
 public:
  static DeviceArena &instance() {
    static auto *const one = new DeviceArena;
    return *one;
  }
  DeviceArena(const DeviceArena &) = delete;
  DeviceArena &operator=(const DeviceArena &) = delete;

  void *stream() const { return stream_; }

  void synchronize() {
    check(rondo_stream_synchronize(stream_));
    staged_.clear();
    staged_bytes_ = 0;
  }

  void *allocate(std::size_t bytes) {
    if (!keeps_ || bytes > largest_kept) return from_driver(bytes);
    const std::size_t size = size_class(bytes);
    std::vector<void *> &kept = free_[size];
    void *memory = nullptr;
    if (kept.empty()) {
      memory = from_driver(size);
      sizes_[memory] = size;
    } else {
      memory = kept.back();
      kept.pop_back();
    }
    return memory;
  }

  // The stream's order keeps the next user of a block behind the last one.
  void release(void *memory) {
    const auto known = sizes_.find(memory);
    if (known == sizes_.end()) {
      rondo_device_free(memory);
    } else {
      free_[known->second].push_back(memory);
    }
  }

  void copy(void *to, const void *from, std::size_t bytes) {
    if (bytes > 0) check(rondo_copy(to, from, static_cast<std::int64_t>(bytes), stream_));
  }

  // Host memory must stay until the stream has come so far, so a copy of it does.
  void stage(void *to, const void *from, std::size_t bytes) {
    if (staged_bytes_ + bytes > most_staged) synchronize();
    const auto *first = static_cast<const std::uint8_t *>(from);
    staged_.emplace_back(first, first + bytes);
    staged_bytes_ += bytes;
    copy(to, staged_.back().data(), bytes);
  }

  void fill(void *to, std::uint8_t value, std::size_t bytes) {
    auto *at = static_cast<std::uint8_t *>(to);
    std::size_t done = std::min(bytes, pattern_bytes);
    copy(at, pattern(value), done);
    while (done < bytes) {
      const std::size_t next = std::min(done, bytes - done);
      copy(at + done, at, next);
      done += next;
    }
  }

 private:
  // An emulated device takes blocks of exactly the asked size and sees whoever leaves one: nothing is kept there.
  DeviceArena() : keeps_(!emulated_tests()) { check(rondo_stream_create(&stream_)); }

  void *from_driver(std::size_t bytes) {
    void *memory = nullptr;
    rondo_status_t status = rondo_device_alloc(static_cast<std::int64_t>(bytes), &memory);
    if (status == RONDO_ERROR_OUT_OF_MEMORY) {
      give_all_back();
      status = rondo_device_alloc(static_cast<std::int64_t>(bytes), &memory);
    }
    check(status);
    return memory;
  }

  void give_all_back() {
    for (auto &[size, blocks] : free_) {
      for (void *block : blocks) {
        sizes_.erase(block);
        rondo_device_free(block);
      }
      blocks.clear();
    }
  }

  // A block of the device, sent once for each value.
  const void *pattern(std::uint8_t value) {
    void *&block = patterns_[value];
    if (block == nullptr) {
      block = from_driver(pattern_bytes);
      const std::vector<std::uint8_t> bytes(pattern_bytes, value);
      stage(block, bytes.data(), bytes.size());
    }
    return block;
  }

  const bool keeps_;
  void *stream_ = nullptr;
  std::map<std::size_t, std::vector<void *>> free_;  // by size class
  std::map<void *, std::size_t> sizes_;              // of blocks with a size class
  std::map<std::uint8_t, void *> patterns_;
  std::deque<std::vector<std::uint8_t>> staged_;
  std::size_t staged_bytes_ = 0;
};

MemorySpace::MemorySpace(rondo_device_t device)
    : arena_(device == RONDO_DEVICE_CUDA ? &DeviceArena::instance() : nullptr) {}

void *MemorySpace::stream() const { return is_device() ? arena_->stream() : nullptr; }

void MemorySpace::synchronize() const {
  if (is_device()) arena_->synchronize();
}

void *MemorySpace::allocate(std::size_t bytes) const {
  return is_device() ? arena_->allocate(bytes) : ::operator new(bytes, alignment);
}

void MemorySpace::release(void *memory) const {
  if (is_device()) {
    arena_->release(memory);
  } else {
    ::operator delete(memory, alignment);
  }
}

void MemorySpace::write(void *to, const void *from, std::size_t bytes) const {
  if (bytes == 0) return;
  if (is_device()) {
    arena_->stage(to, from, bytes);
  } else {
    std::memcpy(to, from, bytes);
  }
}

void MemorySpace::copy(void *to, const void *from, std::size_t bytes) const {
  if (bytes == 0) return;
  if (is_device()) {
    arena_->copy(to, from, bytes);
  } else {
    std::memcpy(to, from, bytes);
  }
}

void MemorySpace::fill(void *to, std::uint8_t value, std::size_t bytes) const {
  if (is_device()) {
    arena_->fill(to, value, bytes);
  } else {
    std::memset(to, value, bytes);
  }
}

void MemorySpace::read(void *to, const void *from, std::size_t bytes) const {
  copy(to, from, bytes);
  synchronize();
}

}  // namespace rondo::test
