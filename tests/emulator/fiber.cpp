// Switching stacks: by hand on x86-64, because swapcontext calls the kernel at every switch, elsewhere by ucontext.
// An abandoned stack keeps the marks of asan, which start() takes away.
#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define RONDO_EMULATOR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RONDO_EMULATOR_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define RONDO_EMULATOR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RONDO_EMULATOR_TSAN 1
#endif
#endif

#ifdef RONDO_EMULATOR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef RONDO_EMULATOR_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if defined(__x86_64__) && !defined(RONDO_EMULATOR_UCONTEXT)

// Saves what a call must preserve on the current stack and its pointer in *from, then takes the same up from `to`.
extern "C" void rondo_emulator_switch(void **from, void *to);
asm(R"(
.pushsection .text
.globl rondo_emulator_switch
.hidden rondo_emulator_switch
.type rondo_emulator_switch, @function
rondo_emulator_switch:
  pushq %rbx
  pushq %rbp
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbp
  popq %rbx
  retq
.size rondo_emulator_switch, . - rondo_emulator_switch
.popsection
)");

namespace rondo_emulator {

struct Place {
  void *top = nullptr;
  void prepare(char *stack, size_t bytes, void (*entry)()) {
    auto **words = reinterpret_cast<void **>(stack + bytes);
    *--words = nullptr;  // where entry would return to; it leaves rsp as a call would
    *--words = reinterpret_cast<void *>(entry);
    for (int k = 0; k < 6; ++k) {
      *--words = nullptr;
    }
    top = words;
  }
  void to(Place &other) { rondo_emulator_switch(&top, other.top); }
};

}  // namespace rondo_emulator

#else

#include <ucontext.h>

namespace rondo_emulator {

struct Place {
  ucontext_t context{};
  void prepare(char *stack, size_t bytes, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = bytes;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
  }
  void to(Place &other) { swapcontext(&context, &other.context); }
};

}  // namespace rondo_emulator

#endif

namespace rondo_emulator {
namespace {

constexpr size_t kStackBytes = size_t{256} << 10;

Fiber *running;
Place outside;
size_t page_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

#ifdef RONDO_EMULATOR_ASAN
const void *outside_stack;
size_t outside_bytes;
#endif
#ifdef RONDO_EMULATOR_TSAN
// One of tsan's fibers takes long to make and serves many starts. Not all: run() and end(), which never return, each
// leave an entry on its stack of calls.
constexpr int kStartsOfAFiber = 1000;
void *outside_fiber;
#endif

}  // namespace

struct Fiber::Switch {
  Place place;
  bool dirty = false;  // frames may be left on the stack
#ifdef RONDO_EMULATOR_TSAN
  void *fiber = nullptr;
  int starts = 0;
#endif
};

Fiber::Fiber() : stack_(nullptr), switch_(new Switch) {
  void *memory =
      mmap(nullptr, kStackBytes + page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  mprotect(memory, page_bytes(), PROT_NONE);
  stack_ = static_cast<char *>(memory) + page_bytes();
}

Fiber::~Fiber() {
#ifdef RONDO_EMULATOR_TSAN
  if (switch_->fiber != nullptr) {
    __tsan_destroy_fiber(switch_->fiber);
  }
#endif
  munmap(stack_ - page_bytes(), kStackBytes + page_bytes());
  delete switch_;
}

void Fiber::start(void (*entry)()) {
#ifdef RONDO_EMULATOR_ASAN
  if (switch_->dirty) {
    __asan_unpoison_memory_region(stack_, kStackBytes);
  }
#endif
#ifdef RONDO_EMULATOR_TSAN
  if (switch_->fiber == nullptr || switch_->dirty || switch_->starts == kStartsOfAFiber) {
    if (switch_->fiber != nullptr) {
      __tsan_destroy_fiber(switch_->fiber);
    }
    switch_->fiber = __tsan_create_fiber(0);
    switch_->starts = 0;
  }
  ++switch_->starts;
#endif
  switch_->dirty = false;
  entry_ = entry;
  switch_->place.prepare(stack_, kStackBytes, &Fiber::run);
  enter();
}

void Fiber::resume() { enter(); }

void Fiber::enter() {
  running = this;
#ifdef RONDO_EMULATOR_ASAN
  void *fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_, kStackBytes);
#endif
#ifdef RONDO_EMULATOR_TSAN
  outside_fiber = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(switch_->fiber, 0);
#endif
  outside.to(switch_->place);
#ifdef RONDO_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  running = nullptr;
}

void Fiber::run() {
#ifdef RONDO_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &outside_stack, &outside_bytes);
#endif
  running->entry_();
  end(false);
}

void Fiber::pause() {
  Switch &self = *running->switch_;
  self.dirty = true;
#ifdef RONDO_EMULATOR_ASAN
  void *fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, outside_stack, outside_bytes);
#endif
#ifdef RONDO_EMULATOR_TSAN
  __tsan_switch_to_fiber(outside_fiber, 0);
#endif
  self.place.to(outside);
#ifdef RONDO_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(fake_stack, &outside_stack, &outside_bytes);
#endif
  self.dirty = false;
}

void Fiber::leave() { end(true); }

void Fiber::end(bool frames_left) {
  Switch &self = *running->switch_;
  self.dirty = frames_left;
#ifdef RONDO_EMULATOR_ASAN
  __sanitizer_start_switch_fiber(nullptr, outside_stack, outside_bytes);
#endif
#ifdef RONDO_EMULATOR_TSAN
  __tsan_switch_to_fiber(outside_fiber, 0);
#endif
  self.place.to(outside);
  __builtin_unreachable();
}

}  // namespace rondo_emulator
