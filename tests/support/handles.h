// RAII over the C handles, and failures of the library as exceptions that carry its text.
// Everything here goes through rondo.h; nothing of src/ is included by any test of this folder.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "rondo/rondo.h"

namespace rondo::test {

class RondoError : public std::runtime_error {
 public:
  explicit RondoError(rondo_status_t status)
      : std::runtime_error(std::string(rondo_status_name(status)) + ": " + rondo_last_error()), status_(status) {}
  rondo_status_t status() const { return status_; }

 private:
  rondo_status_t status_;
};

inline void check(rondo_status_t status) {
  if (status != RONDO_OK) throw RondoError(status);
}

template <class Handle, void (*destroy)(Handle)>
struct HandleDeleter {
  void operator()(Handle handle) const { destroy(handle); }
};

template <class Handle, void (*destroy)(Handle)>
using UniqueHandle = std::unique_ptr<std::remove_pointer_t<Handle>, HandleDeleter<Handle, destroy>>;

using Context = UniqueHandle<rondo_context_t, rondo_context_destroy>;
using Rnn = UniqueHandle<rondo_rnn_t, rondo_rnn_destroy>;
using Plan = UniqueHandle<rondo_plan_t, rondo_plan_destroy>;

inline Context make_context() {
  rondo_context_t context = nullptr;
  check(rondo_context_create(&context));
  return Context(context);
}

inline Rnn make_rnn() {
  rondo_rnn_t rnn = nullptr;
  check(rondo_rnn_create(&rnn));
  return Rnn(rnn);
}

inline Plan make_plan(const Context &context, const Rnn &rnn, const rondo_plan_args_t &args) {
  rondo_plan_t plan = nullptr;
  check(rondo_plan_create(context.get(), rnn.get(), &args, &plan));
  return Plan(plan);
}

}  // namespace rondo::test
