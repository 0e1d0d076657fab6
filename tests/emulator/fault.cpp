// The process's first fault. Texts are never freed, because callers hold what cudaGetErrorString returned.
#include "fault.h"

#include <atomic>
#include <list>
#include <mutex>

namespace rondo_emulator {
namespace {

std::mutex mutex;
std::list<std::string> &texts() {
  static auto *all = new std::list<std::string>;
  return *all;
}
std::atomic<const char *> current{nullptr};

}  // namespace

bool faulty() { return current.load(std::memory_order_acquire) != nullptr; }

const char *fault_text() {
  const char *text = current.load(std::memory_order_acquire);
  return text != nullptr ? text : "";
}

void set_fault(const std::string &text) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!faulty()) {
    texts().push_back("unspecified launch failure: " + text);
    current.store(texts().back().c_str(), std::memory_order_release);
  }
}

void clear_fault() {
  const std::lock_guard<std::mutex> lock(mutex);
  current.store(nullptr, std::memory_order_release);
}

}  // namespace rondo_emulator
