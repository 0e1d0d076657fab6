// The state of the machine, what the tests see and set of it (control.h), and what other stand-ins need (stream.h).
#include <cstdlib>

#include "runner.h"
#include "runtime.h"
#include "stream.h"

namespace rondo_emulator {
namespace {

int number_of(const char *variable, int otherwise) {
  const char *text = std::getenv(variable);
  return text != nullptr ? std::atoi(text) : otherwise;
}

Settings from_environment() {
  Settings settings;
  settings.devices = number_of("RONDO_EMULATOR_DEVICES", settings.devices);
  settings.capability = number_of("RONDO_EMULATOR_CAPABILITY", settings.capability);
  settings.driver = number_of("RONDO_EMULATOR_DRIVER", settings.driver);
  settings.seed = static_cast<uint64_t>(number_of("RONDO_EMULATOR_SEED", 1));
  return settings;
}

// Most functions here: under the lock.
template <class Body>
auto locked(Body &&body) {
  State &all = state();
  const std::lock_guard<std::recursive_mutex> lock(all.mutex);
  return body(all);
}

}  // namespace

State::State() : settings(from_environment()) { seed_order(settings.seed); }

cudaError_t State::machine() const {
  if (settings.driver / 1000 < CUDART_VERSION / 1000) {
    return cudaErrorInsufficientDriver;
  }
  return settings.devices > 0 ? cudaSuccess : cudaErrorNoDevice;
}

State &state() {
  static auto *one = new State;
  return *one;
}

ThreadState &mine() {
  thread_local ThreadState one;
  return one;
}

Settings settings() {
  return locked([](State &all) { return all.settings; });
}

void configure(const Settings &settings) {
  locked([&](State &all) {
    all.settings = settings;
    seed_order(settings.seed);
    return 0;
  });
}

std::string faults() { return fault_text(); }

void forget_fault() {
  locked([](State &all) {
    all.streams.drop_all();
    clear_fault();
    mine().last_error = cudaSuccess;
    return 0;
  });
}

Live live() {
  return locked([](State &all) {
    Live live{};
    live.allocations = all.memory.count();
    for (int device = 0; device < all.settings.devices; ++device) {
      live.bytes += static_cast<int64_t>(all.memory.used(device));
    }
    live.streams = all.streams.count();
    live.events = static_cast<int64_t>(all.events.size());
    live.graphs = static_cast<int64_t>(all.graphs.size() + all.execs.size());
    live.handles = all.handles;
    return live;
  });
}

void set_cost(std::function<double(const char *)> cost) {
  locked([&](State &all) {
    all.streams.cost_of = std::move(cost);
    return 0;
  });
}

int64_t operations_run() {
  return locked([](State &all) { return all.streams.operations_run(); });
}

cudaError_t enqueue(cudaStream_t handle, std::function<void()> work, const char *label) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    return all.streams.submit(stream, Operation{std::move(work), label, {}, true});
  });
}

void add_cost(double units) {
  locked([&](State &all) {
    all.streams.add_cost(units);
    return 0;
  });
}

bool is_device_memory(const void *pointer, size_t bytes, int device) {
  return locked([&](State &all) { return all.memory.holds(pointer, bytes, device); });
}

int device_of(cudaStream_t handle) {
  return locked([&](State &all) {
    const auto stream = all.streams.find(handle, mine().device);
    return stream == nullptr ? -1 : stream->device;
  });
}

void report_fault(const std::string &text) {
  locked([&](State &all) {
    set_fault(text);
    all.streams.drop_all();
    return 0;
  });
}

}  // namespace rondo_emulator
