// What the plan knows of a way to run it: a Backend says whether it can and why not, an Executor is one plan's forward
// and backward. Every decision and refusal happens in Backend; an Executor only runs.
#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "core/call.h"
#include "core/context.h"

namespace rondo {

// What autotune found of a way to run a plan.
struct Measured {
  double milliseconds = -1;  // of a call of the plan's maxima, in training with its backward; below 0: not timed
  std::string times;         // of all ways that were timed, for explain
};

// As "0.125 ms".
inline std::string milliseconds_text(double milliseconds) {
  std::array<char, 32> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%.4g ms", milliseconds));
  return text.data();
}

class Executor {
 public:
  virtual ~Executor() = default;
  virtual MemoryNeeds needs() const = 0;
  // Equal for plans that may share packed parameters; never 0.
  virtual uint64_t packed_format() const = 0;
  virtual std::string description() const = 0;  // what was chosen inside the back end, for explain
  virtual Measured measured() const { return {}; }
  virtual Status pack(const void *const *params, void *packed) const = 0;
  virtual Status forward(const ForwardCall &call) const = 0;
  virtual Status backward(const BackwardCall &call) const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual rondo_backend_t id() const = 0;
  virtual rondo_device_t device() const = 0;
  virtual const char *name() const = 0;
  virtual bool available() const = 0;
  // What it runs on, or why it cannot; static.
  virtual const char *detail() const = 0;
  // Why it cannot serve a problem, empty where it can. Only asked of an available back end.
  virtual std::string refusal(const Spec &spec, const Problem &problem) const = 0;
  // Why its kernels for a problem count as not proven on hardware, empty where they are proven. What is not proven is
  // chosen only where nothing proven serves, or by name.
  virtual std::string unproven(const Spec &spec, const Problem &problem) const = 0;
  virtual Status create(Context &context, const Spec &spec, const Problem &problem,
                        std::unique_ptr<Executor> *executor) const = 0;
};

// Device memory and streams as rondo.h promises them, where a back end brings a device.
class DeviceCalls {
 public:
  virtual ~DeviceCalls() = default;
  virtual Status alloc(int64_t bytes, void **memory) const = 0;
  virtual Status free(void *memory) const = 0;
  virtual Status memory(int64_t *free_bytes, int64_t *total_bytes) const = 0;
  virtual Status copy(void *to, const void *from, int64_t bytes, void *stream) const = 0;
  virtual Status stream_create(void **stream) const = 0;
  virtual Status stream_synchronize(void *stream) const = 0;
  virtual Status stream_destroy(void *stream) const = 0;
};

}  // namespace rondo
