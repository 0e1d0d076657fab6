// The wall of the C ABI: no exception passes it, and every failure carries the public function's name.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <system_error>

#include "core/context.h"
#include "core/pointers.h"
#include "core/spec.h"
#include "core/status.h"

struct rondo_context_s {
  std::shared_ptr<rondo::Context> context;
};
struct rondo_rnn_s {
  rondo::Spec spec;
};

namespace rondo {

template <class Body>
rondo_status_t guarded(const char *function, Body &&body) noexcept {
  const ApiScope scope(function);
  try {
    const Status status = body();
    return status.code();
  } catch (const std::bad_alloc &) {
    return fail(RONDO_ERROR_OUT_OF_MEMORY, "the host has no memory left").code();
  } catch (const std::system_error &fault) {
    return fail(RONDO_ERROR_OUT_OF_MEMORY, "the system has no more threads or locks: %s", fault.what()).code();
  } catch (const std::exception &fault) {
    return fail(RONDO_ERROR_INTERNAL, "unexpected: %s", fault.what()).code();
  } catch (...) {
    return fail(RONDO_ERROR_INTERNAL, "something that is no std::exception was thrown, as by a log callback").code();
  }
}

}  // namespace rondo
