// A context and forks: the child's locks are free although another thread held one when the fork was called for.
// An alarm bounds the child, which would otherwise wait for ever.
#include "core/context.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "support/catch.h"

using rondo::BackendResources;
using rondo::Context;

namespace {

struct Listener final : BackendResources {
  void set_threads(int threads) override { heard = threads; }
  int heard = 0;
};

}  // namespace

TEST_CASE("a context tells its resources how many threads there are", "[context]") {
  std::shared_ptr<Context> context;
  REQUIRE(Context::create(&context).ok());
  CHECK(context->threads() >= 1);
  auto listener = context->resources(RONDO_BACKEND_CPU, [](int) { return std::make_unique<Listener>(); });
  CHECK(context->set_threads(3).ok());
  CHECK(static_cast<Listener &>(*listener).heard == 3);
  CHECK(context->threads() == 3);
  CHECK(!context->set_threads(-1).ok());
  CHECK(!context->set_threads(Context::max_threads + 1).ok());
}

TEST_CASE("a fork finds every context's lock free in the child", "[context]") {
  std::shared_ptr<Context> context;
  std::shared_ptr<Context> other;
  REQUIRE(Context::create(&context).ok());
  REQUIRE(Context::create(&other).ok());
  std::atomic<bool> inside{false};
  std::atomic<bool> made{false};
  std::thread holder([&] {
    context->resources(RONDO_BACKEND_CPU, [&](int) {
      inside = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      made = true;
      return std::make_unique<Listener>();
    });
  });
  while (!inside) {
    std::this_thread::yield();
  }
  int verdict[2] = {-1, -1};  // the exit status is a sanitizer's, which misses the parent's thread in the child
  REQUIRE(pipe(verdict) == 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const bool usable = made && context->set_threads(2).ok() && context->threads() == 2 && other->set_threads(2).ok();
    context.reset();
    std::shared_ptr<Context> born;
    const char word = usable && Context::create(&born).ok() ? 'y' : 'n';
    _exit(write(verdict[1], &word, 1) == 1 ? 0 : 1);
  }
  holder.join();
  REQUIRE(child > 0);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  close(verdict[1]);
  char word = 0;
  CHECK(read(verdict[0], &word, 1) == 1);
  CHECK(word == 'y');
  close(verdict[0]);
  CHECK(context->set_threads(1).ok());
}
